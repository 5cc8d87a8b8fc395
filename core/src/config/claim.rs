//! What a component wants for itself alone.

use std::net::{IpAddr, SocketAddr};

/// How a claim to an address begins.
const ADDRESS: &str = "address ";

/// Whether nobody can have both: they are the same, or addresses of one port of
/// which one covers the other.
#[must_use]
pub fn claims_collide(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (address(one), address(other)) {
        (Some(one), Some(other)) => {
            one.port() == other.port()
                && (covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
        }
        (None, _) | (_, None) => false,
    }
}

fn address(claim: &str) -> Option<SocketAddr> {
    claim.strip_prefix(ADDRESS)?.parse().ok()
}

/// `0.0.0.0` is every address of IPv4; `[::]` takes those of IPv4 too, as Linux
/// has it unless told otherwise.
fn covers(wide: IpAddr, narrow: IpAddr) -> bool {
    wide == narrow || wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::claims_collide;

    /// An address of all interfaces stands in the way of each one.
    #[test]
    fn addresses_collide_by_what_they_cover() {
        for (one, other, expected) in [
            ("stdout", "stdout", true),
            ("stdout", "file a", false),
            ("address 127.0.0.1:1", "address 127.0.0.1:1", true),
            ("address 127.0.0.1:1", "address 127.0.0.1:2", false),
            ("address 127.0.0.1:1", "address 127.0.0.2:1", false),
            ("address 0.0.0.0:1", "address 127.0.0.1:1", true),
            ("address 0.0.0.0:1", "address 127.0.0.1:2", false),
            ("address 0.0.0.0:1", "address [::1]:1", false),
            ("address [::]:1", "address [::1]:1", true),
            ("address [::]:1", "address 127.0.0.1:1", true),
            ("address [::]:1", "address 0.0.0.0:1", true),
            ("address [0:0::1]:1", "address [::1]:1", true),
            ("address x", "address y", false),
        ] {
            assert_eq!(claims_collide(one, other), expected, "{one}, {other}");
            assert_eq!(claims_collide(other, one), expected, "{other}, {one}");
        }
    }
}
