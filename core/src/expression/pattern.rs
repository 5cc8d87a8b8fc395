//! Patterns on bytes: globs, path prefixes, networks; and base64.

use std::net::IpAddr;

/// A shell pattern: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a sign that is
/// meant itself. As with `fnmatch` without flags `*` matches slashes too.
#[derive(Clone, Debug)]
pub struct Glob {
    parts: Box<[Part]>,
    any_case: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Byte(u8),
    One,
    Many,
    Class {
        negated: bool,
        ranges: Box<[(u8, u8)]>,
    },
}

impl Glob {
    /// Reads a pattern; with `any_case` letters of ASCII match in either case.
    #[must_use]
    pub fn new(pattern: &str, any_case: bool) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = tail;
            parts.push(match (first, tail) {
                (b'*', _) => Part::Many,
                (b'?', _) => Part::One,
                (b'\\', [escaped, tail @ ..]) => {
                    rest = tail;
                    Part::Byte(fold(*escaped, any_case))
                }
                (b'[', _) => match class(tail, any_case) {
                    Some((part, behind)) => {
                        rest = behind;
                        part
                    }
                    None => Part::Byte(b'['),
                },
                (byte, _) => Part::Byte(fold(*byte, any_case)),
            });
        }
        parts.dedup_by(|a, b| matches!((a, b), (Part::Many, Part::Many)));
        Self {
            parts: parts.into(),
            any_case,
        }
    }

    /// Whether all of `text` matches. Only the last `*` is ever tried again, so
    /// the work is bounded by the product of the lengths.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let (mut part, mut at) = (0, 0);
        let mut retry = None;
        while at < text.len() || part < self.parts.len() {
            match (self.parts.get(part), text.get(at)) {
                (Some(Part::Many), _) => {
                    retry = Some((part + 1, at + 1));
                    part += 1;
                    continue;
                }
                (Some(known), Some(byte)) if known.matches(fold(*byte, self.any_case)) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((after_star, from)) if from <= text.len() => {
                    (part, at) = (after_star, from);
                    retry = Some((after_star, from + 1));
                }
                _ => return false,
            }
        }
        true
    }
}

impl Part {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Byte(known) => *known == byte,
            Self::One => true,
            Self::Many => false,
            Self::Class { negated, ranges } => {
                ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&byte))
                    != *negated
            }
        }
    }
}

fn fold(byte: u8, any_case: bool) -> u8 {
    if any_case {
        byte.to_ascii_lowercase()
    } else {
        byte
    }
}

/// What stands between brackets, and what behind them; `None` if they are not
/// closed.
fn class(text: &[u8], any_case: bool) -> Option<(Part, &[u8])> {
    let (negated, mut rest) = match text {
        [b'!' | b'^', tail @ ..] => (true, tail),
        _ => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        let (low, tail) = match rest {
            // A bracket that comes first is meant itself.
            [b']', tail @ ..] if !ranges.is_empty() => {
                let ranges = ranges.into();
                return Some((Part::Class { negated, ranges }, tail));
            }
            [b'\\', byte, tail @ ..] | [byte, tail @ ..] => (*byte, tail),
            [] => return None,
        };
        let (high, tail) = match tail {
            [b'-', b']', ..] => (low, tail),
            [b'-', high, tail @ ..] => (*high, tail),
            _ => (low, tail),
        };
        ranges.push((fold(low, any_case), fold(high, any_case)));
        rest = tail;
    }
}

/// A path with everything below it; its parts may be globs.
#[derive(Clone, Debug)]
pub(super) struct PathPrefix(Box<[Glob]>);

impl PathPrefix {
    pub(super) fn new(path: &str) -> Self {
        let parts = path.split('/').filter(|part| !part.is_empty());
        Self(parts.map(|part| Glob::new(part, false)).collect())
    }

    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let mut parts = path
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty());
        let has_part = |known: &Glob| parts.next().is_some_and(|part| known.matches(part));
        self.0.iter().all(has_part)
    }
}

/// An address or a network of addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
            None => most,
        };
        (prefix <= most).then_some(Self { address, prefix })
    }

    pub(super) fn contains(self, text: &[u8]) -> bool {
        let address = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        match (self.address, address) {
            (IpAddr::V4(own), Some(IpAddr::V4(other))) => {
                let differ = own.to_bits() ^ other.to_bits();
                self.prefix == 0 || differ.checked_shr(32 - self.prefix) == Some(0)
            }
            (IpAddr::V6(own), Some(IpAddr::V6(other))) => {
                let differ = own.to_bits() ^ other.to_bits();
                self.prefix == 0 || differ.checked_shr(128 - self.prefix) == Some(0)
            }
            (IpAddr::V4(_), _) | (IpAddr::V6(_), _) => false,
        }
    }
}

