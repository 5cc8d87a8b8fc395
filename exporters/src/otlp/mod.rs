//! OTLP over gRPC: events as log records, points as metrics.
//!
//! The data path has an encoder of its own: the bytes of a request are written
//! once, straight from the batch. What comes back is read by the same few
//! functions.

mod batcher;
mod client;
mod codec;
mod config;
mod encode;
mod retry;
mod status;
#[cfg(test)]
mod tests;

pub use config::{Compression, OtlpConfig, Protocol, RetrySettings};
pub use encode::{LogsEncoder, Pushed, Request};
