//! Events as points.

use std::ops::Range;
use std::sync::Arc;

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::line::{IN_MEASUREMENT, write_unquoted};
use eunomia_core::schema::{Attribute, EventSchema};
use eunomia_core::value::Value;

use super::encoder::LineSettings;
use super::field::{Unsigned, write_field};
use super::tags::{TagNames, Tags};
use super::times::{SeriesIndex, Times};
use crate::describe::Sentences;
use crate::influxdb::config::Schema;
use crate::names::{EVENT_TAGS, HOST_NAME};
use crate::number::write_unsigned;
use crate::repeat::{ContainerPart, Known, Repeats};
use crate::resource::{SERVICE_NAME, host_attributes};

/// The measurement of log records.
const LOGS: &[u8] = b"logs";
/// What a log record's event is called there.
const LOG_NAME: &str = "name";
/// What every log record carries beside its attributes.
const SEVERITY: &[u8] = b"severity_number=9i,severity_text=\"INFO\",";
const BODY: &str = "body";

/// Writes events.
#[derive(Debug)]
pub(super) struct Events {
    names: TagNames,
    /// Tags that all events have.
    tags: Vec<(Key, Box<str>)>,
    /// Fields that all events have.
    fields: Box<[u8]>,
    unsigned: Unsigned,
    /// Nanoseconds in a unit of time.
    unit: u64,
    log: Option<Log>,
    kinds: Vec<Kind>,
    /// The kinds of a batch's schemas.
    batch_kinds: Vec<usize>,
    repeats: Repeats,
    /// The series of each actor and kind.
    series: Vec<Option<KnownSeries>>,
    texts: Vec<u8>,
    collected: Tags,
}

/// What log records need beside the others.
#[derive(Debug)]
struct Log {
    name: Key,
    body: Key,
    sentences: Sentences,
}

/// An event kind.
#[derive(Debug)]
struct Kind {
    schema: Arc<EventSchema>,
    /// The measurement, escaped.
    measurement: Box<[u8]>,
    /// Whether a tag may differ from event to event of one actor.
    tags_vary: bool,
}

/// A series that was written before.
#[derive(Clone, Debug)]
struct KnownSeries {
    text: Range<usize>,
    index: SeriesIndex,
}

/// Event kinds that are remembered; hot-loaded objects come and go.
const MAX_KINDS: usize = 256;

impl Events {
    pub(super) fn new(host: &Host, settings: &LineSettings) -> Self {
        let is_log = settings.schema == Schema::OtelLogs;
        let own = settings.tags.iter().map(String::as_str);
        let (names, tagged): (_, &[&str]) = if is_log {
            (TagNames::new(own.chain([SERVICE_NAME])), &[SERVICE_NAME])
        } else {
            (TagNames::new(own.chain(EVENT_TAGS)), &[HOST_NAME])
        };
        let mut tags = Vec::new();
        let mut fields = Vec::new();
        for (name, value) in host_attributes(host) {
            let key = Key::new(name);
            if tagged.contains(&name) || is_log && names.has(&key) {
                tags.push((key, value.into()));
            } else if is_log {
                write_field(&key, Value::Str(value), Unsigned::Kept, &mut fields);
            }
        }
        if is_log {
            fields.extend_from_slice(SEVERITY);
        }
        Self {
            names,
            tags,
            fields: fields.into(),
            // OpenTelemetry has signed integers alone.
            unsigned: if is_log {
                Unsigned::AsSigned
            } else {
                settings.unsigned
            },
            unit: settings.precision.nanos(),
            log: is_log.then(Log::new),
            kinds: Vec::new(),
            batch_kinds: Vec::new(),
            repeats: Repeats::default(),
            series: Vec::new(),
            texts: Vec::new(),
            collected: Tags::default(),
        }
    }

    /// The rows that follow are those of `batch`.
    pub(super) fn start(&mut self, batch: &Batch) {
        self.repeats.start(batch);
        self.series.clear();
        self.series.resize(self.repeats.slots(), None);
        self.texts.clear();
        self.batch_kinds.clear();
        if let Some(log) = &mut self.log {
            log.sentences.start(batch);
        }
        if self.kinds.len() > MAX_KINDS {
            self.kinds.clear();
        }
        for schema in batch.schemas() {
            let kind = self.kind(schema);
            self.batch_kinds.push(kind);
        }
    }

    fn kind(&mut self, schema: &Arc<EventSchema>) -> usize {
        let is_it = |kind: &Kind| Arc::ptr_eq(&kind.schema, schema);
        self.kinds.iter().position(is_it).unwrap_or_else(|| {
            let mut columns = schema.attributes.iter().flat_map(Attribute::columns);
            let tags_vary = columns.any(|(key, _)| self.names.has(key));
            let measurement = match self.log {
                Some(_) => LOGS.into(),
                None => measurement(schema.name.name()),
            };
            self.kinds.push(Kind {
                schema: Arc::clone(schema),
                measurement,
                tags_vary,
            });
            self.kinds.len() - 1
        })
    }

