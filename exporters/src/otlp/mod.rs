//! OTLP over gRPC and HTTP: events as log records, points as metrics.
//!
//! The data path has an encoder of its own: the bytes of a request are written
//! once, straight from the batch. What comes back is read by the same few
//! functions.

mod answer;
mod batcher;
mod client;
mod codec;
mod config;
mod encode;
mod grpc;
mod http;
mod link;
mod service;
#[cfg(test)]
mod tests;

pub use config::{OtlpConfig, Protocol};
pub use encode::{Format, LogsEncoder, Pushed, Request, encode_points};
