//! Batches to the bytes of OTLP requests.

mod logs;
mod metrics;
mod resource;
mod value;

pub use logs::{LogsEncoder, Pushed, Request};
pub(super) use metrics::encode_points;
