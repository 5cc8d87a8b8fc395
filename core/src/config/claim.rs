//! What a component wants for itself alone, or beside others that only read it.

use std::net::{IpAddr, SocketAddr};

/// How a claim begins that others of its kind do not stand in the way of.
const SHARED: &str = "shared ";
/// How a claim to an address begins.
const ADDRESS: &str = "address ";

/// Whether nobody can have both: they are the same and not both shared, addresses of one port of
/// which one covers the other, or files that can be one, `*` being any name.
#[must_use]
pub fn claims_collide(one: &str, other: &str) -> bool {
    let shared = |claim| str::strip_prefix(claim, SHARED);
    if let (Some(_), Some(_)) = (shared(one), shared(other)) {
        return false;
    }
    let [one, other] = [one, other].map(|claim| shared(claim).unwrap_or(claim));
    if overlap(one.as_bytes(), other.as_bytes()) {
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

/// Whether one text matches both, `*` standing for any without a slash.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            let is_longer = |(next, behind): (&u8, &[u8])| *next != b'/' && overlap(one, behind);
            overlap(rest, other) || other.split_first().is_some_and(is_longer)
        }
        (_, [b'*', ..]) => overlap(other, one),
        ([first, one @ ..], [met, other @ ..]) => first == met && overlap(one, other),
        ([], _) | (_, []) => false,
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

    #[track_caller]
    fn collide(rows: &[(&str, &str, bool)]) {
        for &(one, other, expected) in rows {
            assert_eq!(claims_collide(one, other), expected, "{one}, {other}");
            assert_eq!(claims_collide(other, one), expected, "{other}, {one}");
        }
    }

    /// Two patterns that one file can match are one place.
    #[test]
    fn files_collide_where_they_can_be_one() {
        collide(&[
            ("file /a", "file /a", true),
            ("file /a", "file /ab", false),
            ("file /*.csv", "file /open.csv", true),
            ("file /*.csv", "file /open.jsonl", false),
            ("file /*.csv", "file /a/open.csv", false),
            ("file /*/x", "file /a/*", true),
            ("file /a-*", "file /*-b", true),
            ("file /a*c", "file /*b", false),
        ]);
    }

    /// What is shared stands in nobody's way but an owner's.
    #[test]
    fn what_is_shared_collides_with_an_owner() {
        collide(&[
            ("shared file a", "shared file a", false),
            ("shared file a", "file a", true),
            ("shared file a", "file *", true),
            ("shared file a", "file b", false),
        ]);
    }

    /// An address of all interfaces stands in the way of each one.
    #[test]
    fn addresses_collide_by_what_they_cover() {
        collide(&[
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
        ]);
    }
}
