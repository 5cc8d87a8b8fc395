//! What all rows of one schema have alike, written once a batch.

use std::ops::Range;

use eunomia_core::batch::{Batch, RowView};
use eunomia_core::schema::EventSchema;

/// Bytes for each of a batch's schemas.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alike {
    bytes: Vec<u8>,
    /// Where those of each schema stand.
    of_schema: Vec<Range<usize>>,
}

impl Alike {
    /// Forgets what was, and has `write` write it for each schema of `batch`.
    pub(crate) fn start(&mut self, batch: &Batch, write: impl Fn(&EventSchema, &mut Vec<u8>)) {
        self.bytes.clear();
        self.of_schema.clear();
        for schema in batch.schemas() {
            let start = self.bytes.len();
            write(schema, &mut self.bytes);
            self.of_schema.push(start..self.bytes.len());
        }
    }

    /// What was written for the schema of `row`.
    pub(crate) fn of(&self, row: &RowView<'_>) -> &[u8] {
        let range = self.of_schema.get(row.schema_index()).cloned();
        self.bytes
            .get(range.unwrap_or_default())
            .unwrap_or_default()
    }
}
