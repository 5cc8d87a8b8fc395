//! One value as a field of a record.

use eunomia_core::value::{List, Value};

use crate::json::{write_items, write_raw_items};
use crate::number::{write_hex, write_lossy, write_signed, write_unsigned};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: &[u8] = b"=+-@\t\r\n";
/// Stands before such a text, and before one that begins with it, so that one is
/// always what was added.
const ESCAPE: u8 = b'\'';

/// Writes values; what has to be put together first is put together here.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    escapes_formulas: bool,
    scratch: Vec<u8>,
}

impl Cells {
    pub(super) fn new(escapes_formulas: bool) -> Self {
        Self {
            escapes_formulas,
            scratch: Vec::new(),
        }
    }

    /// Appends `value`.
    pub(super) fn write(&mut self, value: Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Value::Int(value) => write_signed(value, out),
            Value::Uint(value) => write_unsigned(value, out),
            Value::Float(value) => write_float(value, out),
            Value::Str(text) => self.write_text(text.as_bytes(), out),
            Value::Short(text) => self.write_text(text.as_bytes(), out),
            Value::Text(bytes) => self.write_made(out, |scratch| write_lossy(bytes, scratch)),
            Value::Raw(bytes) => write_hex(bytes, out),
            Value::List(list) => self.write_made(out, |scratch| write_items(list, scratch)),
            Value::RawList(list) => self.write_raw_list(list, out),
        }
    }

    /// Appends exact bytes beside a list of text.
    pub(super) fn write_raw_list(&mut self, list: List<'_>, out: &mut Vec<u8>) {
        self.write_made(out, |scratch| write_raw_items(list, scratch));
    }

    /// Appends the text that `make` makes.
    pub(super) fn write_made(&mut self, out: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>)) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        make(&mut scratch);
        self.write_text(&scratch, out);
        self.scratch = scratch;
    }

    /// Appends `text`, in quotes where it would not be one field otherwise. An
    /// empty one has them too: what does not exist has none.
    pub(super) fn write_text(&self, text: &[u8], out: &mut Vec<u8>) {
        let is_mistaken = |first: &u8| FORMULA.contains(first) || *first == ESCAPE;
        let is_escaped = self.escapes_formulas && text.first().is_some_and(is_mistaken);
        if text.is_empty() || needs_quotes(text) {
            out.push(b'"');
            out.extend(is_escaped.then_some(ESCAPE));
            write_doubled(text, out);
            out.push(b'"');
        } else {
            out.extend(is_escaped.then_some(ESCAPE));
            out.extend_from_slice(text);
        }
    }
}

fn needs_quotes(text: &[u8]) -> bool {
    // All bytes are looked at: comparisons of vectors are cheaper than stopping.
    text.iter().fold(false, |found, byte| {
        found | (*byte == b',') | (*byte == b'"') | (*byte == b'\r') | (*byte == b'\n')
    })
}

fn write_doubled(text: &[u8], out: &mut Vec<u8>) {
    for piece in text.split_inclusive(|&byte| byte == b'"') {
        out.extend_from_slice(piece);
        if piece.ends_with(b"\"") {
            out.push(b'"');
        }
    }
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to memory cannot fail.
    write!(out, "{value:?}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use eunomia_core::value::Value;

    use super::Cells;

    #[track_caller]
    fn writes(escapes_formulas: bool, text: &str, expected: &str) {
        let mut out = Vec::new();
        Cells::new(escapes_formulas).write_text(text.as_bytes(), &mut out);
        assert_eq!(str::from_utf8(&out), Ok(expected));
    }

    /// RFC 4180, section 2, and the difference between empty and absent.
    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("plain text", "plain text"),
            (" ", " "),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("\"", "\"\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("a\rb", "\"a\rb\""),
            ("a\0b", "a\0b"),
        ] {
            writes(true, text, expected);
        }
    }

    /// No text is a formula; what was added can be told and taken away.
    #[test]
    fn formulas_are_escaped() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("'=1", "''=1"),
            ("a=1", "a=1"),
        ] {
            writes(true, text, expected);
        }
    }

    /// A fraction stays one, whatever its value.
    #[test]
    fn floats_are_told_from_integers() {
        for (value, expected) in [(2.5, "2.5"), (2.0, "2.0"), (f64::NAN, "NaN")] {
            let mut out = Vec::new();
            Cells::new(true).write(Value::Float(value), &mut out);
            assert_eq!(str::from_utf8(&out), Ok(expected));
        }
    }

    /// Who reads with a program may have text as it is.
    #[test]
    fn formulas_may_be_kept() {
        for text in ["=1+1", "'x", "-"] {
            writes(false, text, text);
        }
    }
}