/// The bytes that an even number of hex digits stands for.
pub(super) fn decode_hex(text: &str) -> Option<Box<[u8]>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Decodes base64 in place and says how many bytes it is; padding may be
/// missing.
pub(super) fn decode_base64(text: &mut [u8]) -> Option<usize> {
    let end = text
        .iter()
        .rposition(|&byte| byte != b'=')
        .map_or(0, |last| last + 1);
    let (mut bits, mut count, mut written) = (0_u32, 0, 0);
    for at in 0..end {
        let value = match *text.get(at)? {
            byte @ b'A'..=b'Z' => byte - b'A',
            byte @ b'a'..=b'z' => byte - b'a' + 26,
            byte @ b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            *text.get_mut(written)? = u8::try_from(bits >> count & 0xff).ok()?;
            written += 1;
        }
    }
    // One digit alone is not a byte.
    (count < 6).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::{Glob, Network, PathPrefix, decode_base64, decode_hex};

    #[track_caller]
    fn globs(pattern: &str, matching: &[&str], others: &[&str]) {
        let glob = Glob::new(pattern, false);
        for text in matching {
            assert!(glob.matches(text.as_bytes()), "{pattern} {text}");
        }
        for text in others {
            assert!(!glob.matches(text.as_bytes()), "{pattern} {text}");
        }
    }

    /// Patterns match as `fnmatch` has it.
    #[test]
    fn globs_match_whole_texts() {
        globs("", &[""], &["a"]);
        globs("*", &["", "a", "a/b"], &[]);
        globs(
            "/etc/*.conf",
            &["/etc/a.conf", "/etc/a/b.conf"],
            &["/etc/a.conf2", "etc/a.conf"],
        );
        globs("a?c", &["abc", "a/c"], &["ac", "abbc"]);
        globs("a**b*", &["ab", "axxbyy", "abab"], &["a", "ba"]);
        globs("[a-c]x[!0-9]", &["axz", "cx."], &["dxz", "ax5"]);
        globs("[]]", &["]"], &["[", ""]);
        globs("[a-]", &["a", "-"], &["b"]);
        globs("[a", &["[a"], &["a"]);
        globs("\\*\\[", &["*["], &["x["]);
        globs("*a*a*a*b", &["aaab"], &[&"a".repeat(300)]);
        assert!(Glob::new("PASS[W]*", true).matches(b"passwd"));
    }

    /// A prefix is one by parts of the path.
    #[test]
    fn path_prefixes_match_by_parts() {
        let matches = |prefix: &str, path: &str| PathPrefix::new(prefix).matches(path.as_bytes());
        assert!(matches("/etc", "/etc") && matches("/etc/", "/etc/passwd") && matches("/", "/x"));
        assert!(matches("/home/*/.ssh", "/home/me/.ssh/id"));
        assert!(!matches("/etc", "/etcetera") && !matches("/etc/passwd", "/etc"));
        assert!(!matches("/home/*/.ssh", "/home/me/you/.ssh/id"));
    }

    /// Addresses are in a network of their own family by their first bits.
    #[test]
    fn networks_contain_addresses() {
        let contains =
            |net: &str, address: &str| Network::parse(net).unwrap().contains(address.as_bytes());
        assert!(contains("10.0.0.0/8", "10.255.1.2") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("0.0.0.0/0", "1.2.3.4") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "::1") && contains("fe80::/10", "febf::1"));
        assert!(contains("0:0::1", "::1") && !contains("1.2.3.4", "1.2.3.5"));
        assert!(!contains("10.0.0.0/8", "ten"));
        for wrong in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "a", ""] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
    }

    /// Base64 and hex are decoded, what is not either is refused.
    #[test]
    fn encoded_bytes_are_decoded() {
        let base64 = |text: &str| {
            let mut text = text.as_bytes().to_vec();
            let length = decode_base64(&mut text)?;
            text.truncate(length);
            Some(text)
        };
        assert_eq!(base64("aGVsbG8=").unwrap(), b"hello");
        assert_eq!(base64("aGVsbG8").unwrap(), b"hello");
        assert_eq!(base64("").unwrap(), b"");
        assert_eq!(base64("a"), None);
        assert_eq!(base64("a b="), None);
        assert_eq!(decode_hex("00fFa0").unwrap().as_ref(), [0, 255, 160]);
        assert_eq!((decode_hex("0"), decode_hex("0g")), (None, None));
    }
}
