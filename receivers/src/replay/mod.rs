//! Recorded batches, as the exporter `record` wrote them: what is behind the
//! receivers meets the same bytes again, without root and without a kernel.

mod config;
mod file;
mod pace;
mod receiver;
#[cfg(test)]
mod tests;

pub use config::{ReplayConfig, Speed};
pub use file::{PlayError, recorded_host};
