//! Events and metric points as JSON objects. The names are prepared, nothing is
//! allocated for an event.

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, MetricBatch, MetricKind, Point, PointValue};
use eunomia_core::signal::Signal;
use eunomia_core::time::Rfc3339;
use eunomia_core::value::{Item, List, Value};

use crate::alike::Alike;
use crate::json_string::{write_lossy, write_string, write_utf8};
use crate::number::{write_hex, write_signed, write_unsigned};
use crate::repeat::{ContainerPart, Repeats};
use crate::sink::{Encoder, Outlet, Pages, Sheet};

/// Batches to lines of JSON.
#[derive(Clone, Debug)]
pub struct JsonEncoder {
    /// `,"host.name":"..."`, or nothing where the host has no name.
    host: Box<[u8]>,
    /// What stands between the time and the attributes.
    alike: Alike,
    repeats: Repeats,
    times: Rfc3339,
    sheet: Sheet,
}

impl JsonEncoder {
    /// An encoder for what happens on `host`.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        let mut prepared = Vec::new();
        if !host.name.is_empty() {
            prepared.extend_from_slice(b",\"host.name\":");
            write_string(&host.name, &mut prepared);
        }
        Self {
            host: prepared.into(),
            alike: Alike::default(),
            repeats: Repeats::default(),
            times: Rfc3339::default(),
            sheet: Sheet::default(),
        }
    }

    /// Appends a line for every event or point of `signal`.
    pub fn encode(&mut self, signal: &Signal, out: &mut impl Outlet) {
        match signal {
            Signal::Events(batch) => self.encode_events(batch, out),
            Signal::Metrics(batch) => self.encode_points(batch, out),
        }
    }

    fn encode_events(&mut self, batch: &Batch, out: &mut impl Outlet) {
        self.repeats.start(batch);
        self.alike.start(batch, |schema, out| {
            out.extend_from_slice(b"\",\"event\":");
            out.extend_from_slice(as_value(&schema.name));
            out.extend_from_slice(&self.host);
        });
        for row in batch.iter() {
            let lines = out.of_event(&row, &self.sheet);
            self.write_event(&row, &mut lines.bytes);
            lines.end_item();
        }
    }

    fn encode_points(&mut self, batch: &MetricBatch, out: &mut impl Outlet) {
        let time = self.times.text(batch.time);
        for point in &batch.points {
            let lines = out.of_point(point, batch.time);
            write_point(point, time, &mut lines.bytes);
            lines.end_item();
        }
    }

    fn write_event(&mut self, row: &RowView<'_>, out: &mut Vec<u8>) {
        begin(self.times.text(row.time()), out);
        out.extend_from_slice(self.alike.of(row));
        self.repeats
            .write(row, ContainerPart::Shown, out, write_attribute);
        out.extend_from_slice(b"}\n");
    }
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, signal: &Signal, pages: &mut Pages) {
        Self::encode(self, signal, pages);
    }
}

fn write_point(point: &Point, time: &[u8; 30], out: &mut Vec<u8>) {
    begin(time, out);
    out.extend_from_slice(b"\",\"metric\":");
    out.extend_from_slice(as_value(&point.metric.name));
    out.extend_from_slice(match point.metric.kind {
        MetricKind::Counter => b",\"type\":\"sum\"",
        MetricKind::Gauge => b",\"type\":\"gauge\"",
        MetricKind::Histogram => b",\"type\":\"histogram\"",
    });
    if !point.metric.unit.is_empty() {
        out.extend_from_slice(b",\"unit\":");
        write_string(&point.metric.unit, out);
    }
    match &point.value {
        PointValue::Uint(value) => write_number(Value::Uint(*value), out),
        PointValue::Int(value) => write_number(Value::Int(*value), out),
        PointValue::Float(value) => write_number(Value::Float(*value), out),
        PointValue::Histogram(histogram) => write_histogram(histogram, out),
    }
    for (key, value) in point.attributes.iter() {
        write_attribute(key, value, out);
    }
    let container = point.container.iter();
    for (key, value) in container.flat_map(|container| container.attributes.iter()) {
        write_attribute(key, value, out);
    }
    out.extend_from_slice(b"}\n");
}

