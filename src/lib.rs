//! The parts of the program `eunomia-pipeline`, for its tests and benches.

pub mod cli;
pub mod commands;
pub mod components;
pub mod conditions;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod exit;
pub mod graph;
pub mod host;
pub mod logging;
pub mod own_metrics;
pub mod reload;
pub mod run;
pub mod telemetry;
pub mod watch;
