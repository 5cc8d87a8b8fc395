//! What a peer says, for a line of the log.

/// How many characters are shown.
const LONGEST: usize = 200;

/// The beginning of a text from outside, in which nothing controls a terminal or
/// ends a line.
pub(crate) fn excerpt(text: &[u8]) -> String {
    // No character has more than four bytes.
    let beginning = text.trim_ascii_start();
    let beginning = beginning.get(..4 * LONGEST).unwrap_or(beginning);
    let text = String::from_utf8_lossy(beginning);
    let shown = text.trim().chars().take(LONGEST);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, excerpt};

    /// A line is bounded in characters and has no control characters in it.
    #[test]
    fn what_is_said_is_harmless() {
        for (said, shown) in [
            (&b""[..], ""),
            (b" 404 page not found\r\n", "404 page not found"),
            (b"a\nb\x1b[31m", "a b [31m"),
            ("a\u{9b}31m".as_bytes(), "a 31m"),
            (b"a\xff", "a\u{fffd}"),
        ] {
            assert_eq!(excerpt(said), shown);
        }
        for c in ["x", "\u{10ffff}"] {
            assert_eq!(excerpt(c.repeat(1000).as_bytes()), c.repeat(LONGEST));
        }
    }
}
