//! Attributes: `KeyValue` and `AnyValue`.

use eunomia_core::key::Key;
use eunomia_core::value::{Item, List, ShortText, Value};

use crate::protobuf::{LENGTH, VARINT, Writer, varint_length, write_varint};

/// Fields of `KeyValue` and `AnyValue`.
const KEY_VALUE_VALUE: u32 = 2;
const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const ARRAY: u32 = 5;
const BYTES: u32 = 7;
/// The tags of those that most attributes have.
const VALUE_TAG: u8 = (KEY_VALUE_VALUE << 3 | LENGTH) as u8;
const STRING_TAG: u8 = (STRING << 3 | LENGTH) as u8;
const INT_TAG: u8 = (INT << 3 | VARINT) as u8;
/// Field of `ArrayValue`.
const VALUES: u32 = 1;
const VALUES_TAG: u8 = (VALUES << 3 | LENGTH) as u8;

impl Writer<'_> {
    /// An attribute in `field`.
    pub(super) fn attribute(&mut self, field: u32, key: &Key, value: Value<'_>) {
        match value {
            Value::Str(text) => self.short_text(field, key, text.as_bytes()),
            Value::Short(text) => self.short_text(field, key, text.as_bytes()),
            Value::Uint(number) if i64::try_from(number).is_ok() => {
                self.integer(field, key, number);
            }
            Value::Int(number) => self.integer(field, key, number.cast_unsigned()),
            Value::Bool(_)
            | Value::Uint(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Raw(_)
            | Value::List(_)
            | Value::RawList(_) => self.any_attribute(field, key, value),
        }
    }

    /// Most attributes are short, and their lengths are known beforehand.
    fn short_text(&mut self, field: u32, key: &Key, text: &[u8]) {
        let any = text.len() + 2;
        let pair = key.proto().len() + 2 + any;
        let (Ok(length), Ok(any), Ok(pair @ 0..0x80)) = (
            u8::try_from(text.len()),
            u8::try_from(any),
            u8::try_from(pair),
        ) else {
            return self.message(field, |message| {
                message.0.extend_from_slice(key.proto());
                message.message(KEY_VALUE_VALUE, |any| any.bytes(STRING, text));
            });
        };
        self.pair(field, key, pair);
        self.0
            .extend_from_slice(&[VALUE_TAG, any, STRING_TAG, length]);
        self.0.extend_from_slice(text);
    }

    /// A short text as an element of an array.
    fn short_item(&mut self, text: &[u8]) {
        match u8::try_from(text.len()) {
            Ok(length @ 0..0x7e) => {
                let begin = [VALUES_TAG, length + 2, STRING_TAG, length];
                self.0.extend_from_slice(&begin);
                self.0.extend_from_slice(text);
            }
            Ok(_) | Err(_) => self.message(VALUES, |any| any.bytes(STRING, text)),
        }
    }

    fn integer(&mut self, field: u32, key: &Key, number: u64) {
        let length = varint_length(number);
        let pair = key.proto().len() + 3 + length;
        let (Ok(any), Ok(pair @ 0..0x80)) = (u8::try_from(1 + length), u8::try_from(pair)) else {
            return self.any_attribute(field, key, Value::Int(number.cast_signed()));
        };
        self.pair(field, key, pair);
        self.0.extend_from_slice(&[VALUE_TAG, any, INT_TAG]);
        write_varint(number, self.0);
    }

    /// The beginning of an attribute whose message takes `length` bytes.
    fn pair(&mut self, field: u32, key: &Key, length: u8) {
        write_varint(u64::from(field << 3 | LENGTH), self.0);
        self.0.push(length);
        self.0.extend_from_slice(key.proto());
    }

    fn any_attribute(&mut self, field: u32, key: &Key, value: Value<'_>) {
        self.message(field, |pair| {
            pair.0.extend_from_slice(key.proto());
            pair.message(KEY_VALUE_VALUE, |any| any.any_value(value));
        });
    }

    /// The fields of an `AnyValue`.
    pub(super) fn any_value(&mut self, value: Value<'_>) {
        match value {
            Value::Bool(value) => self.bool(BOOL, value),
            Value::Int(value) => self.varint(INT, value.cast_unsigned()),
            Value::Uint(value) => self.unsigned(value),
            Value::Float(value) => self.double(DOUBLE, value),
            Value::Str(text) => self.bytes(STRING, text.as_bytes()),
            Value::Short(text) => self.bytes(STRING, text.as_bytes()),
            Value::Text(bytes) => self.lossy(STRING, bytes),
            Value::Raw(bytes) => self.bytes(BYTES, bytes),
            Value::List(list) => self.array(list, write_item),
            Value::RawList(list) => self.array(list, write_raw_item),
        }
    }

    /// OTLP's integers are signed: what is larger is decimal text, as the
    /// specification's mapping of values has it.
    fn unsigned(&mut self, value: u64) {
        if i64::try_from(value).is_ok() {
            self.varint(INT, value);
        } else {
            self.bytes(STRING, ShortText::format(value).as_str().as_bytes());
        }
    }

    fn array(&mut self, list: List<'_>, write: fn(&mut Writer<'_>, Item<'_>)) {
        self.message(ARRAY, |array| {
            list.for_each(|item| write(array, item));
        });
    }
}

fn write_item(array: &mut Writer<'_>, item: Item<'_>) {
    match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_ok() => array.short_item(bytes),
        Item::Text(bytes) => array.message(VALUES, |any| any.lossy(STRING, bytes)),
        Item::Short(text) => array.short_item(text.as_bytes()),
        Item::Int(value) => array.message(VALUES, |any| any.varint(INT, value.cast_unsigned())),
        Item::Uint(value) => array.message(VALUES, |any| any.unsigned(value)),
    }
}

/// Exact bytes where the text beside it is not exact, else no value.
fn write_raw_item(array: &mut Writer<'_>, item: Item<'_>) {
    array.message(VALUES, |any| match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_err() => any.bytes(BYTES, bytes),
        Item::Text(_) | Item::Short(_) | Item::Int(_) | Item::Uint(_) => {}
    });
}
