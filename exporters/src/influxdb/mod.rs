//! InfluxDB: events and metric points as line protocol.
//!
//! The encoder is our own: hostile text forges no point, a field has one type
//! for ever, and no event takes the place of another one.

mod admin;
mod answer;
mod api;
mod client;
mod collect;
mod config;
mod encode;
#[cfg(test)]
mod tests;

pub use config::{Api, InfluxdbConfig, Precision, Schema};
pub use encode::{
    LineEncoder, LineSettings, Pushed as LinePushed, Request as LineRequest, Unsigned,
};
