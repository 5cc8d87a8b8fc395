//! What the events of one actor have in common, encoded once.
//!
//! Of the attributes of an event half and more are about who acted, and a batch
//! holds many events of few actors: their bytes are copied. An event about whose
//! actor a processor changed something is written attribute by attribute. Of an
//! event's own attributes those are copied that spell a number out.

use std::ops::Range;

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::key::Key;
use eunomia_core::schema::EventSchema;
use eunomia_core::value::Value;

use crate::memo::Memo;

/// An actor of whom nothing was written yet.
const NONE: u32 = u32::MAX;

/// Encoded attributes of a batch's actors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeats {
    kinds: Vec<Kind>,
    /// Actors of the batch, with the one of rows that have none.
    actors: usize,
    /// For each actor and kind an index of `entries`.
    slots: Vec<u32>,
    entries: Vec<Entry>,
    /// What is shown of each actor: parts of the bytes.
    subjects: Vec<Option<Range<usize>>>,
    /// The kinds' own attributes, in the order of their schemas.
    own: Vec<Own>,
    /// What numbers that are spelled out were written as: parts of the bytes.
    spelled: Memo,
    bytes: Vec<u8>,
}

/// Attributes that are an event's own.
#[derive(Clone, Debug)]
enum Own {
    /// Some that are written anew each time.
    Anew(Range<usize>),
    /// One that may spell a number out.
    Spelled(usize),
}

/// What is the same for all rows of one schema.
#[derive(Clone, Debug)]
struct Kind {
    /// How many of its first attributes are the header's.
    attributes: usize,
    /// What of a record those are read from.
    header: Range<usize>,
    /// Its own attributes: parts of `own`.
    own: Range<usize>,
}

/// Parts of the bytes.
#[derive(Clone, Debug)]
struct Entry {
    /// What the header's attributes were read from.
    record: Range<usize>,
    header: Range<usize>,
    subject: Range<usize>,
}

/// What was written of a row's actor: parts of the bytes.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The same for all rows of one actor and kind.
    pub(crate) slot: usize,
    /// The attributes that are the header's.
    header: Range<usize>,
    /// Those that are the event's own: parts of `own`.
    own: Range<usize>,
    /// What is shown of process, cgroup and container.
    subject: Range<usize>,
}

/// Whether the container's attributes are part of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerPart {
    Shown,
    /// They stand elsewhere.
    LeftOut,
}

impl Repeats {
    /// Forgets what was; the rows that follow are those of `batch`.
    pub(crate) fn start(&mut self, batch: &Batch) {
        self.kinds.clear();
        self.own.clear();
        for schema in batch.schemas() {
            let start = self.own.len();
            let attributes = schema.header_attributes();
            add_own(schema, attributes, &mut self.own);
            self.kinds.push(Kind {
                attributes,
                header: schema.header_bytes().unwrap_or_default(),
                own: start..self.own.len(),
            });
        }
        self.spelled.start(self.own.len());
        self.actors = batch.subjects.len() + 1;
        self.slots.clear();
        self.slots.resize(self.actors * self.kinds.len(), NONE);
        self.entries.clear();
        self.subjects.clear();
        self.subjects.resize(self.actors, None);
        self.bytes.clear();
    }

