//! What encoders write of arbitrary events and points, read by a reader that is not ours.
//!
//! A target makes a batch of the fuzzer's bytes, encodes it, reads what came out, and compares
//! that with the batch. `scripts/fuzz` runs them.

mod input;
mod model;
mod read;

#[path = "../../exporters/tests/support/mod.rs"]
mod support;

pub use read::console::console;
pub use read::csv::csv;
pub use read::line_protocol::line_protocol;
pub use read::ndjson::ndjson;
pub use read::otlp::{otlp_json, otlp_protobuf};
pub use read::prometheus::{prometheus_open_metrics, prometheus_protobuf, prometheus_text};
pub use read::record::record;
pub use read::remote_write::remote_write;
