//! Events as log records, grouped by resource, as many to a request as fit.

use std::mem;
use std::sync::Arc;

use eunomia_core::batch::{Batch, RowView, SubjectIndex};
use eunomia_core::component::Host;
use eunomia_core::schema::EventSchema;
use eunomia_core::subject::Container;
use eunomia_core::time::WallNanos;

use super::format::{Format, LOGS};
use super::json::write_item;
use super::json_tables;
use super::resource::{Envelope, Group};
use crate::alike::Alike;
use crate::describe::Sentences;
use crate::protobuf::{Writer, varint_length, write_varint};
use crate::repeat::{ContainerPart, Repeats};

/// Field of `ScopeLogs`.
const LOG_RECORDS: u32 = 2;
/// Fields of `LogRecord`.
const TIME: u32 = 1;
const ATTRIBUTES: u32 = 6;
const OBSERVED_TIME: u32 = 11;
const EVENT_NAME: u32 = 12;
/// `AnyValue.string_value`.
const STRING: u32 = 1;

/// Severity number and text, fields 2 and 3, of `SEVERITY_NUMBER_INFO`; behind them
/// the tag of the body, field 5.
const SEVERITY: [u8; 9] = *b"\x10\x09\x1a\x04INFO\x2a";
/// An actor whose group was not looked for yet.
const NO_GROUP: usize = usize::MAX;

/// The bytes of a request, with how many records or points are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The message.
    pub body: Vec<u8>,
    /// Log records or points.
    pub items: usize,
}

/// Puts events into requests.
#[derive(Debug)]
pub struct LogsEncoder {
    envelope: Envelope,
    max_bytes: usize,
    groups: Vec<Group>,
    /// The group of each of a batch's subjects.
    group_of: Vec<usize>,
    sentences: Sentences,
    alike: Alike,
    repeats: Repeats,
    /// A record that goes from one request to the next, or from protobuf to JSON.
    record: Vec<u8>,
    /// Buffers of groups that were written, to be filled again: memory fresh
    /// from the kernel costs more than what is written into it.
    spare: Vec<Vec<u8>>,
    bytes: usize,
    items: usize,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the request that is being built.
    Added,
    /// It was the first of a new request; this one is full.
    Full(Request),
    /// It is larger than any request may be.
    TooLarge,
}

impl LogsEncoder {
    /// An encoder for what happens on `host`; no request is larger than
    /// `max_bytes`.
    #[must_use]
    pub fn new(host: &Host, max_bytes: usize, format: Format) -> Self {
        Self {
            envelope: Envelope::new(host, format, &LOGS),
            max_bytes,
            groups: Vec::new(),
            group_of: Vec::new(),
            sentences: Sentences::default(),
            alike: Alike::default(),
            repeats: Repeats::default(),
            record: Vec::new(),
            spare: Vec::new(),
            bytes: 0,
            items: 0,
        }
    }

    /// How many records the request has that is being built.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// Adds all rows of `batch`, and tells `each` of every row in order.
    pub fn push(&mut self, batch: &Batch, mut each: impl FnMut(Pushed)) {
        self.group_of.clear();
        self.group_of.resize(batch.subjects.len() + 1, NO_GROUP);
        self.repeats.start(batch);
        self.sentences.start(batch);
        self.alike.start(batch, |schema, out| {
            write_alike(schema, batch.observed, out);
        });
        for row in batch.iter() {
            let pushed = self.push_row(&row);
            each(pushed);
        }
    }

    /// Takes the request that is being built.
    #[must_use]
    pub fn finish(&mut self) -> Option<Request> {
        let mut body = Vec::with_capacity(self.bytes);
        self.envelope.begin(&mut body);
        for group in self.groups.drain(..) {
            if !group.items.is_empty() {
                group.write(&mut body);
            }
            keep(group.items, &mut self.spare, self.max_bytes);
        }
        self.envelope.end(&mut body);
        self.group_of.fill(NO_GROUP);
        self.bytes = 0;
        let items = mem::take(&mut self.items);
        (items > 0).then_some(Request { body, items })
    }

