//! What a reader of the format reads is what the batch holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use eunomia_core::batch::{Batch, Made, RowView, Target};
use eunomia_core::key::Key;
use eunomia_core::schema::{EventSchema, IntegerSize, Shape};
use eunomia_core::signal::Signal;
use eunomia_core::value::{Item, List, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::{FieldValueOwned, Point, encode, parse, settings, tagged};
use crate::names::EVENT_TAGS;
use crate::support::{self, Cell, Kind};

fn text(text: &str) -> FieldValueOwned {
    FieldValueOwned::S(text.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A list as the JSON that its text is.
fn json(list: List<'_>, item: fn(Item<'_>) -> Json) -> FieldValueOwned {
    let mut items = Vec::new();
    list.for_each(|each| items.push(item(each)));
    text(&Json::from(items).to_string())
}

fn shown(item: Item<'_>) -> Json {
    match item {
        Item::Text(bytes) => String::from_utf8_lossy(bytes).into(),
        Item::Short(text) => text.as_str().into(),
        Item::Int(value) => value.into(),
        Item::Uint(value) => value.into(),
    }
}

fn raw(item: Item<'_>) -> Json {
    match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_err() => hex(bytes).into(),
        Item::Text(_) | Item::Short(_) | Item::Int(_) | Item::Uint(_) => Json::Null,
    }
}

fn model(value: Value<'_>) -> FieldValueOwned {
    match value {
        Value::Bool(value) => FieldValueOwned::B(value),
        Value::Int(value) => FieldValueOwned::I(value),
        Value::Uint(value) => FieldValueOwned::U(value),
        Value::Float(value) => FieldValueOwned::F(value),
        Value::Str(value) => text(value),
        Value::Short(value) => text(value.as_str()),
        Value::Text(bytes) => text(&String::from_utf8_lossy(bytes)),
        Value::Raw(bytes) => text(&hex(bytes)),
        Value::List(list) => json(list, shown),
        Value::RawList(list) => json(list, raw),
    }
}

/// Lists are compared as what they say, not as how they say it.
fn normal(value: FieldValueOwned) -> FieldValueOwned {
    if let FieldValueOwned::S(list) = &value
        && list.starts_with('[')
        && let Ok(list) = serde_json::from_str::<Json>(list)
    {
        return text(&list.to_string());
    }
    value
}

fn fields(row: &RowView<'_>, tags: &[&str]) -> BTreeMap<String, FieldValueOwned> {
    let mut fields = BTreeMap::new();
    row.visit(&mut |key, value| {
        if !tags.contains(&key.name()) && !EVENT_TAGS.contains(&key.name()) {
            fields.insert(key.name().to_owned(), normal(model(value)));
        }
    });
    fields
}

/// Every event is one point, and every attribute one of its fields or tags.
#[track_caller]
fn says_what_the_batch_holds(batch: Batch, tags: &[&str]) -> Vec<Point> {
    let points = parse(&encode(&Signal::Events(batch.clone()), &tagged(tags)));
    assert_eq!(points.len(), batch.len());
    for (point, row) in points.iter().zip(batch.iter()) {
        assert_eq!(point.measurement, row.schema().name.name());
        assert_eq!(point.time.unsigned_abs(), row.time().0);
        let own = point.fields.clone().into_iter();
        let own: BTreeMap<_, _> = own.map(|(key, value)| (key, normal(value))).collect();
        assert_eq!(own, fields(&row, tags));
    }
    points
}

/// Every shape of value comes back with its type.
#[test]
fn what_is_read_is_what_was_written() {
    says_what_the_batch_holds(support::sample(), &[]);
    says_what_the_batch_holds(support::sample(), &["file.path", "process.user.id"]);
}

/// What a processor laid over an event goes the same way.
#[test]
fn what_processors_changed_is_written() {
    let mut batch = support::sample();
    let made = batch.keep_text(b"a \"quoted\\\" \nname");
    batch.lay_over(2, Target::Named(Key::new("rule name")), made);
    batch.lay_over(3, Target::Named(Key::new("container.name")), made);
    batch.lay_over(4, Target::Attribute(0), Made::Uint(7));
    let points = says_what_the_batch_holds(batch, &["rule name"]);
    assert!(points[2].tags.contains(&(
        "rule name".to_owned(),
        "a \"quoted\\\" \u{fffd}name".to_owned()
    )));
    assert!(
        points[3]
            .tags
            .iter()
            .any(|(name, _)| name == "container.name")
    );
}

fn hostile_batch(comm: &[u8], path: &[u8], args: &[u8]) -> Batch {
    let (exec, open) = (support::exec_kind(), support::open_kind());
    let mut cells = support::header(812, comm);
    cells.extend([
        Cell::Text(args),
        Cell::U32(3),
        Cell::Text(path),
        Cell::Cut(path),
    ]);
    let exec_record = support::record(&exec, &cells);
    let mut cells = support::header(813, comm);
    cells.extend([
        Cell::Text(path),
        Cell::U32(0),
        Cell::U32(0),
        Cell::I32(3),
        Cell::U32(0),
        Cell::NoText,
    ]);
    let open_record = support::record(&open, &cells);
    support::batch(
        &[(&exec, exec_record), (&open, open_record)],
        vec![support::subject(812, path)],
    )
}

/// Names that once forged points, swallowed what followed or were a comment.
#[test]
fn a_hostile_name_forges_nothing_and_loses_nothing() {
    for name in [
        &b"a\nevil v=1"[..],
        b"a\\",
        b"a\\\\",
        b"a\\ \"",
        b"#a",
        b"\"",
        b"a,b=c d",
        b"a\r\nevil v=1 1",
        b"\xff\\",
        b" ",
        b"a\tb",
    ] {
        let comm: &[u8] = name.get(..15).unwrap_or(name);
        let tags = ["eunomia.process.comm", "process.executable.path"];
        says_what_the_batch_holds(hostile_batch(comm, name, name), &[]);
        let points = says_what_the_batch_holds(hostile_batch(comm, name, name), &tags);
        for point in points {
            assert_eq!(point.tags.len(), 5, "{point:?}");
        }
    }
}

fn bytes(length: usize) -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(b"\\\"\n\r,= #\0\t\x7f".to_vec());
    vec(prop_oneof![any::<u8>(), special], 0..length)
}