fn write_number(value: Value<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"value\":");
    write_value(value, out);
}

fn write_histogram(histogram: &Histogram, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"count\":");
    write_unsigned(histogram.count, out);
    if let Some(sum) = histogram.sum {
        out.extend_from_slice(b",\"sum\":");
        write_float(sum, out);
    }
    out.extend_from_slice(b",\"buckets\":");
    out.push(b'[');
    for (bound, count) in &histogram.buckets {
        out.push(b'[');
        write_float(*bound, out);
        out.push(b',');
        write_unsigned(*count, out);
        out.extend_from_slice(b"],");
    }
    end_list(out);
}

/// Begins an object with its time, up to the quote behind that.
fn begin(time: &[u8; 30], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    out.extend_from_slice(time);
}

/// The name as a JSON string, without the comma and the colon of a member.
fn as_value(key: &Key) -> &[u8] {
    let member = key.json().strip_prefix(b",");
    let name = member.and_then(|member| member.strip_suffix(b":"));
    name.unwrap_or_default()
}

/// Appends a comma and the member `key` of an object.
pub(crate) fn write_attribute(key: &Key, value: Value<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(key.json());
    write_value(value, out);
}

fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => write_signed(value, out),
        Value::Uint(value) => write_unsigned(value, out),
        Value::Float(value) => write_float(value, out),
        Value::Str(text) => write_string(text, out),
        Value::Short(text) => write_utf8(text.as_bytes(), out),
        Value::Text(bytes) => write_lossy(bytes, out),
        Value::Raw(bytes) => write_hex_string(bytes, out),
        Value::List(list) => write_items(list, out),
        Value::RawList(list) => write_raw_items(list, out),
    }
}

/// JSON has no infinities: they are text, as in Prometheus; what is no number
/// is null.
fn write_float(value: f64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    if value.is_nan() {
        out.extend_from_slice(b"null");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 {
            b"\"+Inf\""
        } else {
            b"\"-Inf\""
        });
    } else {
        // Writing to memory cannot fail.
        write!(out, "{value:?}").unwrap_or_default();
    }
}

fn write_hex_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    write_hex(bytes, out);
    out.push(b'"');
}

/// Appends `list` as an array.
pub(crate) fn write_items(list: List<'_>, out: &mut Vec<u8>) {
    write_array(list, out, write_item);
}

/// Appends the exact bytes of `list` where its text is not exact.
pub(crate) fn write_raw_items(list: List<'_>, out: &mut Vec<u8>) {
    write_array(list, out, write_raw_item);
}

fn write_array(list: List<'_>, out: &mut Vec<u8>, write: fn(Item<'_>, &mut Vec<u8>)) {
    out.push(b'[');
    list.for_each(|item| {
        write(item, out);
        out.push(b',');
    });
    end_list(out);
}

fn write_item(item: Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Text(bytes) => write_lossy(bytes, out),
        Item::Short(text) => write_utf8(text.as_bytes(), out),
        Item::Int(value) => write_signed(value, out),
        Item::Uint(value) => write_unsigned(value, out),
    }
}

/// Exact bytes where the text beside it is not exact, else null.
fn write_raw_item(item: Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Text(bytes) if str::from_utf8(bytes).is_err() => write_hex_string(bytes, out),
        Item::Text(_) | Item::Short(_) | Item::Int(_) | Item::Uint(_) => {
            out.extend_from_slice(b"null");
        }
    }
}

/// Ends an array: its last comma becomes the bracket.
fn end_list(out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(comma) if *comma == b',' => *comma = b']',
        _ => out.push(b']'),
    }
}
