//! NDJSON: one object a line, for machines and for `jq`.

mod config;
mod encode;
mod otlp;
#[cfg(test)]
mod tests;

pub use config::{JsonConfig, JsonFormat};
pub use encode::JsonEncoder;
pub(crate) use encode::{write_attribute, write_items, write_raw_items};
