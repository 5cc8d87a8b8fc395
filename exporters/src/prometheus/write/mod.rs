//! Remote write: the page, sent to whoever keeps it.
//!
//! Every interval the series as they stand are written into requests, which are
//! sent one after another. While one cannot be sent no other is made: memory is
//! bounded by the page, and a gap is what a scraper would have seen too.

mod client;
mod config;
mod encode;
mod stats;
mod symbols;
#[cfg(test)]
mod tests;

pub(super) use client::RemoteWriter;
pub use config::{ProtobufMessage, RemoteWriteSettings};
pub use encode::{Request, encode_remote_write};