    /// Appends all attributes of `row` as `write` writes them.
    pub(crate) fn write(
        &mut self,
        row: &RowView<'_>,
        container: ContainerPart,
        out: &mut Vec<u8>,
        write: impl Fn(&Key, Value<'_>, &mut Vec<u8>),
    ) {
        let Some(known) = self.find(row, container, &write) else {
            let mut each = |key: &Key, value: Value<'_>| write(key, value, out);
            return match container {
                ContainerPart::Shown => row.visit(&mut each),
                ContainerPart::LeftOut => row.visit_without_container(&mut each),
            };
        };
        self.write_known(row, &known, out, write);
    }

    /// Appends all attributes of `row`, whose actor is known.
    pub(crate) fn write_known(
        &mut self,
        row: &RowView<'_>,
        known: &Known,
        out: &mut Vec<u8>,
        write: impl Fn(&Key, Value<'_>, &mut Vec<u8>),
    ) {
        out.extend_from_slice(self.bytes(&known.header));
        for slot in known.own.clone() {
            self.write_own(row, slot, out, &write);
        }
        out.extend_from_slice(self.bytes(&known.subject));
    }

    /// Appends some of the event's own attributes; copied where it is one whose
    /// number was written before.
    fn write_own(
        &mut self,
        row: &RowView<'_>,
        slot: usize,
        out: &mut Vec<u8>,
        write: &impl Fn(&Key, Value<'_>, &mut Vec<u8>),
    ) {
        let (positions, number) = match self.own.get(slot) {
            Some(Own::Anew(positions)) => (positions.clone(), None),
            Some(&Own::Spelled(position)) => (position..position + 1, row.spelled(position)),
            None => return,
        };
        let known = number.and_then(|number| self.spelled.find(slot, number));
        if let Some(known) = known {
            return out.extend_from_slice(self.bytes(&known));
        }
        let start = out.len();
        row.visit_attributes(positions, &mut |key, value| write(key, value, out));
        if let Some(number) = number
            && self.spelled.has_room(slot)
        {
            let written = out.get(start..).unwrap_or_default();
            let range = append(&mut self.bytes, |bytes| bytes.extend_from_slice(written));
            self.spelled.keep(slot, number, range);
        }
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// A part of what was written.
    fn bytes(&self, part: &Range<usize>) -> &[u8] {
        self.bytes.get(part.clone()).unwrap_or_default()
    }

    /// What was written of the row's actor, now or before; `None` where a
    /// processor changed something about it.
    pub(crate) fn find(
        &mut self,
        row: &RowView<'_>,
        container: ContainerPart,
        write: &impl Fn(&Key, Value<'_>, &mut Vec<u8>),
    ) -> Option<Known> {
        let kind = self.kinds.get(row.schema_index())?.clone();
        if !row.is_untouched(kind.attributes) {
            return None;
        }
        let slot = self.slot(row)?;
        let record = row.record().get(kind.header.clone())?;
        let known = usize::try_from(*self.slots.get(slot)?).ok()?;
        if let Some(entry) = self.entries.get(known)
            && self.bytes.get(entry.record.clone()) == Some(record)
        {
            return Some(entry.known(slot, kind.own));
        }
        // Another thread of the process, or the first event of its kind.
        let subject = self.subject(row, container, write)?;
        let entry = Entry {
            record: append(&mut self.bytes, |bytes| bytes.extend_from_slice(record)),
            header: append(&mut self.bytes, |bytes| {
                row.visit_attributes(0..kind.attributes, &mut |key, value| {
                    write(key, value, bytes);
                });
            }),
            subject,
        };
        *self.slots.get_mut(slot)? = u32::try_from(self.entries.len()).ok()?;
        let known = entry.known(slot, kind.own);
        self.entries.push(entry);
        Some(known)
    }

    /// What is shown of the row's actor, written now or before.
    fn subject(
        &mut self,
        row: &RowView<'_>,
        container: ContainerPart,
        write: &impl Fn(&Key, Value<'_>, &mut Vec<u8>),
    ) -> Option<Range<usize>> {
        let slot = self.actor(row).and_then(|at| self.subjects.get_mut(at))?;
        let written = slot.get_or_insert_with(|| {
            append(&mut self.bytes, |bytes| {
                write_subject(row, container, bytes, write);
            })
        });
        Some(written.clone())
    }

    fn slot(&self, row: &RowView<'_>) -> Option<usize> {
        Some(self.actor(row)? * self.kinds.len() + row.schema_index())
    }

    /// Rows without an actor share the last.
    fn actor(&self, row: &RowView<'_>) -> Option<usize> {
        let last = self.actors.checked_sub(1)?;
        Some(usize::try_from(row.actor_index().0).ok()?.min(last))
    }
}

impl Entry {
    fn known(&self, slot: usize, own: Range<usize>) -> Known {
        Known {
            slot,
            own,
            header: self.header.clone(),
            subject: self.subject.clone(),
        }
    }
}

/// Appends the attributes of `schema` behind the header's first `attributes`.
fn add_own(schema: &EventSchema, attributes: usize, own: &mut Vec<Own>) {
    let start = own.len();
    for (position, attribute) in schema.attributes.iter().enumerate().skip(attributes) {
        if attribute.field.shape.is_spelled() {
            own.push(Own::Spelled(position));
            continue;
        }
        match own.get_mut(start..).and_then(<[Own]>::last_mut) {
            Some(Own::Anew(positions)) => positions.end = position + 1,
            Some(Own::Spelled(_)) | None => own.push(Own::Anew(position..position + 1)),
        }
    }
}

fn write_subject(
    row: &RowView<'_>,
    container: ContainerPart,
    bytes: &mut Vec<u8>,
    write: &impl Fn(&Key, Value<'_>, &mut Vec<u8>),
) {
    row.visit_subject(&mut |key, value| write(key, value, bytes));
    if container == ContainerPart::Shown
        && let Some(container) = row.container()
    {
        for (key, value) in container.attributes.iter() {
            write(key, value, bytes);
        }
    }
}

fn append(bytes: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
    let start = bytes.len();
    fill(bytes);
    start..bytes.len()
}
