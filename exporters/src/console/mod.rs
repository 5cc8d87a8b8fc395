//! A table for people: aligned, coloured on a terminal, and safe to look at
//! whatever the watched processes call themselves.

mod client;
mod config;
mod encode;
mod escape;
mod kind;
mod line;
mod style;
#[cfg(test)]
mod tests;
mod value;

pub use config::ConsoleConfig;
