//! Attributes: `KeyValue` and `AnyValue`.

use eunomia_core::key::Key;
use eunomia_core::value::{Item, List, ShortText, Value};

use super::protobuf::Writer;

/// Fields of `KeyValue` and `AnyValue`.
const KEY_VALUE_VALUE: u32 = 2;
const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const ARRAY: u32 = 5;
const BYTES: u32 = 7;
/// Field of `ArrayValue`.
const VALUES: u32 = 1;

impl Writer<'_> {
    /// An attribute in `field`.
    pub(super) fn attribute(&mut self, field: u32, key: &Key, value: Value<'_>) {
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
            Value::Short(text) => self.bytes(STRING, text.as_str().as_bytes()),
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
            list.for_each(|item| {
                array.message(VALUES, |any| write(any, item));
            });
        });
    }
}

fn write_item(any: &mut Writer<'_>, item: Item<'_>) {
    match item {
        Item::Text(bytes) => any.lossy(STRING, bytes),
        Item::Short(text) => any.bytes(STRING, text.as_str().as_bytes()),
        Item::Int(value) => any.varint(INT, value.cast_unsigned()),
        Item::Uint(value) => any.unsigned(value),
    }
}

/// Exact bytes where the text beside it is not exact, else no value.
fn write_raw_item(any: &mut Writer<'_>, item: Item<'_>) {
    match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_err() => any.bytes(BYTES, bytes),
        Item::Text(_) | Item::Short(_) | Item::Int(_) | Item::Uint(_) => {}
    }
}
