//! What a batch holds, in the words of NDJSON: the one form that readers' findings are turned into.

use std::collections::BTreeMap;

use eunomia_core::batch::RowView;
use eunomia_core::metric::Point;
use eunomia_core::value::{Item, List, Value};
use serde_json::Value as Json;

/// Attributes by their names.
pub(crate) type Attributes = BTreeMap<String, Json>;

/// All that an event says beside its name, its time and the host.
pub(crate) fn of_event(row: &RowView<'_>) -> Attributes {
    let mut attributes = Attributes::new();
    row.visit(&mut |key, value| {
        let before = attributes.insert(key.name().to_owned(), plain(value));
        assert!(before.is_none(), "{} is there twice", key.name());
    });
    attributes
}

/// What a point says it is about.
pub(crate) fn of_point(point: &Point) -> Attributes {
    let container = point
        .container
        .iter()
        .flat_map(|container| container.attributes.iter());
    let own = point.attributes.iter().chain(container);
    own.map(|(key, value)| (key.name().to_owned(), plain(value)))
        .collect()
}

pub(crate) fn plain(value: Value<'_>) -> Json {
    match value {
        Value::Bool(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::Uint(value) => value.into(),
        Value::Float(value) => float(value),
        Value::Str(text) => text.into(),
        Value::Short(text) => text.as_str().into(),
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into(),
        Value::Raw(bytes) => hex(bytes).into(),
        Value::List(list) => items(list, shown),
        Value::RawList(list) => items(list, exact),
    }
}

/// A number, or what NDJSON has where there is none.
pub(crate) fn float(value: f64) -> Json {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        // No number is null.
        _ => value.into(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn items(list: List<'_>, item: fn(Item<'_>) -> Json) -> Json {
    let mut items = Vec::new();
    list.for_each(|each| items.push(item(each)));
    items.into()
}

fn shown(item: Item<'_>) -> Json {
    match item {
        Item::Text(bytes) => String::from_utf8_lossy(bytes).into(),
        Item::Short(text) => text.as_str().into(),
        Item::Int(value) => value.into(),
        Item::Uint(value) => value.into(),
    }
}

fn exact(item: Item<'_>) -> Json {
    match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_err() => hex(bytes).into(),
        Item::Text(_) | Item::Short(_) | Item::Int(_) | Item::Uint(_) => Json::Null,
    }
}
