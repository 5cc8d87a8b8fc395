//! Writing a recording.

use std::sync::Arc;

use super::actors::number;
use super::frame::{FrameKind, MAGIC, RecordingError, write_frame};
use super::{events, metrics};
use crate::component::Host;
use crate::schema::EventSchema;
use crate::signal::Signal;

/// Turns batches into the frames of one recording.
#[derive(Debug, Default)]
pub struct Recorder {
    schemas: Vec<Arc<EventSchema>>,
}

impl Recorder {
    /// Appends the beginning of a recording made on `host`.
    ///
    /// # Errors
    /// That the host cannot be encoded.
    pub fn begin(host: &Host, out: &mut Vec<u8>) -> Result<Self, RecordingError> {
        out.extend_from_slice(MAGIC);
        write_frame(FrameKind::Host, host, &[], out)?;
        Ok(Self::default())
    }

    /// Appends `signal`, and before it the schemas that are new.
    ///
    /// # Errors
    /// That it is too large.
    pub fn write(&mut self, signal: &Signal, out: &mut Vec<u8>) -> Result<(), RecordingError> {
        match signal {
            Signal::Metrics(batch) => metrics::write(batch, out),
            Signal::Events(batch) => {
                let mut numbers = Vec::new();
                for schema in batch.schemas() {
                    numbers.push(self.schema(schema, out)?);
                }
                events::write(batch, numbers, out)
            }
        }
    }

    /// Writes all schemas anew when they are needed: what was written last was
    /// lost.
    pub fn forget_schemas(&mut self) {
        self.schemas.clear();
    }

    fn schema(
        &mut self,
        schema: &Arc<EventSchema>,
        out: &mut Vec<u8>,
    ) -> Result<u32, RecordingError> {
        let is_it = |known: &Arc<EventSchema>| Arc::ptr_eq(known, schema);
        if let Some(position) = self.schemas.iter().position(is_it) {
            return Ok(number(position));
        }
        let new = number(self.schemas.len());
        write_frame(FrameKind::Schema, &(new, schema), &[], out)?;
        self.schemas.push(Arc::clone(schema));
        Ok(new)
    }
}
