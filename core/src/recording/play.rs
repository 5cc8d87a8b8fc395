//! Reading a recording.

use std::collections::HashMap;
use std::sync::Arc;

use super::frame::{FrameHead, FrameKind, RecordingError, read_content};
use super::{events, metrics};
use crate::component::Host;
use crate::schema::EventSchema;
use crate::signal::Signal;

/// Turns the frames of one recording into batches.
#[derive(Debug, Default)]
pub struct Player {
    host: Option<Host>,
    schemas: HashMap<u32, Arc<EventSchema>>,
}

impl Player {
    /// Takes the frame that begins with `head`; gives the batch that is in it,
    /// if it holds one.
    ///
    /// # Errors
    /// That it is damaged or refers to what is not there.
    pub fn frame(
        &mut self,
        head: &FrameHead,
        content: &[u8],
    ) -> Result<Option<Signal>, RecordingError> {
        head.check(content)?;
        match head.kind {
            FrameKind::Host => {
                let (host, _) = read_content(content)?;
                self.host = Some(host);
                Ok(None)
            }
            FrameKind::Schema => {
                let ((number, schema), _): ((u32, EventSchema), _) = read_content(content)?;
                self.schemas.insert(number, Arc::new(schema));
                Ok(None)
            }
            FrameKind::Events => {
                let schema = |number: u32| self.schemas.get(&number).cloned();
                Ok(Some(Signal::Events(events::read(content, schema)?)))
            }
            FrameKind::Metrics => Ok(Some(Signal::Metrics(metrics::read(content)?))),
        }
    }

    /// The machine that the recording was made on, once its frame was read.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }
}
