//! Order of rows, and who their actors are: what a receiver settles before a
//! batch leaves it.

use std::sync::Arc;

use super::rows::{Batch, Row, RowView, SubjectIndex};
use crate::schema::EventSchema;
use crate::time::BootNanos;

impl Batch {
    /// Puts the rows into the order of their times; rows of one time stay as
    /// they came.
    pub fn sort_by_time(&mut self) {
        // Rings deliver almost in order: the stable sort takes the runs as they are.
        self.rows.sort_by_key(|row| row.time);
    }

    /// Takes the rows from `cut` on out into a batch of their own. Rows must
    /// be sorted, and nothing but [`Batch::push`] may have touched them.
    #[must_use]
    pub fn split_from(&mut self, cut: BootNanos) -> Self {
        let first = self.rows.partition_point(|row| row.time < cut);
        let mut newer = Self {
            // The next round is likely as large as this one.
            rows: Vec::with_capacity(self.rows.len()),
            arena: Vec::with_capacity(self.arena.len()),
            clock: self.clock,
            observed: self.observed,
            ..Self::default()
        };
        for index in first..self.rows.len() {
            if let Some(row) = self.row(index) {
                let schema = Arc::clone(row.schema());
                newer.push(&schema, row.record(), row.boot_time(), SubjectIndex::NONE);
            }
        }
        self.rows.truncate(first);
        newer
    }

    /// Sets every row's actor to what `actor` finds.
    pub fn assign_actors(&mut self, mut actor: impl FnMut(RowView<'_>) -> SubjectIndex) {
        let mut rows = std::mem::take(&mut self.rows);
        for row in &mut rows {
            row.actor = self.actor_of(row, &mut actor);
        }
        self.rows = rows;
    }

    fn actor_of(
        &self,
        row: &Row,
        actor: &mut impl FnMut(RowView<'_>) -> SubjectIndex,
    ) -> SubjectIndex {
        let Some(schema) = self.schemas.get(usize::from(row.schema)) else {
            return SubjectIndex::NONE;
        };
        actor(RowView {
            batch: self,
            row,
            schema,
        })
    }
}

impl Batch {
    /// How many rows there are of each schema.
    pub fn count_by_schema(&self) -> impl Iterator<Item = (&Arc<EventSchema>, u64)> {
        let mut counts = vec![0; self.schemas.len()];
        for row in &self.rows {
            if let Some(count) = counts.get_mut(usize::from(row.schema)) {
                *count += 1;
            }
        }
        self.schemas
            .iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
    }
}
