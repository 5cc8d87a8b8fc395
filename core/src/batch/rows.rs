//! The batch itself and its rows as they are read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::overlay::{Made, Overlay};
use super::record::Layout;
use crate::key::Key;
use crate::schema::EventSchema;
use crate::subject::{Container, Subject};
use crate::time::{BootNanos, ClockOffset, WallNanos};
use crate::value::Value;

/// Events on their way through a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(super) rows: Vec<Row>,
    pub(super) arena: Vec<u8>,
    pub(super) overlays: Vec<Overlay>,
    pub(super) schemas: Vec<Arc<EventSchema>>,
    /// Of the schemas, as far as rows of them were pushed.
    pub(super) layouts: Vec<Layout>,
    /// The actors that rows point to.
    pub subjects: Vec<Subject>,
    /// Turns the rows' boot times into wall-clock times.
    pub clock: ClockOffset,
    /// When the receiver took the rows from the kernel.
    pub observed: WallNanos,
}

/// A row's actor: an index into [`Batch::subjects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectIndex(pub u32);

impl SubjectIndex {
    /// No process caused the event, or nothing is known of it.
    pub const NONE: Self = Self(u32::MAX);
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) time: BootNanos,
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) overlay_start: u32,
    pub(super) overlay_count: u16,
    pub(super) schema: u16,
    pub(super) actor: SubjectIndex,
}

impl Batch {
    /// An empty batch with room for `bytes` of records.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            arena: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// Appends a record. Paths that the kernel wrote leaf first are turned
    /// round, lists that are shown joined are joined; the rest stays as it is.
    pub fn push(
        &mut self,
        schema: &Arc<EventSchema>,
        record: &[u8],
        time: BootNanos,
        actor: SubjectIndex,
    ) {
        let offset = self.arena.len();
        let schema = self.schema_index(schema);
        self.arena.extend_from_slice(record);
        if let (Some(layout), Some(stored)) = (
            self.layouts.get(usize::from(schema)),
            self.arena.get_mut(offset..),
        ) {
            layout.turn_paths(record, stored);
        }
        let row = Row {
            time,
            offset: to_u32(offset),
            length: to_u32(record.len()),
            overlay_start: to_u32(self.overlays.len()),
            overlay_count: 0,
            schema,
            actor,
        };
        self.rows.push(row);
        self.join_lists(schema);
    }

    /// How many events the batch holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Memory that the batch keeps busy, in bytes; shared subjects not counted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.arena.capacity()
            + self.rows.capacity() * size_of::<Row>()
            + self.overlays.capacity() * size_of::<Overlay>()
            + self.subjects.capacity() * size_of::<Subject>()
    }

    /// The schemas of the rows.
    #[must_use]
    pub fn schemas(&self) -> &[Arc<EventSchema>] {
        &self.schemas
    }

    /// The row at `index`.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<RowView<'_>> {
        let row = self.rows.get(index)?;
        let schema = self.schemas.get(usize::from(row.schema))?;
        Some(RowView {
            batch: self,
            row,
            schema,
        })
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = RowView<'_>> {
        (0..self.rows.len()).filter_map(|index| self.row(index))
    }

    /// Keeps the rows for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(RowView<'_>) -> bool) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| {
            self.schemas
                .get(usize::from(row.schema))
                .is_some_and(|schema| {
                    keep(RowView {
                        batch: self,
                        row,
                        schema,
                    })
                })
        });
        self.rows = rows;
    }

    fn schema_index(&mut self, schema: &Arc<EventSchema>) -> u16 {
        // Rows of one kind come in runs: the search is from the back.
        let known = self
            .schemas
            .iter()
            .rposition(|known| Arc::ptr_eq(known, schema));
        let index = known.unwrap_or_else(|| {
            self.schemas.push(Arc::clone(schema));
            self.schemas.len() - 1
        });
        // A batch that was put together from its parts has schemas alone.
        for schema in self
            .schemas
            .get(self.layouts.len()..=index)
            .into_iter()
            .flatten()
        {
            self.layouts.push(Layout::new(schema));
        }
        u16::try_from(index).unwrap_or(u16::MAX)
    }
}

