//! OTLP, read by `opentelemetry-proto` and, as JSON, by `serde_json`.

mod check;
mod json;
mod protobuf;

pub use json::otlp_json;
pub use protobuf::otlp_protobuf;
