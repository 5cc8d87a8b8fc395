//! Batches to frames; a batch is complete when its frame is.

use eunomia_core::recording::{Recorder, RecordingError};
use eunomia_core::signal::Signal;

use crate::sink::Lines;

/// Appends `signal`.
pub(super) fn encode(
    recorder: &mut Recorder,
    signal: &Signal,
    out: &mut Lines,
) -> Result<(), RecordingError> {
    recorder.write(signal, &mut out.bytes)?;
    (0..signal.len()).for_each(|_| out.end_item());
    Ok(())
}
