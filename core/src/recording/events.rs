//! Batches of events as frames.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RecordingError;
use super::actors::Actors;
use super::frame::{FrameKind, read_content, write_frame};
use crate::batch::{Batch, RowParts};
use crate::schema::EventSchema;
use crate::time::{ClockOffset, WallNanos};

/// What stands before the records.
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    clock: ClockOffset,
    observed: WallNanos,
    /// The numbers of the batch's schemas in the recording.
    schemas: Vec<u32>,
    rows: RowParts,
    actors: Actors,
}

pub(super) fn write(
    batch: &Batch,
    schemas: Vec<u32>,
    out: &mut Vec<u8>,
) -> Result<(), RecordingError> {
    let mut records = Vec::new();
    let meta = Meta {
        clock: batch.clock,
        observed: batch.observed,
        schemas,
        rows: batch.to_parts(&mut records),
        actors: Actors::of(&batch.subjects),
    };
    write_frame(FrameKind::Events, &meta, &records, out)
}

/// The batch in `content`; `schema` finds the schema with a number.
pub(super) fn read(
    content: &[u8],
    schema: impl Fn(u32) -> Option<Arc<EventSchema>>,
) -> Result<Batch, RecordingError> {
    let (meta, records): (Meta, _) = read_content(content)?;
    let schemas: Option<Vec<_>> = meta.schemas.into_iter().map(schema).collect();
    let schemas = schemas.ok_or(RecordingError::Missing)?;
    let mut batch = Batch::from_parts(meta.rows, records.into(), schemas)?;
    batch.clock = meta.clock;
    batch.observed = meta.observed;
    batch.subjects = meta.actors.subjects()?;
    Ok(batch)
}
