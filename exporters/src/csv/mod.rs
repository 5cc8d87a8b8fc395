//! CSV by RFC 4180: one file an event kind, for spreadsheets and data frames.

mod cell;
mod config;
mod encode;
mod kind;
#[cfg(test)]
mod tests;

pub use config::CsvConfig;
pub use encode::CsvEncoder;
