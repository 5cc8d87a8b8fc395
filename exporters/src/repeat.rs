//! What the events of one actor have in common, encoded once.
//!
//! Of the attributes of an event half and more are about who acted, and a batch
//! holds many events of few actors: their bytes are copied. An event about whose
//! actor a processor changed something is written attribute by attribute.

use std::ops::Range;

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::key::Key;
use eunomia_core::value::Value;

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
    bytes: Vec<u8>,
}

/// What is the same for all rows of one schema.
#[derive(Clone, Debug)]
struct Kind {
    /// How many of its first attributes are the header's.
    attributes: usize,
    /// What of a record those are read from.
    header: Range<usize>,
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
    /// How many of the schema's first attributes are the header's.
    pub(crate) attributes: usize,
    /// Those attributes.
    pub(crate) header: Range<usize>,
    /// What is shown of process, cgroup and container.
    pub(crate) subject: Range<usize>,
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
        self.kinds.extend(batch.schemas().iter().map(|schema| Kind {
            attributes: schema.header_attributes(),
            header: schema.header_bytes().unwrap_or_default(),
        }));
        self.actors = batch.subjects.len() + 1;
        self.slots.clear();
        self.slots.resize(self.actors * self.kinds.len(), NONE);
        self.entries.clear();
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
        out.extend_from_slice(self.bytes(&known.header));
        let rest = known.attributes..row.schema().attributes.len();
        row.visit_attributes(rest, &mut |key, value| write(key, value, out));
        out.extend_from_slice(self.bytes(&known.subject));
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// A part of what was written.
    pub(crate) fn bytes(&self, part: &Range<usize>) -> &[u8] {
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
            return Some(entry.known(slot, kind.attributes));
        }
        // Another thread of the process, or the first event of it.
        let subject = self.entries.get(known).map(|entry| entry.subject.clone());
        let entry = Entry {
            record: append(&mut self.bytes, |bytes| bytes.extend_from_slice(record)),
            header: append(&mut self.bytes, |bytes| {
                row.visit_attributes(0..kind.attributes, &mut |key, value| {
                    write(key, value, bytes);
                });
            }),
            subject: subject.unwrap_or_else(|| {
                append(&mut self.bytes, |bytes| {
                    write_subject(row, container, bytes, write);
                })
            }),
        };
        *self.slots.get_mut(slot)? = u32::try_from(self.entries.len()).ok()?;
        let known = entry.known(slot, kind.attributes);
        self.entries.push(entry);
        Some(known)
    }

    /// Rows without an actor share the last.
    fn slot(&self, row: &RowView<'_>) -> Option<usize> {
        let last = self.actors.checked_sub(1)?;
        let actor = usize::try_from(row.actor_index().0).ok()?.min(last);
        Some(actor * self.kinds.len() + row.schema_index())
    }
}

impl Entry {
    fn known(&self, slot: usize, attributes: usize) -> Known {
        Known {
            slot,
            attributes,
            header: self.header.clone(),
            subject: self.subject.clone(),
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
