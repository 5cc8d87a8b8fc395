//! Names and tag values of InfluxDB's line protocol: text that stands there
//! without quotes.
//!
//! The protocol cannot escape a newline there, and servers differ in how they
//! read a backslash before a character with a meaning. Either would let a text
//! end the point that it stands in: such characters are replaced, not escaped.

/// Characters that a name or a tag value has to escape.
pub const IN_NAME: &[u8] = b", =";
/// Characters that a measurement has to escape.
pub const IN_MEASUREMENT: &[u8] = b", ";

/// What stands where a character cannot.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Appends `text`, each of the `special` characters behind a backslash.
pub fn write_unquoted(text: &[u8], special: &[u8], out: &mut Vec<u8>) {
    // Looking at all bytes, instead of stopping at the first, is comparing vectors.
    if text
        .iter()
        .fold(true, |plain, &byte| plain & is_plain(byte))
    {
        return out.extend_from_slice(text);
    }
    for chunk in text.utf8_chunks() {
        write_valid(chunk.valid().as_bytes(), special, out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(REPLACEMENT);
        }
    }
}

/// Whether a byte has no meaning anywhere in the protocol.
fn is_plain(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7f) & (byte != b'\\') & (byte != b',') & (byte != b'=')
}

fn write_valid(text: &[u8], special: &[u8], out: &mut Vec<u8>) {
    let following = text.iter().skip(1).map(Some).chain([None]);
    for (&byte, next) in text.iter().zip(following) {
        let is_unsafe = match byte {
            b'\\' => next.is_none_or(|next| b"\\, =".contains(next)),
            byte => byte.is_ascii_control(),
        };
        if is_unsafe {
            out.extend_from_slice(REPLACEMENT);
            continue;
        }
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::{IN_MEASUREMENT, IN_NAME, write_unquoted};

    #[track_caller]
    fn writes(text: &[u8], special: &[u8], expected: &str) {
        let mut out = Vec::new();
        write_unquoted(text, special, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    /// What has a meaning is escaped, what cannot be is replaced.
    #[test]
    fn unquoted_text_cannot_end_what_it_stands_in() {
        writes(b"a b,c=d", IN_NAME, "a\\ b\\,c\\=d");
        writes(b"a b,c=d", IN_MEASUREMENT, "a\\ b\\,c=d");
        writes(b"a\nevil v=1", IN_NAME, "a\u{fffd}evil\\ v\\=1");
        writes(b"a\r\x00\x7f", IN_NAME, "a\u{fffd}\u{fffd}\u{fffd}");
        writes(b"\xffa", IN_NAME, "\u{fffd}a");
        writes("\u{e4}\u{20ac}\"#".as_bytes(), IN_NAME, "\u{e4}\u{20ac}\"#");
    }

    /// A backslash stays only where no server takes it for an escape.
    #[test]
    fn a_backslash_is_replaced_where_it_would_escape() {
        writes(b"a\\b", IN_NAME, "a\\b");
        writes(b"a\\", IN_NAME, "a\u{fffd}");
        writes(b"a\\\\b", IN_NAME, "a\u{fffd}\\b");
        writes(b"a\\ b", IN_NAME, "a\u{fffd}\\ b");
        writes(b"a\\,b", IN_NAME, "a\u{fffd}\\,b");
        writes(b"a\\=b", IN_MEASUREMENT, "a\u{fffd}=b");
    }
}
