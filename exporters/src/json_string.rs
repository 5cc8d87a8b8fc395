//! Text as JSON strings. Most text needs no escape: it is copied in runs.

use crate::number::write_hex;
use crate::special::first_special;

/// What text shows where it is not UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Appends `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    write_utf8(text.as_bytes(), out);
}

/// Appends `bytes`, which are known to be UTF-8, as a JSON string.
pub(crate) fn write_utf8(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(bytes, out);
    out.push(b'"');
}

/// Appends `bytes` as a JSON string, with U+FFFD where they are not UTF-8.
pub(crate) fn write_lossy(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        write_escaped(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(REPLACEMENT);
        }
    }
    out.push(b'"');
}

fn write_escaped(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(position) = first_special(text, must_be_escaped) {
        let (plain, rest) = text.split_at(position);
        out.extend_from_slice(plain);
        let Some((&special, rest)) = rest.split_first() else {
            return;
        };
        write_escape(special, out);
        text = rest;
    }
    out.extend_from_slice(text);
}

fn must_be_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\t' => b't',
        b'\r' => b'r',
        0x08 => b'b',
        0x0c => b'f',
        control => {
            out.extend_from_slice(b"\\u00");
            write_hex(&[control], out);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
