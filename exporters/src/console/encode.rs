//! Events and metric points as lines of a table.

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::container::CONTAINER_NAME;
use eunomia_core::key::Key;
use eunomia_core::metric::{MetricBatch, Point};
use eunomia_core::process::EXECUTABLE_NAME;
use eunomia_core::schema::EventSchema;
use eunomia_core::signal::Signal;
use eunomia_core::subject::Container;
use eunomia_core::time::WallNanos;
use eunomia_core::value::Value;
use unicode_width::UnicodeWidthStr as _;

use super::columns::{Column, Layout, Place};
use super::config::{ConsoleConfig, View};
use super::line::{Line, cut};
use super::points::write_point_value;
use super::style::{Paint, Style};
use super::tree::Tree;
use crate::describe::{Detail, Form, Kind, Kinds, ListForm};
use crate::describe::{write_detail, write_harmless, write_value};
use crate::sink::Lines;

/// What stands where there is nothing to say.
const NOTHING: &str = "-";
/// As `docker ps` shows them.
const SHORT_ID: usize = 12;

/// Batches to lines of a table.
#[derive(Debug)]
pub struct ConsoleEncoder {
    host: String,
    view: View,
    columns: Vec<Column>,
    style: Style,
    layout: Layout,
    kinds: Kinds,
    tree: Tree,
}

/// An event, and where its process stands in the tree.
struct Shown<'a> {
    row: RowView<'a>,
    kind: &'a Kind,
    depth: usize,
}

impl ConsoleEncoder {
    /// An encoder for what happens on the host of this name.
    #[must_use]
    pub fn new(config: &ConsoleConfig, host: &str, style: Style) -> Self {
        let columns: Vec<_> = config
            .columns
            .iter()
            .map(|name| Column::new(name))
            .collect();
        let mut harmless = String::new();
        write_harmless(host.as_bytes(), &mut harmless);
        Self {
            host: harmless,
            view: config.view,
            layout: Layout::new(&columns, config.view, style),
            columns,
            style,
            kinds: Kinds::default(),
            tree: Tree::default(),
        }
    }

    /// Notes how many columns the terminal has now.
    pub fn set_width(&mut self, width: Option<usize>) {
        if width != self.style.width {
            self.style.width = width;
            self.layout = Layout::new(&self.columns, self.view, self.style);
        }
    }

    /// Appends the names of the columns.
    pub fn write_heading(&self, out: &mut Lines) {
        let mut line = Line::new(&mut out.bytes, &self.layout, self.style.color);
        for (column, place) in self.columns.iter().zip(&self.layout.places) {
            let mut heading = String::new();
            write_harmless(column.heading().as_bytes(), &mut heading);
            if *column == Column::Details {
                line.detail("", &heading, Paint::Bold);
            } else {
                line.cell(&heading, *place, Paint::Bold);
            }
        }
        line.end();
    }

    /// Appends a line for every event or point of `signal`.
    pub fn encode(&mut self, signal: &Signal, out: &mut Lines) {
        match signal {
            Signal::Events(batch) => self.encode_events(batch, out),
            Signal::Metrics(batch) => self.encode_points(batch, out),
        }
    }

    fn encode_events(&mut self, batch: &Batch, out: &mut Lines) {
        for row in batch.iter() {
            let kind = self.kinds.get(row.schema());
            let process = row.actor().and_then(|actor| actor.process.as_deref());
            let depth = match (self.view, process) {
                (View::Tree, Some(process)) => self.tree.depth(process),
                (View::Tree | View::Table | View::Wide, _) => 0,
            };
            let shown = Shown {
                row,
                kind: &kind,
                depth,
            };
            let mut line = Line::new(&mut out.bytes, &self.layout, self.style.color);
            for (column, place) in self.columns.iter().zip(&self.layout.places) {
                self.write_event(&shown, column, *place, &mut line);
            }
            line.end();
            out.end_item();
        }
    }

