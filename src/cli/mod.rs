//! The command line: what can be typed, and what was.
//!
//! Whatever is wrong with it ends with exit code 2. The options of probes stand in their C files, so `run` gets them
//! from a catalogue of what is embedded and not from here.

mod arguments;
mod options;
mod parse;
mod run;

#[cfg(test)]
mod tests;

pub use self::arguments::{
    Cli, Command, ConfigSources, EventFormat, FilterArgs, PrintArgs, PrintFormat, ReportArgs,
    ReportFormat, RunArgs,
};
pub use self::options::{GivenOption, OptionInfo, ProbeInfo};
pub use self::parse::{parse, usage_error};
