//! The parts of the program `eunomia-pipeline`, for its tests and benches.

pub mod cli;
pub mod config;
