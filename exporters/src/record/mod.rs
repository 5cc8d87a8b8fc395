//! Recordings: everything that came this way, for the receiver `replay`.

mod client;
mod config;
mod encode;
#[cfg(test)]
mod tests;

pub use config::RecordConfig;
