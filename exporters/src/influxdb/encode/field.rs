//! The values of fields.
//!
//! A field has one type, which follows from the type of its attribute: InfluxDB
//! takes the first that comes for ever and refuses the others.

use std::io::Write as _;

use eunomia_core::key::Key;
use eunomia_core::value::{Item, List, Value};

use crate::number::{write_hex, write_signed, write_unsigned};
use crate::special::first_special;

/// What text shows where it is not UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// How unsigned integers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// As they are.
    Kept,
    /// As signed integers, for servers without unsigned ones: what is larger
    /// than the largest of those becomes it.
    AsSigned,
}

/// Appends `key=value,`; nothing where the value is none for InfluxDB.
pub(super) fn write_field(key: &Key, value: Value<'_>, unsigned: Unsigned, out: &mut Vec<u8>) {
    // There are neither infinities nor what is no number.
    if let Value::Float(value) = value
        && !value.is_finite()
    {
        return;
    }
    out.extend_from_slice(key.line());
    write_value(value, unsigned, out);
    out.push(b',');
}

fn write_value(value: Value<'_>, unsigned: Unsigned, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => {
            write_signed(value, out);
            out.push(b'i');
        }
        Value::Uint(value) => write_uint(value, unsigned, out),
        Value::Float(value) => write_float(value, out),
        Value::Str(text) => write_string(text, out),
        Value::Short(text) => quoted(out, |out| write_escaped(text.as_bytes(), out)),
        Value::Text(bytes) => quoted(out, |out| write_lossy(bytes, write_escaped, out)),
        Value::Raw(bytes) => quoted(out, |out| write_hex(bytes, out)),
        Value::List(list) => quoted(out, |out| write_list(list, write_item, out)),
        Value::RawList(list) => quoted(out, |out| write_list(list, write_raw_item, out)),
    }
}

pub(super) fn write_uint(value: u64, unsigned: Unsigned, out: &mut Vec<u8>) {
    match unsigned {
        Unsigned::Kept => {
            write_unsigned(value, out);
            out.push(b'u');
        }
        Unsigned::AsSigned => {
            write_unsigned(value.min(i64::MAX.unsigned_abs()), out);
            out.push(b'i');
        }
    }
}

/// Appends a finite number, in digits that give the same number again.
pub(super) fn write_float(value: f64, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    write!(out, "{value:?}").unwrap_or_default();
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Appends `text` in quotes. Newlines may stand in them.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    quoted(out, |out| write_escaped(text.as_bytes(), out));
}

fn write_lossy(bytes: &[u8], write: fn(&[u8], &mut Vec<u8>), out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        write(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(REPLACEMENT);
        }
    }
}

/// Appends what stands between quotes.
fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let is_special = |byte| byte == b'"' || byte == b'\\';
    in_runs(text, is_special, out, |special, out| {
        out.extend_from_slice(&[b'\\', special]);
    });
}

/// Appends what stands between the quotes of a JSON string that itself stands
/// between quotes.
fn write_json_escaped(text: &[u8], out: &mut Vec<u8>) {
    let is_special = |byte| byte < b' ' || byte == b'"' || byte == b'\\';
    in_runs(text, is_special, out, |special, out| match special {
        b'"' => out.extend_from_slice(br#"\\\""#),
        b'\\' => out.extend_from_slice(br"\\\\"),
        control => {
            out.extend_from_slice(br"\\u00");
            write_hex(&[control], out);
        }
    });
}

/// Copies `text`, in runs, all but the special bytes.
fn in_runs(
    mut text: &[u8],
    is_special: impl Fn(u8) -> bool + Copy,
    out: &mut Vec<u8>,
    mut write_special: impl FnMut(u8, &mut Vec<u8>),
) {
    while let Some(position) = first_special(text, is_special) {
        let (plain, rest) = text.split_at(position);
        out.extend_from_slice(plain);
        let Some((&special, rest)) = rest.split_first() else {
            return;
        };
        write_special(special, out);
        text = rest;
    }
    out.extend_from_slice(text);
}

/// Appends a JSON array, as it stands between quotes.
fn write_list(list: List<'_>, write: fn(Item<'_>, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    list.for_each(|item| {
        write(item, out);
        out.push(b',');
    });
    match out.last_mut() {
        Some(comma) if *comma == b',' => *comma = b']',
        Some(_) | None => out.push(b']'),
    }
}

fn write_item(item: Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Text(bytes) => {
            in_json_quotes(out, |out| write_lossy(bytes, write_json_escaped, out));
        }
        Item::Short(text) => {
            in_json_quotes(out, |out| write_json_escaped(text.as_bytes(), out));
        }
        Item::Int(value) => write_signed(value, out),
        Item::Uint(value) => write_unsigned(value, out),
    }
}

/// Exact bytes where the text beside it is not exact, else null.
fn write_raw_item(item: Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_err() => {
            in_json_quotes(out, |out| write_hex(bytes, out));
        }
        Item::Text(_) | Item::Short(_) | Item::Int(_) | Item::Uint(_) => {
            out.extend_from_slice(b"null");
        }
    }
}

fn in_json_quotes(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(br#"\""#);
    write(out);
    out.extend_from_slice(br#"\""#);
}
