//! Values as parts of file names: none leaves its folder, no two are the same.
//!
//! What stands in a value is up to whoever names a container or a program. Only
//! letters, digits, `-`, `_` and `.` are written as they are, and no name begins
//! with a dot; of the rest every byte is `%` and two hex digits.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::number::write_hex;

/// Bytes of the longest value; a longer one is cut and told apart by its hash.
pub(super) const MAX_BYTES: usize = 96;
/// What is left of one that is cut.
const KEPT_BYTES: usize = 64;
/// Begins the hash: in no value, for it would be written with `%`.
const HASH_MARK: u8 = b'~';
/// Stands for a value that does not exist.
const ABSENT: &[u8] = b"none";
/// Stands for an empty value.
const EMPTY: &[u8] = b"%";

/// Appends `value` as a part of a name. `guard` is the byte behind it, where
/// another value follows: it does not occur in this one.
pub(super) fn write_value(value: Option<&[u8]>, guard: Option<u8>, out: &mut Vec<u8>) {
    let Some(value) = value else {
        return out.extend_from_slice(ABSENT);
    };
    let start = out.len();
    for (index, &byte) in value.iter().enumerate() {
        let is_mistaken = index == 0 && (byte == b'.' || value == ABSENT);
        if is_plain(byte) && Some(byte) != guard && !is_mistaken {
            out.push(byte);
        } else {
            write_escaped(byte, out);
        }
    }
    if value.is_empty() {
        out.extend_from_slice(EMPTY);
    }
    if out.len() - start > MAX_BYTES {
        cut(value, start, out);
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    out.push(b'%');
    write_hex(&[byte], out);
}

fn cut(value: &[u8], start: usize, out: &mut Vec<u8>) {
    let mut end = start + KEPT_BYTES;
    // An escape is not cut in two.
    let tail = out.get(end - 2..end).unwrap_or_default();
    if let Some(at) = tail.iter().position(|&byte| byte == b'%') {
        end = end - 2 + at;
    }
    out.truncate(end);
    out.push(HASH_MARK);
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    write_hex(&hasher.finish().to_be_bytes(), out);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{MAX_BYTES, write_value};

    fn name(value: Option<&[u8]>) -> String {
        let mut out = Vec::new();
        write_value(value, None, &mut out);
        str::from_utf8(&out).unwrap().to_owned()
    }

    /// What could leave the folder, hide a file or be taken for another value.
    #[test]
    fn hostile_values_stay_names() {
        for (value, expected) in [
            (&b"web-1.example"[..], "web-1.example"),
            (b"../../etc/x", "%2e.%2f..%2fetc%2fx"),
            (b".", "%2e"),
            (b"..", "%2e."),
            (b"/", "%2f"),
            (b"a/b", "a%2fb"),
            (b"a%2fb", "a%252fb"),
            (b"\0", "%00"),
            (b"a\nb\xff", "a%0ab%ff"),
            (b"", "%"),
            (b"none", "%6eone"),
            (b"nonesuch", "nonesuch"),
            (b"a@20261128T031000Z", "a%4020261128T031000Z"),
        ] {
            assert_eq!(name(Some(value)), expected);
        }
        assert_eq!(name(None), "none");
    }

    /// Long values that differ at their ends have different names.
    #[test]
    fn long_values_are_told_apart() {
        let long = |last: u8| [&[b'/'; 300][..], &[last]].concat();
        let (a, b) = (name(Some(&long(b'a'))), name(Some(&long(b'b'))));
        assert_ne!(a, b);
        assert!(a.len() <= MAX_BYTES && a.starts_with("%2f%2f"), "{a}");
    }

    /// Two values that stand in one name do not run into each other.
    #[test]
    fn a_separator_is_not_part_of_a_value() {
        let mut out = Vec::new();
        write_value(Some(b"a-b"), Some(b'-'), &mut out);
        assert_eq!(out, b"a%2db");
    }

    proptest! {
        /// No name leaves its folder, and no two values share one.
        #[test]
        fn values_and_names_are_one_to_one(values in vec(vec(any::<u8>(), 0..40), 2..20)) {
            let mut seen = HashMap::new();
            for value in &values {
                let name = name(Some(value));
                prop_assert!(!name.is_empty() && !name.starts_with('.') && !name.contains('/'));
                prop_assert!(name.bytes().all(|byte| byte > b' ' && byte < 0x7f));
                let first = seen.entry(name).or_insert(value);
                prop_assert_eq!(*first, value);
            }
        }
    }
}