/// One row, as encoders and processors read it.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    pub(super) batch: &'a Batch,
    pub(super) row: &'a Row,
    pub(super) schema: &'a Arc<EventSchema>,
}

impl<'a> RowView<'a> {
    /// What kind of event it is.
    #[must_use]
    pub fn schema(&self) -> &'a Arc<EventSchema> {
        self.schema
    }

    /// When it happened.
    #[must_use]
    pub fn time(&self) -> WallNanos {
        self.batch.clock.wall(self.row.time)
    }

    /// When it happened, since boot.
    #[must_use]
    pub fn boot_time(&self) -> BootNanos {
        self.row.time
    }

    /// The record as the kernel wrote it, paths turned round.
    #[must_use]
    pub fn record(&self) -> &'a [u8] {
        let start = self.row.offset as usize;
        self.batch
            .arena
            .get(start..start + self.row.length as usize)
            .unwrap_or_default()
    }

    /// Who caused it.
    #[must_use]
    pub fn actor(&self) -> Option<&'a Subject> {
        self.batch
            .subjects
            .get(usize::try_from(self.row.actor.0).ok()?)
    }

    /// The index of who caused it; rows of one batch with the same index have
    /// the same actor.
    #[must_use]
    pub fn actor_index(&self) -> SubjectIndex {
        self.row.actor
    }

    /// The container of who caused it, where it is known and shown.
    #[must_use]
    pub fn container(&self) -> Option<&'a Arc<Container>> {
        self.actor()?.container.as_ref()
    }

    /// The value of the schema's attribute at `position`, as laid over by
    /// processors.
    #[must_use]
    pub fn attribute(&self, position: usize) -> Option<Value<'a>> {
        match self.overlay().find_map(|overlay| overlay.covers(position)) {
            Some(made) => self.made(made),
            None => self
                .schema
                .attributes
                .get(position)?
                .field
                .read(self.record()),
        }
    }

    /// The value called `name`, wherever it comes from.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let mut found = None;
        self.visit(&mut |key, value| {
            if found.is_none() && key.name() == name {
                found = Some(value);
            }
        });
        found
    }

    /// Calls `each` with every attribute of the event: the merged view.
    pub fn visit(&self, each: &mut impl FnMut(&'a Key, Value<'a>)) {
        self.visit_attributes(0..self.schema.attributes.len(), each);
        self.visit_beside_record(each);
    }

    /// As [`Self::visit`], without the container's attributes: what a log
    /// record carries where the container is its resource.
    pub fn visit_without_container(&self, each: &mut impl FnMut(&'a Key, Value<'a>)) {
        self.visit_attributes(0..self.schema.attributes.len(), each);
        self.visit_subject(each);
        self.visit_added(each);
    }

    /// An attribute of a process, cgroup or container, unless a processor laid
    /// another value over it.
    pub(super) fn visit_shared(
        &self,
        key: &'a Key,
        value: Value<'a>,
        each: &mut impl FnMut(&'a Key, Value<'a>),
    ) {
        if !self.overlay().any(|overlay| overlay.is_named(key)) {
            each(key, value);
        }
    }

    /// Calls `each` with every attribute that a processor added or that stands
    /// in place of one of a process, cgroup or container.
    pub fn visit_added(&self, each: &mut impl FnMut(&'a Key, Value<'a>)) {
        for overlay in self.overlay() {
            if let Some((key, value)) = overlay
                .added()
                .and_then(|(key, made)| Some((key, self.made(made)?)))
            {
                each(key, value);
            }
        }
    }

    pub(super) fn overlay(&self) -> impl Iterator<Item = &'a Overlay> {
        let start = self.row.overlay_start as usize;
        let end = start + usize::from(self.row.overlay_count);
        self.batch
            .overlays
            .get(start..end)
            .unwrap_or_default()
            .iter()
    }

    pub(super) fn made(&self, made: Made) -> Option<Value<'a>> {
        made.value(&self.batch.arena)
    }
}

pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