    fn write_event(&self, shown: &Shown<'_>, column: &Column, place: Place, line: &mut Line<'_>) {
        let Shown { row, kind, .. } = shown;
        let mut text = String::new();
        match column {
            Column::Time => self.write_time(row.time(), place, line),
            Column::Container => {
                self.write_container(row.container().map(AsRef::as_ref), place, line);
            }
            Column::Process => {
                write_process(shown, place, &mut text);
                line.cell(&text, place, Paint::Plain);
            }
            Column::Event => {
                write_harmless(kind.schema.name.name().as_bytes(), &mut text);
                line.cell(&text, place, event_paint(row, kind));
            }
            Column::Details => self.write_details(shown, line),
            Column::Attribute(name) => {
                let paint = write_attribute(row, kind, name, &mut text);
                line.cell(&text, place, paint);
            }
        }
    }

    fn write_details(&self, shown: &Shown<'_>, line: &mut Line<'_>) {
        let Shown { row, kind, .. } = shown;
        let mut text = String::new();
        for detail in &kind.details {
            text.clear();
            if write_detail(row, detail, &mut text) {
                line.detail(&detail.label, &text, paint(detail));
            }
        }
        if self.view == View::Wide {
            visit_others(row, |key, value| write_named(key, value, line));
        } else {
            row.visit_added(&mut |key, value| write_named(key, value, line));
        }
    }

    fn encode_points(&self, batch: &MetricBatch, out: &mut Lines) {
        for point in &batch.points {
            let mut line = Line::new(&mut out.bytes, &self.layout, self.style.color);
            for (column, place) in self.columns.iter().zip(&self.layout.places) {
                self.write_point((batch.time, point), column, *place, &mut line);
            }
            line.end();
            out.end_item();
        }
    }

    fn write_point(
        &self,
        (time, point): (WallNanos, &Point),
        column: &Column,
        place: Place,
        line: &mut Line<'_>,
    ) {
        let mut text = String::new();
        match column {
            Column::Time => self.write_time(time, place, line),
            Column::Container => self.write_container(point.container.as_deref(), place, line),
            Column::Process => line.cell(NOTHING, place, Paint::Plain),
            Column::Event => {
                let name = point.metric.name.name();
                write_harmless(name.as_bytes(), &mut text);
                line.cell(&text, place, Paint::of_kind(name));
            }
            Column::Details => {
                write_point_value(point, &mut text);
                line.detail("", &text, Paint::Bold);
                let attributes = point.attributes.iter();
                attributes.for_each(|(key, value)| write_named(key, value, line));
            }
            Column::Attribute(name) => {
                let own = point.attributes.get(name);
                let container = point.container.as_ref();
                let value = own.or_else(|| container?.attributes.get(name));
                write_or_nothing(value, &mut text);
                line.cell(&text, place, Paint::Plain);
            }
        }
    }

    fn write_time(&self, time: WallNanos, place: Place, line: &mut Line<'_>) {
        let mut text = [0; 30];
        time.write_rfc3339(&mut text);
        // Hours to milliseconds.
        let shown = match self.view {
            View::Wide => text.get(..),
            View::Table | View::Tree => text.get(11..23),
        };
        let shown = String::from_utf8_lossy(shown.unwrap_or_default());
        line.cell(&shown, place, Paint::Faint);
    }

    fn write_container(&self, container: Option<&Container>, place: Place, line: &mut Line<'_>) {
        match container {
            Some(container) => {
                line.cell(&container_name(container), place, Paint::Container);
            }
            None => line.cell(&self.host, place, Paint::Faint),
        }
    }
}

