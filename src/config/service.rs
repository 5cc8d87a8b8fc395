//! The section `service`: which components run together, and what the daemon says about itself.

use std::collections::BTreeMap;

use eunomia_core::config::{Check, Duration, Secret, Spanned};
use eunomia_exporters::{PeerSettings, TlsSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What runs, and what the daemon tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// The daemon's own logs, metrics and traces.
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

/// The daemon's own logs, metrics and traces.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The least level of the daemon's own log; default info. `--log-level` on the command line wins.
    pub log_level: LogLevel,
    /// The form of the daemon's own log; default text. `--log-format` on the command line wins.
    pub log_format: LogFormat,
    /// Whether the daemon's own metrics stand on every Prometheus page; default true.
    pub metrics: bool,
    /// Where own metrics, and traces if they are wanted, go over OTLP; absent, nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<OwnOtlp>,
    /// Whether spans of the daemon's start, its reloads and its end go to `otlp` too; default false.
    pub traces: bool,
}

/// Where the daemon's own metrics and traces go over OTLP, as protocol buffers over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnOtlp {
    /// Where the receiver listens: `http://HOST:PORT`, `https://HOST:PORT` or `unix:///PATH`; requests go to
    /// `/v1/metrics` and `/v1/traces` below it. Default `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Sent with every request.
    pub headers: BTreeMap<String, Secret>,
    /// How an `https` endpoint is trusted, and who we are to it.
    pub tls: TlsSettings,
    /// How often metrics are sent; default 60s, from 1s.
    pub interval: Duration,
}

impl OwnOtlp {
    /// How the receiver is reached.
    pub fn peer(&self) -> PeerSettings<'_> {
        PeerSettings {
            endpoint: &self.endpoint,
            headers: &self.headers,
            tls: &self.tls,
        }
    }
}

impl Default for OwnOtlp {
    fn default() -> Self {
        Self {
            endpoint: "http://127.0.0.1:4318".to_owned(),
            headers: BTreeMap::new(),
            tls: TlsSettings::default(),
            interval: Duration::seconds(60),
        }
    }
}

impl Service {
    /// Refuses what is of the right type and wrong all the same.
    pub(super) fn check(&self, check: &mut Check<'_>) {
        let Some(otlp) = &self.telemetry.otlp else {
            if self.telemetry.traces {
                check.refuse(
                    &["telemetry", "traces"],
                    "expected `otlp` beside it: traces go nowhere else",
                );
            }
            return;
        };
        otlp.peer().check(&["telemetry", "otlp"], check);
        if otlp.interval.0.as_millis() < 1000 {
            check.refuse(&["telemetry", "otlp", "interval"], "expected at least 1s");
        }
    }
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
            otlp: None,
            traces: false,
        }
    }
}
