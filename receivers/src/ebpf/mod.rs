//! The receiver `ebpf`: loads probes, attaches them, drains their rings.
//!
//! ```text
//! settings -> probe (objects read, values encoded) -> plan (numbers dealt out)
//!          -> load (maps shared) -> attach -> bootstrap (processes that run already)
//!          -> drain (a thread of its own) -> pipelines
//! ```

mod actors;
mod attach;
mod backlog;
mod catalogue;
mod cgroups;
mod clock;
mod doctor;
mod drain;
mod error;
mod filter;
mod load;
mod losses;
mod metrics;
mod missed;
mod pins;
mod plan;
mod probe;
mod receiver;
mod settings;
mod shown;
mod start;
mod sys;
mod tally;
#[cfg(test)]
mod tests;
mod tracefs;
mod trouble;

pub use attach::kernel_release;
pub use catalogue::{OptionSummary, ProbeSummary, built_in};
pub use doctor::every_built_in_probe;
pub use settings::{EbpfSettings, FilterSettings};
