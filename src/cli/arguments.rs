//! What can be typed.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use eunomia_core::config::Duration;

use super::options::GivenOption;
use crate::config::{LogFormat, LogLevel};

/// How long the daemon may take to get rid of what it holds when it is told to end.
const DRAIN_TIMEOUT: &str = "10s";

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "eunomia-pipeline",
    version,
    about = "Turns what the kernel sees of processes, files and sockets into telemetry that names the container.",
    after_help = "Results go to stdout, logs and the account to stderr. Exit codes: 0 done, 1 a component failed for \
                  good, 2 usage, 75 drain incomplete, 77 missing privilege or kernel feature, 78 bad configuration.",
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    max_term_width = 120
)]
pub struct Cli {
    /// Which configuration, for the pipeline itself and for the commands that look at one.
    #[command(flatten)]
    pub sources: ConfigSources,
    /// How much the daemon logs; wins over the configuration.
    #[arg(long, global = true, value_name = "LEVEL", value_enum)]
    pub log_level: Option<LogLevel>,
    /// The form of the daemon's log and account; wins over the configuration.
    #[arg(long, global = true, value_name = "FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// How long draining may take when the daemon is told to end.
    #[arg(long, global = true, value_name = "TIME", default_value = DRAIN_TIMEOUT)]
    pub drain_timeout: Duration,
    /// What to do; without a command, run the pipeline of the configuration.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigSources {
    /// A configuration file; of several, maps join and the later one wins.
    #[arg(long = "config", global = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A value over those of the files, such as `receivers.TYPE.KEY=[42]`.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch with these probes, without a configuration.
    Run(Box<RunArgs>),
    /// Check the configuration and show everything that is wrong with it.
    Validate(ReportArgs),
    /// Show the configuration as it is in force, with defaults, without secrets.
    PrintConfig(PrintArgs),
    /// List the receivers, processors and exporters.
    Components(ReportArgs),
    /// Show the JSON Schema of the configuration.
    Schema(ReportArgs),
    /// Say what each probe needs of this kernel, what is missing, and how to get it: those of the configuration, or
    /// without one the built-in ones.
    Doctor(ReportArgs),
    /// Show the version.
    Version(ReportArgs),
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ReportArgs {
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

/// The forms of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The form of a printed configuration.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct PrintArgs {
    /// The form of the configuration.
    #[arg(long, value_enum, default_value_t)]
    pub format: PrintFormat,
}

/// The forms of a printed configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PrintFormat {
    /// As in a file.
    #[default]
    Yaml,
    /// For programs.
    Json,
}

/// What to watch.
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// Probes to run.
    #[arg(value_name = "PROBE", required = true)]
    pub probes: Vec<String>,
    /// Which processes to watch.
    #[command(flatten)]
    pub filters: FilterArgs,
    /// End after this time.
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Duration>,
    /// The form of the events.
    #[arg(long, value_enum, default_value_t)]
    pub format: EventFormat,
    /// Leave out the names of the columns.
    #[arg(long)]
    pub no_headers: bool,
    /// Write the events to this file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A command to start and watch with all that descends from it; watching ends when it does.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
    /// The options of the probes, each with its values.
    #[arg(skip)]
    pub options: Vec<GivenOption>,
}

/// The forms of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EventFormat {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON object a line.
    Ndjson,
}

/// Which processes to watch; values of one filter are alternatives, filters must all match.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Processes with this id.
    #[arg(long, value_delimiter = ',')]
    pub pid: Vec<String>,
    /// The process with this id and its descendants.
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub pid_tree: Vec<String>,
    /// Processes in this cgroup and below it.
    #[arg(long, value_name = "PATH")]
    pub cgroup: Vec<String>,
    /// Processes of the container with this id, or a prefix of it of 12 characters and more.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub container: Vec<String>,
    /// Processes with this effective user id.
    #[arg(long, value_delimiter = ',')]
    pub uid: Vec<String>,
    /// Processes with this command name.
    #[arg(long, value_name = "NAME")]
    pub comm: Vec<String>,
    /// Processes in this pid namespace.
    #[arg(long, value_name = "INODE", value_delimiter = ',')]
    pub pid_namespace: Vec<String>,
    /// Only processes in containers.
    #[arg(long)]
    pub containers_only: bool,
}