    fn push_row(&mut self, row: &RowView<'_>) -> Pushed {
        let group = self.group(row.actor_index(), row.container());
        let overhead = self.overhead(group);
        let mut items = self.take_items(group);
        let before = items.len();
        self.write_item(row, &mut items);
        let length = items.len() - before;
        let mut pushed = Pushed::Added;
        if overhead + length > self.max_bytes {
            items.truncate(before);
            pushed = Pushed::TooLarge;
        } else if self.bytes + length > self.max_bytes {
            let mut record = mem::take(&mut self.record);
            record.clear();
            record.extend(items.drain(before..));
            self.put_items(group, items);
            pushed = self.finish().map_or(Pushed::Added, Pushed::Full);
            self.add_to_new(row, &record);
            self.record = record;
            return pushed;
        } else {
            self.bytes += length;
            self.items += 1;
        }
        self.put_items(group, items);
        pushed
    }

    /// Adds the first record of a request.
    fn add_to_new(&mut self, row: &RowView<'_>, record: &[u8]) {
        let group = self.group(row.actor_index(), row.container());
        if let Some(group) = self.groups.get_mut(group) {
            group.items.extend_from_slice(record);
        }
        self.bytes += record.len();
        self.items += 1;
    }

    fn take_items(&mut self, group: usize) -> Vec<u8> {
        let group = self.groups.get_mut(group);
        group.map_or_else(Vec::new, |group| mem::take(&mut group.items))
    }

    fn put_items(&mut self, group: usize, items: Vec<u8>) {
        if let Some(group) = self.groups.get_mut(group) {
            group.items = items;
        }
    }

    fn overhead(&self, group: usize) -> usize {
        self.groups.get(group).map_or(0, Group::overhead)
    }

    /// The group of what `actor` does, made if it is not there.
    fn group(&mut self, actor: SubjectIndex, container: Option<&Arc<Container>>) -> usize {
        let last = self.group_of.len().saturating_sub(1);
        let slot = usize::try_from(actor.0).unwrap_or(last).min(last);
        if let Some(known) = self.group_of.get(slot).filter(|&&group| group != NO_GROUP) {
            return *known;
        }
        let is_it = |group: &Group| group.is_about(container);
        let found = self.groups.iter().position(is_it).unwrap_or_else(|| {
            let mut group = self.envelope.group(container);
            group.items = self.spare.pop().unwrap_or_default();
            self.bytes += group.overhead();
            self.groups.push(group);
            self.groups.len() - 1
        });
        if let Some(slot) = self.group_of.get_mut(slot) {
            *slot = found;
        }
        found
    }

    /// The record in the request's form.
    fn write_item(&mut self, row: &RowView<'_>, out: &mut Vec<u8>) {
        match self.envelope.format {
            Format::Protobuf => self.write_record(row, out),
            Format::Json => {
                let mut record = mem::take(&mut self.record);
                record.clear();
                self.write_record(row, &mut record);
                write_item(&json_tables::LOG_RECORD, &record, out);
                self.record = record;
            }
        }
    }

    fn write_record(&mut self, row: &RowView<'_>, out: &mut Vec<u8>) {
        let alike = self.alike.of(row);
        let body = self.sentences.write(row).as_bytes();
        Writer(out).long_message(LOG_RECORDS, |record| {
            record.fixed64(TIME, row.time().0);
            record.0.extend_from_slice(&SEVERITY);
            write_varint(
                (1 + varint_length(body.len() as u64) + body.len()) as u64,
                record.0,
            );
            record.bytes(STRING, body);
            self.repeats
                .write(row, ContainerPart::LeftOut, record.0, |key, value, out| {
                    Writer(out).attribute(ATTRIBUTES, key, value);
                });
            record.0.extend_from_slice(alike);
        });
    }
}

/// What all records of one schema in one batch have alike.
fn write_alike(schema: &EventSchema, observed: WallNanos, out: &mut Vec<u8>) {
    let mut record = Writer(out);
    record.fixed64(OBSERVED_TIME, observed.0);
    record.bytes(EVENT_NAME, schema.name.name().as_bytes());
}

/// Keeps a buffer for another group, as long as few are kept: that of a group that was all of the
/// largest request, which doubling has made up to twice as large, or smaller ones of as many bytes;
/// no more than 64 MiB.
fn keep(mut items: Vec<u8>, spare: &mut Vec<Vec<u8>>, max_bytes: usize) {
    const MAX_SPARE: usize = 16;
    // A line of a file has no largest size.
    const MAX_SPARE_BYTES: usize = 64 << 20;
    let most = max_bytes.saturating_mul(2).min(MAX_SPARE_BYTES);
    let kept: usize = spare.iter().map(Vec::capacity).sum();
    if spare.len() < MAX_SPARE && kept + items.capacity() <= most {
        items.clear();
        spare.push(items);
    }
}
