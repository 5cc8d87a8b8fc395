//! A batch taken apart, to be written down and put together again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::overlay::{Made, Overlay};
use super::rows::{Batch, Row, RowView, to_u32};
use crate::schema::EventSchema;

/// The rows of a batch with what processors laid over them, without schemas
/// and subjects. What no row refers to is not in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RowParts {
    rows: Vec<Row>,
    overlays: Vec<Overlay>,
}

/// Rows refer to what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row refers to bytes, values or a schema that are not there")]
pub struct BrokenBatch;

impl Batch {
    /// Takes the rows apart; the bytes that they refer to are appended to
    /// `arena`, which must be empty.
    #[must_use]
    pub fn to_parts(&self, arena: &mut Vec<u8>) -> RowParts {
        let mut parts = RowParts::default();
        for view in self.iter() {
            let offset = keep(view.record(), arena);
            let overlay_start = to_u32(parts.overlays.len());
            let overlays = view.overlay().map(|overlay| self.kept(overlay, arena));
            parts.overlays.extend(overlays);
            parts.rows.push(Row {
                offset,
                overlay_start,
                ..*view.row
            });
        }
        parts
    }

    /// Puts a batch together; subjects and clock are set by the caller.
    ///
    /// # Errors
    /// That a row refers to something that is not there.
    pub fn from_parts(
        parts: RowParts,
        arena: Vec<u8>,
        schemas: Vec<Arc<EventSchema>>,
    ) -> Result<Self, BrokenBatch> {
        let RowParts { rows, overlays } = parts;
        let fits = |start: u32, count: u32, length: usize| {
            u64::from(start) + u64::from(count) <= length as u64
        };
        let is_whole = |row: &Row| {
            usize::from(row.schema) < schemas.len()
                && fits(row.offset, row.length, arena.len())
                && fits(row.overlay_start, row.overlay_count.into(), overlays.len())
        };
        if !rows.iter().all(is_whole) {
            return Err(BrokenBatch);
        }
        Ok(Self {
            rows,
            arena,
            overlays,
            schemas,
            ..Self::default()
        })
    }

    fn kept(&self, overlay: &Overlay, arena: &mut Vec<u8>) -> Overlay {
        let mut kept = overlay.clone();
        if let Made::Text { start, length } = overlay.made {
            let from = start as usize;
            let text = self.arena.get(from..from + length as usize);
            let start = keep(text.unwrap_or_default(), arena);
            kept.made = Made::Text { start, length };
        }
        kept
    }
}

impl RowView<'_> {
    /// The position of the row's schema in [`Batch::schemas`].
    #[must_use]
    pub fn schema_index(&self) -> usize {
        usize::from(self.row.schema)
    }
}

fn keep(bytes: &[u8], arena: &mut Vec<u8>) -> u32 {
    let start = to_u32(arena.len());
    arena.extend_from_slice(bytes);
    start
}
