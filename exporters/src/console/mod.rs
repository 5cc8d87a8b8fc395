//! A table for people: aligned, coloured on a terminal, and safe to look at
//! whatever the watched processes call themselves.

mod client;
mod config;
mod encode;
mod line;
mod style;
#[cfg(test)]
mod tests;

pub use config::ConsoleConfig;
