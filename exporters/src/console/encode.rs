//! Events and metric points as lines of a table.

use std::fmt::Write as _;

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::metric::{Histogram, MetricBatch, Point, PointValue};
use eunomia_core::process::EXECUTABLE_NAME;
use eunomia_core::signal::Signal;
use eunomia_core::subject::Container;
use eunomia_core::time::WallNanos;
use eunomia_core::value::Value;
use unicode_width::UnicodeWidthStr as _;

use super::line::{Line, cut};
use super::style::{Paint, Style};
use crate::describe::{Detail, Form, Kind, Kinds, ListForm};
use crate::describe::{write_detail, write_harmless, write_value};
use crate::names::CONTAINER_NAME;
use crate::sink::Lines;

/// What stands where there is nothing to say.
const NOTHING: &str = "-";
/// As `docker ps` shows them.
const SHORT_ID: usize = 12;
/// Width of a time with milliseconds.
const TIME_WIDTH: usize = 12;

/// Batches to lines of a table.
#[derive(Debug)]
pub(super) struct ConsoleEncoder {
    host: String,
    style: Style,
    kinds: Kinds,
    value: String,
}

/// What stands in the columns before the details.
struct Columns<'a> {
    time: WallNanos,
    container: Option<&'a Container>,
    process: &'a str,
    kind: &'a str,
}

impl ConsoleEncoder {
    pub(super) fn new(host: &str, style: Style) -> Self {
        let mut harmless = String::new();
        write_harmless(host.as_bytes(), &mut harmless);
        Self {
            host: harmless,
            style,
            kinds: Kinds::default(),
            value: String::new(),
        }
    }

    /// Notes how many columns there are now.
    pub(super) fn set_width(&mut self, width: Option<usize>) {
        self.style.width = width;
    }

    /// Appends the names of the columns.
    pub(super) fn write_heading(&self, out: &mut Lines) {
        let widths = self.style.widths();
        let mut line = Line::new(&mut out.bytes, self.style);
        line.cell("TIME (UTC)", TIME_WIDTH, Paint::Bold);
        line.cell("CONTAINER", widths.place, Paint::Bold);
        line.cell("PROCESS", widths.process, Paint::Bold);
        line.cell("EVENT", widths.kind, Paint::Bold);
        line.detail("", "DETAILS", Paint::Bold, widths.indent);
        line.end();
    }

    /// Appends a line for every event or point of `signal`.
    pub(super) fn encode(&mut self, signal: &Signal, out: &mut Lines) {
        match signal {
            Signal::Events(batch) => self.encode_events(batch, out),
            Signal::Metrics(batch) => self.encode_points(batch, out),
        }
    }

    fn encode_events(&mut self, batch: &Batch, out: &mut Lines) {
        for row in batch.iter() {
            let kind = self.kinds.get(row.schema());
            self.write_event(&row, &kind, &mut out.bytes);
            out.end_item();
        }
    }

    fn write_event(&mut self, row: &RowView<'_>, kind: &Kind, out: &mut Vec<u8>) {
        let process = self.process(row, kind);
        let mut line = self.begin(
            &Columns {
                time: row.time(),
                container: row.container().map(AsRef::as_ref),
                process: &process,
                kind: kind.schema.name.name(),
            },
            out,
        );
        let indent = self.style.widths().indent;
        let mut text = std::mem::take(&mut self.value);
        for detail in &kind.details {
            text.clear();
            if write_detail(row, detail, &mut text) {
                let paint = paint(detail);
                line.detail(&detail.label, &text, paint, indent);
            }
        }
        row.visit_added(&mut |key, value| {
            text.clear();
            write_value(value, ListForm::Value, &mut text);
            line.detail(&label(key.name()), &text, Paint::Plain, indent);
        });
        line.end();
        self.value = text;
    }

    fn encode_points(&mut self, batch: &MetricBatch, out: &mut Lines) {
        for point in &batch.points {
            self.write_point(point, batch.time, &mut out.bytes);
            out.end_item();
        }
    }

    fn write_point(&self, point: &Point, time: WallNanos, out: &mut Vec<u8>) {
        let mut line = self.begin(
            &Columns {
                time,
                container: point.container.as_deref(),
                process: NOTHING,
                kind: point.metric.name.name(),
            },
            out,
        );
        let indent = self.style.widths().indent;
        let mut text = String::new();
        write_point_value(&point.value, &mut text);
        write_unit(&point.metric.unit, &mut text);
        line.detail("", &text, Paint::Bold, indent);
        for (key, value) in point.attributes.iter() {
            text.clear();
            write_value(value, ListForm::Value, &mut text);
            line.detail(&label(key.name()), &text, Paint::Plain, indent);
        }
        line.end();
    }

