//! Batches to the bytes of OTLP requests.

mod format;
mod json;
mod json_tables;
mod logs;
mod metrics;
mod resource;
mod value;

pub use format::Format;
pub use logs::{LogsEncoder, Pushed, Request};
pub use metrics::encode_points;
