mod admin;
mod answers;
mod delivery;
mod encoding;
mod fake;
mod layout;
mod requests;
mod tls;

use std::collections::BTreeMap;

use eunomia_core::component::Host;
use eunomia_core::signal::Signal;
use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};

use super::encode::{LineEncoder, LineSettings, Pushed, Unsigned};
use super::{Precision, Schema};
use crate::support;

fn settings() -> LineSettings {
    LineSettings {
        schema: Schema::Eunomia,
        tags: Vec::new(),
        precision: Precision::Ns,
        unsigned: Unsigned::Kept,
        max_lines: 5000,
        max_bytes: 4_000_000,
    }
}

fn tagged(tags: &[&str]) -> LineSettings {
    LineSettings {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..settings()
    }
}

/// What becomes of a signal that fits one request.
fn encode(signal: &Signal, settings: &LineSettings) -> String {
    encode_on(&support::host(), signal, settings)
}

fn encode_on(host: &Host, signal: &Signal, settings: &LineSettings) -> String {
    let mut encoder = LineEncoder::new(host, settings);
    encoder.push(signal, |pushed| {
        assert!(
            matches!(pushed, Pushed::Added | Pushed::Empty),
            "{pushed:?}"
        );
    });
    let request = encoder.finish().unwrap_or_default();
    str::from_utf8(&request.body).unwrap().to_owned()
}

/// A line as a reader of the format has it.
#[derive(Clone, Debug, PartialEq)]
struct Point {
    measurement: String,
    tags: Vec<(String, String)>,
    fields: BTreeMap<String, FieldValueOwned>,
    time: i64,
}

#[derive(Clone, Debug, PartialEq)]
enum FieldValueOwned {
    I(i64),
    U(u64),
    F(f64),
    S(String),
    B(bool),
}

#[track_caller]
fn parse(text: &str) -> Vec<Point> {
    let lines = parse_lines(text).collect::<Result<Vec<_>, _>>();
    let lines = lines.unwrap_or_else(|error| panic!("{error}: {text:?}"));
    lines.iter().map(point).collect()
}

fn point(line: &ParsedLine<'_>) -> Point {
    let tags = line.series.tag_set.iter().flatten();
    let fields = line.field_set.iter();
    Point {
        measurement: line.series.measurement.to_string(),
        tags: tags
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect(),
        fields: fields
            .map(|(key, value)| (key.to_string(), owned(value)))
            .collect(),
        time: line.timestamp.unwrap(),
    }
}

fn owned(value: &FieldValue<'_>) -> FieldValueOwned {
    match value {
        FieldValue::I64(value) => FieldValueOwned::I(*value),
        FieldValue::U64(value) => FieldValueOwned::U(*value),
        FieldValue::F64(value) => FieldValueOwned::F(*value),
        FieldValue::String(value) => FieldValueOwned::S(value.to_string()),
        FieldValue::Boolean(value) => FieldValueOwned::B(*value),
    }
}

/// Only ASCII, as the files of this project are.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | ' '..='~' => c.to_string(),
            _ => format!("<U+{:04X}>", u32::from(c)),
        })
        .collect()
}
