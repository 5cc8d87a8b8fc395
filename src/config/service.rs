//! The section `service`: which components run together, and what the daemon says about itself.

use std::collections::BTreeMap;

use eunomia_core::config::Spanned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What runs, and what the daemon tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// The daemon's own logs and metrics.
    pub telemetry: Telemetry,
    /// The pipelines by their names.
    pub pipelines: BTreeMap<String, Spanned<PipelineBody>>,
}

/// The components of one pipeline, each as `type` or `type/name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineBody {
    /// Where its events come from; at least one.
    #[schemars(length(min = 1))]
    pub receivers: Spanned<Vec<Spanned<String>>>,
    /// What is done with them, in this order; may be absent.
    pub processors: Spanned<Vec<Spanned<String>>>,
    /// Where they go; at least one.
    #[schemars(length(min = 1))]
    pub exporters: Spanned<Vec<Spanned<String>>>,
}

/// The daemon's own logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The least level of the daemon's own log; default info. `--log-level` on the command line wins.
    pub log_level: LogLevel,
    /// The form of the daemon's own log; default text. `--log-format` on the command line wins.
    pub log_format: LogFormat,
    /// Whether the daemon's own metrics stand on every Prometheus page; default true.
    pub metrics: bool,
}

/// How much the daemon logs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// And what needs attention.
    Warn,
    /// And what an operator wants to know.
    #[default]
    Info,
    /// And what helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}

/// The form of the daemon's log.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log_level: LogLevel::default(),
            log_format: LogFormat::default(),
            metrics: true,
        }
    }
}