/// Appends `name[pid]` below its ancestors, with as much of both as there is
/// room for.
fn write_process(shown: &Shown<'_>, place: Place, out: &mut String) {
    let Shown { row, kind, depth } = shown;
    let header = kind.schema.header.as_ref();
    let pid = header.and_then(|header| header.process(row.record()));
    let mut name = String::new();
    match kind.actor_name.and_then(|position| row.attribute(position)) {
        Some(Value::Str(text)) => write_harmless(text.as_bytes(), &mut name),
        Some(Value::Text(bytes)) => write_harmless(bytes, &mut name),
        _ => write_executable(row, &mut name),
    }
    let pid = pid.map_or_else(String::new, |pid| format!("[{}]", pid.pid.0));
    // Deeper than half of the column one looks like the other.
    let room = place.width.saturating_sub(pid.width() + 1);
    let indent = (2 * *depth).min(place.width / 2).min(room);
    out.extend(std::iter::repeat_n(' ', indent));
    if name.is_empty() && pid.is_empty() {
        out.push_str(NOTHING);
    }
    match place.limit {
        Some(_) => {
            let room = place.width.saturating_sub(indent + pid.width());
            out.push_str(&cut(&name, room));
        }
        None => out.push_str(&name),
    }
    out.push_str(&pid);
}

fn write_executable(row: &RowView<'_>, out: &mut String) {
    let process = row.actor().and_then(|actor| actor.process.as_ref());
    match process.and_then(|process| process.attributes.get(EXECUTABLE_NAME)) {
        Some(Value::Str(text)) => write_harmless(text.as_bytes(), out),
        Some(Value::Text(bytes)) => write_harmless(bytes, out),
        _ => {}
    }
}

/// Appends the value called `name`, or that there is none; gives its colour.
fn write_attribute(row: &RowView<'_>, kind: &Kind, name: &str, out: &mut String) -> Paint {
    let position = kind.schema.position(name);
    let Some(position) = position else {
        write_or_nothing(row.beside_schema(name), out);
        return Paint::Plain;
    };
    write_or_nothing(row.attribute(position), out);
    let attribute = kind.schema.attributes.get(position);
    if attribute.is_some_and(|attribute| attribute.field.is_truncated(row.record())) {
        out.push_str("...");
    }
    let detail = kind
        .details
        .iter()
        .find(|detail| detail.position == position);
    detail.map_or(Paint::Plain, paint)
}

fn write_or_nothing(value: Option<Value<'_>>, out: &mut String) {
    match value {
        Some(value) => write_value(value, ListForm::Value, out),
        None => out.push_str(NOTHING),
    }
}

/// Calls `each` with what header, tables and processors say beside the event itself.
fn visit_others<'a>(row: &RowView<'a>, mut each: impl FnMut(&'a Key, Value<'a>)) {
    row.visit(&mut |key, value| {
        if !is_own(row.schema(), key) {
            each(key, value);
        }
    });
}

/// Whether the event itself tells it, and not its header, a table or a processor.
fn is_own(schema: &EventSchema, key: &Key) -> bool {
    schema.attributes.iter().any(|attribute| {
        let keys = [&attribute.key, &attribute.raw_key, &attribute.truncated_key];
        keys.contains(&key) && !schema.is_of_header(attribute)
    })
}

/// What failed is seen from afar.
fn event_paint(row: &RowView<'_>, kind: &Kind) -> Paint {
    let failed =
        |detail: &Detail| detail.form == Form::Failure && row.attribute(detail.position).is_some();
    if kind.details.iter().any(failed) {
        Paint::Failure
    } else {
        Paint::of_kind(kind.schema.name.name())
    }
}

fn paint(detail: &Detail) -> Paint {
    match detail.form {
        Form::Headline => Paint::Bold,
        Form::Failure => Paint::Failure,
        Form::Endpoint(_) | Form::Nanoseconds | Form::Plain => Paint::Plain,
    }
}

fn write_named(key: &Key, value: Value<'_>, line: &mut Line<'_>) {
    let mut label = String::new();
    write_harmless(key.name().as_bytes(), &mut label);
    label.push('=');
    let mut text = String::new();
    write_value(value, ListForm::Value, &mut text);
    line.detail(&label, &text, Paint::Plain);
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
