//! Hostile text made harmless: what a process calls itself must neither move
//! the cursor nor forge a line nor turn the direction of reading.

use unicode_width::UnicodeWidthChar as _;

use crate::special::has_special;

/// Appends `bytes` with everything that is not plainly visible escaped; bytes
/// that are not UTF-8 as `\xNN`. The result is unambiguous: a backslash is
/// escaped too.
pub(crate) fn write_harmless(bytes: &[u8], out: &mut String) {
    write_escaped(bytes, false, out);
}

/// As [`write_harmless`], in quotes where the value would not stand as one word.
pub(crate) fn write_word(bytes: &[u8], out: &mut String) {
    match str::from_utf8(bytes) {
        Ok(text) => write_text(text, out),
        Err(_) => write_quoted_if_needed(bytes, out),
    }
}

/// As [`write_word`]; nearly all text is one word of plain ASCII.
pub(crate) fn write_text(text: &str, out: &mut String) {
    if !text.is_empty() && is_plain_word(text.as_bytes()) {
        out.push_str(text);
    } else {
        write_quoted_if_needed(text.as_bytes(), out);
    }
}

fn write_quoted_if_needed(bytes: &[u8], out: &mut String) {
    let is_gap = |byte: &u8| matches!(byte, b' ' | b'\'' | b'"');
    if !bytes.is_empty() && !bytes.iter().any(is_gap) {
        return write_harmless(bytes, out);
    }
    out.push('\'');
    write_escaped(bytes, true, out);
    out.push('\'');
}

fn is_plain_word(text: &[u8]) -> bool {
    !has_special(text, |byte| {
        (byte <= b' ') | (byte > b'~') | (byte == b'\\') | (byte == b'\'') | (byte == b'"')
    })
}

fn write_escaped(bytes: &[u8], quoted: bool, out: &mut String) {
    // Nearly all text is printable ASCII without a backslash or a quote.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'\'');
    if bytes.iter().all(is_plain) {
        out.push_str(str::from_utf8(bytes).unwrap_or_default());
        return;
    }
    let mut marks = MAX_MARKS;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if quoted && c == '\'' {
                out.push('\\');
            }
            // The first character may be a mark as well, on what stands before the text.
            marks = if c.width() == Some(0) { marks + 1 } else { 0 };
            if marks > MAX_MARKS {
                out.extend(c.escape_unicode());
            } else {
                write_char(c, out);
            }
        }
        for byte in chunk.invalid() {
            marks = MAX_MARKS;
            write_byte(*byte, out);
        }
    }
}

/// Marks that a character may carry: no script needs more, and a flood of them
/// covers the lines above and below.
const MAX_MARKS: usize = 4;

fn write_char(c: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if u32::from(c) < 0x80 && c.is_control() => {
            write_byte(u8::try_from(c).unwrap_or(0), out);
        }
        c if is_misleading(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

fn write_byte(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push_str("\\x");
    for nibble in [byte >> 4, byte & 15] {
        let digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?');
        out.push(char::from(digit));
    }
}

/// Characters that are not seen, or change how what surrounds them is seen.
fn is_misleading(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}
