//! OTLP's JSON, made from its protobuf: each message by a table of its fields.
//!
//! What an event looks like is decided once, where protobuf is written. A signal
//! that is added adds tables.

use std::io::Write as _;

use crate::json_string::write_utf8;
use crate::number::{write_base64, write_signed, write_unsigned};
use crate::protobuf::{Reader, Wire};

/// A field of a message.
pub(super) struct Field {
    number: u32,
    /// The name as JSON has it, with what stands around it.
    name: &'static str,
    kind: Kind,
    is_list: bool,
}

/// What a field holds, and so how JSON shows it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// UTF-8.
    Text,
    /// Bytes: base64.
    Bytes,
    Bool,
    /// A number of 32 bits or of an enumeration.
    Number,
    /// A number of 64 bits: text, for readers whose numbers are floating.
    Unsigned,
    /// The same with a sign.
    Signed,
    Double,
    Message(&'static [Field]),
}

impl Field {
    pub(super) const fn one(number: u32, name: &'static str, kind: Kind) -> Self {
        Self {
            number,
            name,
            kind,
            is_list: false,
        }
    }

    pub(super) const fn list(number: u32, name: &'static str, kind: Kind) -> Self {
        Self {
            is_list: true,
            ..Self::one(number, name, kind)
        }
    }
}

/// Appends `message`, which has `fields`, as a JSON object. The items of a list
/// must stand one after another, as they do in what is written here.
pub(super) fn write_object(fields: &[Field], message: &[u8], out: &mut Vec<u8>) {
    out.push(b'{');
    let mut list = None;
    for (number, wire) in Reader::new(message) {
        let Some(field) = fields.iter().find(|field| field.number == number) else {
            continue;
        };
        if list != Some(number) {
            end_list(list.take(), out);
            out.extend_from_slice(field.name.as_bytes());
            if field.is_list {
                out.push(b'[');
                list = Some(number);
            }
        }
        write_values(field, wire, out);
    }
    end_list(list, out);
    // What is a list and nothing else is one without items, too.
    if let ([field @ Field { is_list: true, .. }], true) = (fields, message.is_empty()) {
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"[],");
    }
    end(b'}', out);
}

/// Appends what stands in the one field of `field`, a message which has
/// `fields`, as an item of a list.
pub(super) fn write_item(fields: &[Field], field: &[u8], out: &mut Vec<u8>) {
    let wire = Reader::new(field).next();
    if let Some((_, Wire::Bytes(message))) = wire {
        write_object(fields, message, out);
        out.push(b',');
    }
}

/// Numbers of a list stand together in one field.
fn write_values(field: &Field, wire: Wire<'_>, out: &mut Vec<u8>) {
    match (field.kind, wire) {
        (Kind::Unsigned | Kind::Signed | Kind::Double, Wire::Bytes(packed)) => {
            for bytes in packed.as_chunks().0 {
                write_value(field.kind, Wire::Number(u64::from_le_bytes(*bytes)), out);
                out.push(b',');
            }
        }
        (kind, wire) => {
            write_value(kind, wire, out);
            out.push(b',');
        }
    }
}

fn write_value(kind: Kind, wire: Wire<'_>, out: &mut Vec<u8>) {
    match (kind, wire) {
        (Kind::Text, Wire::Bytes(text)) => write_utf8(text, out),
        (Kind::Bytes, Wire::Bytes(bytes)) => quoted(out, |out| write_base64(bytes, out)),
        (Kind::Bool, Wire::Number(0)) => out.extend_from_slice(b"false"),
        (Kind::Bool, Wire::Number(_)) => out.extend_from_slice(b"true"),
        (Kind::Number, Wire::Number(value)) => write_unsigned(value, out),
        (Kind::Unsigned, Wire::Number(value)) => quoted(out, |out| write_unsigned(value, out)),
        (Kind::Signed, Wire::Number(value)) => {
            quoted(out, |out| write_signed(value.cast_signed(), out));
        }
        (Kind::Double, Wire::Number(bits)) => write_double(f64::from_bits(bits), out),
        (Kind::Message(fields), Wire::Bytes(message)) => write_object(fields, message, out),
        // Nobody writes a field in another form than its own.
        (Kind::Text | Kind::Bytes | Kind::Message(_), Wire::Number(_))
        | (
            Kind::Bool | Kind::Number | Kind::Unsigned | Kind::Signed | Kind::Double,
            Wire::Bytes(_),
        ) => out.extend_from_slice(b"null"),
    }
}

/// What JSON has no number for is text, by proto3's mapping.
pub(super) fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        // Writing to memory cannot fail.
        return write!(out, "{value:?}").unwrap_or_default();
    }
    out.extend_from_slice(match value {
        f64::INFINITY => b"\"Infinity\"",
        f64::NEG_INFINITY => b"\"-Infinity\"",
        _ => b"\"NaN\"",
    });
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn end_list(list: Option<u32>, out: &mut Vec<u8>) {
    if list.is_some() {
        end(b']', out);
        out.push(b',');
    }
}

/// Ends what stands in brackets: a comma behind the last of it becomes the
/// bracket.
pub(super) fn end(bracket: u8, out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(comma) if *comma == b',' => *comma = bracket,
        _ => out.push(bracket),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::json_tables::LOG_RECORD;
    use super::{write_double, write_object};

    /// Numbers that JSON does not have are text.
    #[test]
    fn floats_are_written_by_the_mapping() {
        for (value, expected) in [
            (0.5, "0.5"),
            (-0.0, "-0.0"),
            (1e300, "1e300"),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
            (f64::NAN, "\"NaN\""),
        ] {
            let mut out = Vec::new();
            write_double(value, &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }

    proptest! {
        /// What is no record makes some object, and nothing else.
        #[test]
        fn any_bytes_are_an_object(bytes in vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            write_object(&LOG_RECORD, &bytes, &mut out);
            let is_object = out.starts_with(b"{") && out.ends_with(b"}");
            prop_assert!(is_object);
        }
    }
}
