//! A table for people: aligned, coloured on a terminal, and safe to look at
//! whatever the watched processes call themselves.

mod client;
mod columns;
mod config;
mod encode;
mod line;
mod points;
mod style;
#[cfg(test)]
mod tests;
mod tree;

pub use config::ConsoleConfig;
pub use encode::ConsoleEncoder;
pub use style::Style;