    /// Appends a line for `row`; gives the number of lines, which is none where
    /// nothing is a field.
    pub(super) fn write(
        &mut self,
        row: &RowView<'_>,
        times: &mut Times,
        out: &mut Vec<u8>,
    ) -> usize {
        let known = self.find(row);
        let series = match &known {
            Some(known) => self.write_known_series(row, known, times, out),
            None => self.write_series(row, times, out),
        };
        out.push(b' ');
        let fields = out.len();
        out.extend_from_slice(&self.fields);
        if let Some(log) = &mut self.log {
            log.write_body(row, out);
        }
        match &known {
            Some(known) => {
                let unsigned = self.unsigned;
                self.repeats
                    .write_known(row, known, out, |key, value, out| {
                        write_field(key, value, unsigned, out);
                    });
            }
            None => self.write_fields(row, out),
        }
        if out.len() == fields {
            return 0;
        }
        end_line(times.take(series, row.time().0 / self.unit), out);
        1
    }

    /// What is known of the row's actor, where all its tags are the actor's.
    fn find(&mut self, row: &RowView<'_>) -> Option<Known> {
        let kind = self.kinds.get(*self.batch_kinds.get(row.schema_index())?)?;
        if kind.tags_vary {
            return None;
        }
        let (names, unsigned) = (&self.names, self.unsigned);
        let write = |key: &Key, value: Value<'_>, out: &mut Vec<u8>| {
            if !names.has(key) {
                write_field(key, value, unsigned, out);
            }
        };
        self.repeats.find(row, ContainerPart::Shown, &write)
    }

    /// Appends measurement and tags as they were written for this actor before.
    fn write_known_series(
        &mut self,
        row: &RowView<'_>,
        known: &Known,
        times: &mut Times,
        out: &mut Vec<u8>,
    ) -> SeriesIndex {
        if let Some(Some(series)) = self.series.get(known.slot) {
            out.extend_from_slice(self.texts.get(series.text.clone()).unwrap_or_default());
            return series.index;
        }
        let (start, text) = (out.len(), self.texts.len());
        let index = self.write_series(row, times, out);
        self.texts
            .extend_from_slice(out.get(start..).unwrap_or_default());
        if let Some(slot) = self.series.get_mut(known.slot) {
            let text = text..self.texts.len();
            *slot = Some(KnownSeries { text, index });
        }
        index
    }

    /// Appends measurement and tags.
    fn write_series(
        &mut self,
        row: &RowView<'_>,
        times: &mut Times,
        out: &mut Vec<u8>,
    ) -> SeriesIndex {
        let start = out.len();
        let kind = self.batch_kinds.get(row.schema_index());
        let kind = kind.and_then(|&kind| self.kinds.get(kind));
        if let Some(kind) = kind {
            out.extend_from_slice(&kind.measurement);
        }
        let (names, collected) = (&self.names, &mut self.collected);
        collected.clear();
        for (key, value) in &self.tags {
            collected.add(key, Value::Str(value));
        }
        if let Some(log) = &self.log {
            collected.add(&log.name, Value::Str(row.schema().name.name()));
        }
        let mut add = |key: &Key, value: Value<'_>| {
            if names.has(key) {
                collected.add(key, value);
            }
        };
        if kind.is_some_and(|kind| kind.tags_vary) {
            row.visit(&mut add);
        } else {
            row.visit_beside_record(&mut add);
        }
        collected.write(out);
        times.series(out.get(start..).unwrap_or_default())
    }

    fn write_fields(&self, row: &RowView<'_>, out: &mut Vec<u8>) {
        let (names, unsigned) = (&self.names, self.unsigned);
        row.visit(&mut |key, value| {
            if !names.has(key) {
                write_field(key, value, unsigned, out);
            }
        });
    }
}

impl Log {
    fn new() -> Self {
        Self {
            name: Key::new(LOG_NAME),
            body: Key::new(BODY),
            sentences: Sentences::default(),
        }
    }

    /// Appends the event in one sentence.
    fn write_body(&mut self, row: &RowView<'_>, out: &mut Vec<u8>) {
        let text = Value::Str(self.sentences.write(row));
        write_field(&self.body, text, Unsigned::Kept, out);
    }
}

/// A measurement called `name`: without quotes, and no comment.
pub(super) fn measurement(name: &str) -> Box<[u8]> {
    let mut escaped = Vec::new();
    let name = match name.strip_prefix('#') {
        Some(rest) => {
            escaped.push(b'_');
            rest
        }
        None => name,
    };
    write_unquoted(name.as_bytes(), IN_MEASUREMENT, &mut escaped);
    if escaped.is_empty() {
        escaped.push(b'_');
    }
    escaped.into()
}

/// Ends a line of one field or more at `time`.
pub(super) fn end_line(time: u64, out: &mut Vec<u8>) {
    if let Some(comma) = out.last_mut() {
        *comma = b' ';
    }
    write_unsigned(time.min(i64::MAX.unsigned_abs()), out);
    out.push(b'\n');
}
