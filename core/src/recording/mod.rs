//! Recordings: batches as bytes that come back as the same batches.
//!
//! A recording is a magic text and frames, each with its kind, length and
//! CRC-32. The first frame tells the machine, a frame each the schemas; the
//! others are batches, complete in themselves: processes, cgroups and containers
//! that a batch refers to stand in its own frame. So whatever is cut off or
//! broken, everything before it can be read. Here is no I/O: the exporter
//! `record` and the receiver `replay` do it.

mod actors;
mod events;
mod frame;
mod metrics;
mod play;
mod record;
#[cfg(test)]
mod tests;

pub use frame::{FrameHead, FrameKind, MAGIC, RecordingError};
pub use play::Player;
pub use record::Recorder;
