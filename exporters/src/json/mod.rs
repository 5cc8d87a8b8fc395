//! NDJSON: one object a line, for machines and for `jq`.

mod client;
mod config;
mod encode;
#[cfg(test)]
mod tests;

pub use config::JsonConfig;
pub use encode::JsonEncoder;
