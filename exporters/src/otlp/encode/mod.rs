//! Batches to the bytes of OTLP requests.

mod logs;
mod metrics;
mod protobuf;
mod resource;
mod value;

pub use logs::{LogsEncoder, Pushed, Request};
pub(super) use metrics::encode_points;
pub(super) use protobuf::Reader;