    fn begin<'a>(&self, columns: &Columns<'_>, out: &'a mut Vec<u8>) -> Line<'a> {
        let widths = self.style.widths();
        let mut line = Line::new(out, self.style);
        line.cell(&time_of_day(columns.time), TIME_WIDTH, Paint::Faint);
        match columns.container {
            Some(container) => {
                let name = container_name(container);
                line.cell(&cut(&name, widths.place), widths.place, Paint::Container);
            }
            None => line.cell(&cut(&self.host, widths.place), widths.place, Paint::Faint),
        }
        line.cell(columns.process, widths.process, Paint::Plain);
        let mut kind = String::new();
        write_harmless(columns.kind.as_bytes(), &mut kind);
        line.cell(&kind, widths.kind, Paint::of_kind(columns.kind));
        line
    }

    /// `name[pid]`, with as much of the name as there is room for.
    fn process(&self, row: &RowView<'_>, kind: &Kind) -> String {
        let header = kind.schema.header.as_ref();
        let pid = header.and_then(|header| header.process(row.record()));
        let mut name = String::new();
        match kind.actor_name.and_then(|position| row.attribute(position)) {
            Some(Value::Str(text)) => write_harmless(text.as_bytes(), &mut name),
            Some(Value::Text(bytes)) => write_harmless(bytes, &mut name),
            _ => write_executable(row, &mut name),
        }
        let Some(pid) = pid else {
            return if name.is_empty() {
                NOTHING.into()
            } else {
                name
            };
        };
        let pid = format!("[{}]", pid.pid.0);
        let room = self.style.widths().process.saturating_sub(pid.width());
        cut(&name, room) + &pid
    }
}

fn write_executable(row: &RowView<'_>, out: &mut String) {
    let process = row.actor().and_then(|actor| actor.process.as_ref());
    match process.and_then(|process| process.attributes.get(EXECUTABLE_NAME)) {
        Some(Value::Str(text)) => write_harmless(text.as_bytes(), out),
        Some(Value::Text(bytes)) => write_harmless(bytes, out),
        _ => {}
    }
}

fn paint(detail: &Detail) -> Paint {
    match detail.form {
        Form::Headline => Paint::Bold,
        Form::Failure => Paint::Failure,
        Form::Endpoint(_) | Form::Nanoseconds | Form::Plain => Paint::Plain,
    }
}

fn write_point_value(value: &PointValue, out: &mut String) {
    match value {
        PointValue::Uint(value) => write_value(Value::Uint(*value), ListForm::Value, out),
        PointValue::Int(value) => write_value(Value::Int(*value), ListForm::Value, out),
        PointValue::Float(value) => write_value(Value::Float(*value), ListForm::Value, out),
        PointValue::Histogram(histogram) => write_histogram(histogram, out),
    }
}

/// The bounds below which half of the values and nearly all of them lie.
fn write_histogram(histogram: &Histogram, out: &mut String) {
    // Writing to memory cannot fail.
    write!(out, "n={}", histogram.count).unwrap_or_default();
    for percent in [50, 99] {
        if let Some(bound) = percentile(histogram, percent) {
            write!(out, " p{percent}<={bound}").unwrap_or_default();
        }
    }
}

fn percentile(histogram: &Histogram, percent: u64) -> Option<f64> {
    let wanted = (u128::from(histogram.count) * u128::from(percent)).div_ceil(100);
    let mut below = 0;
    histogram
        .buckets
        .iter()
        .find(|(_, count)| {
            below += u128::from(*count);
            below >= wanted
        })
        .map(|(bound, _)| *bound)
}

/// Units in braces say what is counted: that is in the name already.
fn write_unit(unit: &str, out: &mut String) {
    if !unit.is_empty() && unit != "1" && !unit.starts_with('{') {
        out.push(' ');
        write_harmless(unit.as_bytes(), out);
    }
}

fn label(name: &str) -> String {
    let mut label = String::new();
    write_harmless(name.as_bytes(), &mut label);
    label.push('=');
    label
}

fn container_name(container: &Container) -> String {
    let mut name = String::new();
    match container.attributes.get(CONTAINER_NAME) {
        Some(Value::Str(text)) => write_harmless(text.as_bytes(), &mut name),
        _ => {
            let short = container.id.get(..SHORT_ID).unwrap_or(&container.id);
            write_harmless(short.as_bytes(), &mut name);
        }
    }
    name
}

/// Hours to milliseconds.
fn time_of_day(time: WallNanos) -> String {
    let mut text = [0; 30];
    time.write_rfc3339(&mut text);
    let clock = text.get(11..23).unwrap_or_default();
    String::from_utf8_lossy(clock).into_owned()
}
