//! Values of attributes as values of labels.

use eunomia_core::value::{Item, Value};

/// A value as the value of a label.
pub(super) fn text(value: Value<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Str(text) => text.to_owned(),
        Value::Short(text) => text.as_str().to_owned(),
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Raw(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::List(list) | Value::RawList(list) => {
            let mut items = Vec::new();
            list.for_each(|item| {
                items.push(match item {
                    Item::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Item::Short(text) => text.as_str().to_owned(),
                    Item::Int(value) => value.to_string(),
                    Item::Uint(value) => value.to_string(),
                });
            });
            items.join(",")
        }
    }
}
