use std::sync::Arc;

use super::{Batch, Made, SubjectIndex, Target};
use crate::key::Key;
use crate::schema::{Attribute, EventSchema, Field, IntegerSize, Part, Render, Shape};
use crate::schema::{TEXT_LEAF_FIRST, TEXT_PRESENT, TEXT_TRUNCATED, TailRef};
use crate::time::{BootNanos, ClockOffset, WallNanos};
use crate::value::{OwnedValue, Value};

fn schema() -> Arc<EventSchema> {
    let number = Shape::Integer {
        size: IntegerSize::Four,
        signed: true,
        render: Render::Number,
    };
    let attribute = |name, offset, shape| {
        Attribute::new(
            name,
            Field {
                offset,
                shape,
                absent: None,
            },
            None,
        )
    };
    Arc::new(EventSchema {
        name: Key::new("test.event"),
        probe: "test".into(),
        size: 20,
        attributes: vec![
            attribute("number", 0, number),
            attribute("path", 4, Shape::Text(Part::Whole)),
            attribute("args", 12, Shape::TextList(Part::Whole)),
            attribute("line", 12, Shape::TextList(Part::Joined)),
        ],
        header: None,
        lifecycle: None,
    })
}

fn record(number: i32, path: (&[u8], u16), args: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 20];
    record[..4].copy_from_slice(&number.to_le_bytes());
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap();
    TailRef {
        offset: 20,
        length: length(path.0),
        flags: TEXT_PRESENT | path.1,
    }
    .write(&mut record, 4);
    let offset = 20 + u32::from(length(path.0));
    TailRef {
        offset,
        length: length(args),
        flags: TEXT_PRESENT,
    }
    .write(&mut record, 12);
    record.extend_from_slice(path.0);
    record.extend_from_slice(args);
    record
}

fn batch(records: &[Vec<u8>]) -> Batch {
    let schema = schema();
    let mut batch = Batch::with_capacity(1024);
    batch.clock = ClockOffset(100);
    for record in records {
        batch.push(&schema, record, BootNanos(1), SubjectIndex::NONE);
    }
    batch
}

#[track_caller]
fn shows(batch: &Batch, row: usize, expected: &[(&str, OwnedValue)]) {
    let mut shown = Vec::new();
    let view = batch.row(row).unwrap();
    view.visit(&mut |key, value| shown.push((key.name().to_owned(), OwnedValue::from(value))));
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    assert_eq!(shown, expected);
}

fn str(text: &str) -> OwnedValue {
    OwnedValue::Str(text.into())
}

fn list(items: &[&[u8]]) -> OwnedValue {
    OwnedValue::List(items.iter().map(|&item| item.into()).collect())
}

/// A path written leaf first is turned round; arguments are joined by blanks.
#[test]
fn a_record_is_shown_with_its_path_turned_and_its_arguments_joined() {
    let batch = batch(&[record(-3, (b"c/bb/a/", TEXT_LEAF_FIRST), b"sh\0\0x\0")]);
    shows(
        &batch,
        0,
        &[
            ("number", OwnedValue::Int(-3)),
            ("path", str("/a/bb/c")),
            ("args", list(&[b"sh", b"", b"x"])),
            ("line", str("sh  x")),
        ],
    );
    assert_eq!(batch.row(0).unwrap().time(), WallNanos(101));
}

/// A path without its front does not look absolute and says that it was cut.
#[test]
fn a_cut_path_is_not_absolute() {
    let batch = batch(&[record(0, (b"c/bb/", TEXT_LEAF_FIRST | TEXT_TRUNCATED), b"")]);
    assert_eq!(batch.row(0).unwrap().get("path"), Some(Value::Str("bb/c")));
    assert_eq!(
        batch.row(0).unwrap().get("path_truncated"),
        Some(Value::Bool(true))
    );
}

/// Exact bytes stand beside text that is not UTF-8, in lists too.
#[test]
fn bytes_that_are_not_text_are_shown_raw_beside_it() {
    let batch = batch(&[record(0, (b"/\xff", 0), b"a\0\xfe\0")]);
    let raw_list = OwnedValue::RawList(Box::new([b"a"[..].into(), b"\xfe"[..].into()]));
    shows(
        &batch,
        0,
        &[
            ("number", OwnedValue::Int(0)),
            ("path", OwnedValue::Text(b"/\xff"[..].into())),
            ("path_raw", OwnedValue::Raw(b"/\xff"[..].into())),
            ("args", list(&[b"a", b"\xfe"])),
            ("args_raw", raw_list),
            ("line", OwnedValue::Text(b"a \xfe"[..].into())),
            ("line_raw", OwnedValue::Raw(b"a \xfe"[..].into())),
        ],
    );
}

/// Values can be replaced, removed and added, for each row by itself.
#[test]
fn what_processors_lay_over_a_row_is_shown() {
    let mut batch = batch(&[record(1, (b"/a", 0), b"x\0"), record(2, (b"/b", 0), b"y\0")]);
    let text = batch.keep_text(b"***");
    batch.lay_over(0, Target::Attribute(1), text);
    batch.lay_over(1, Target::Attribute(0), Made::Removed);
    batch.lay_over(0, Target::Named(Key::new("extra")), Made::Uint(7));
    batch.lay_over(0, Target::Named(Key::new("extra")), Made::Uint(8));
    shows(
        &batch,
        0,
        &[
            ("number", OwnedValue::Int(1)),
            ("path", str("***")),
            ("args", list(&[b"x"])),
            ("line", str("x")),
            ("extra", OwnedValue::Uint(8)),
        ],
    );
    shows(
        &batch,
        1,
        &[
            ("path", str("/b")),
            ("args", list(&[b"y"])),
            ("line", str("y")),
        ],
    );
}

/// Rows are dropped in place; the others stay in order.
#[test]
fn rows_are_kept_in_order() {
    let mut batch = batch(&[1, 2, 3, 4].map(|n| record(n, (b"/", 0), b"")));
    batch.retain(|row| row.get("number") != Some(Value::Int(2)));
    let left: Vec<_> = batch.iter().map(|row| row.get("number")).collect();
    assert_eq!(left, [1, 3, 4].map(|n| Some(Value::Int(n))));
}

/// Rows come out in the order of their time; what is newer than the cut waits.
#[test]
fn rows_are_sorted_and_the_newest_are_held_back() {
    let schema = schema();
    let mut batch = Batch::default();
    for (number, time) in [(1, 5), (2, 3), (3, 9), (4, 5), (5, 7)] {
        let record = record(number, (b"c/", TEXT_LEAF_FIRST), b"x\0");
        batch.push(&schema, &record, BootNanos(time), SubjectIndex::NONE);
    }
    batch.sort_by_time();
    let newer = batch.split_from(BootNanos(7));
    let numbers = |batch: &Batch| {
        let number = |row: super::RowView<'_>| row.get("number").map(OwnedValue::from);
        batch.iter().map(number).collect::<Vec<_>>()
    };
    let ints = |numbers: &[i64]| {
        numbers
            .iter()
            .map(|n| Some(OwnedValue::Int(*n)))
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&batch), ints(&[2, 1, 4]));
    assert_eq!(numbers(&newer), ints(&[5, 3]));
    assert_eq!(newer.row(0).unwrap().get("path"), Some(Value::Str("/c")));
    assert_eq!(newer.row(0).unwrap().get("line"), Some(Value::Str("x")));
}