fn without_nul(mut text: Vec<u8>) -> Vec<u8> {
    text.retain(|&byte| byte != 0);
    text
}

proptest! {
    /// Any bytes in every text: the same points, the same fields, in the same series.
    #[test]
    fn any_text_survives(comm in bytes(15), path in bytes(64), args in bytes(64)) {
        let batch = hostile_batch(&without_nul(comm), &path, &args);
        for point in says_what_the_batch_holds(batch, &[]) {
            prop_assert_eq!(point.tags.len(), 3);
        }
    }

    /// So they do as tags, where some characters cannot be.
    #[test]
    fn any_text_may_be_a_tag(comm in bytes(15), path in bytes(64), args in bytes(64)) {
        let tags = ["eunomia.process.comm", "file.path", "process.command_args"];
        let batch = hostile_batch(&without_nul(comm), &path, &args);
        for point in says_what_the_batch_holds(batch, &tags) {
            prop_assert!(point.tags.is_sorted());
            prop_assert!(point.tags.iter().all(|(_, value)| !value.is_empty()));
        }
    }
}

fn float_kind(name: &str) -> Arc<EventSchema> {
    let size = IntegerSize::Eight;
    Kind::new(name)
        .field("odd.float", Shape::Float { size }, 8)
        .schema()
}

/// There are neither infinities nor what is no number; a point without any
/// field is none.
#[test]
fn a_number_that_is_none_is_left_out() {
    let kind = float_kind("odd");
    let values = [f64::NAN, 1e300, f64::INFINITY, f64::NEG_INFINITY, -0.5];
    let records = values.map(|value| (&kind, support::record(&kind, &[Cell::F64(value)])));
    let batch = support::batch(&records, Vec::new());
    let points = parse(&encode(&Signal::Events(batch), &settings()));
    let read: Vec<_> = points
        .iter()
        .map(|point| &point.fields["odd.float"])
        .collect();
    assert_eq!(
        read,
        [&FieldValueOwned::F(1e300), &FieldValueOwned::F(-0.5)]
    );
}

/// A measurement is no comment, has no quotes and is never empty.
#[test]
fn a_measurement_is_a_name() {
    for (name, measurement) in [
        ("#a", "_a"),
        ("a b,c", "a b,c"),
        ("a\nb", "a\u{fffd}b"),
        ("a\\", "a\u{fffd}"),
        ("", "_"),
    ] {
        let kind = float_kind(name);
        let record = support::record(&kind, &[Cell::F64(1.0)]);
        let batch = support::batch(&[(&kind, record)], Vec::new());
        let points = parse(&encode(&Signal::Events(batch), &settings()));
        assert_eq!(points[0].measurement, measurement);
    }
}
