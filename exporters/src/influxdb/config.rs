//! What is written under `influxdb:`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Nanoseconds.
    #[default]
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

/// How events and points are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schema {
    /// A measurement for each kind of event and each metric; attributes are
    /// fields.
    #[default]
    Eunomia,
    /// Points as Telegraf writes Prometheus metrics, version 1: a measurement
    /// for each metric, all attributes tags. Events as in `eunomia`.
    TelegrafPrometheusV1,
    /// Points as Telegraf writes Prometheus metrics, version 2: one measurement
    /// `prometheus`, a field for each metric. Events as in `eunomia`.
    TelegrafPrometheusV2,
    /// Events as OpenTelemetry log records in the measurement `logs`. Points as
    /// in `telegraf-prometheus-v1`.
    OtelLogs,
}

impl Precision {
    /// Nanoseconds in a unit.
    pub(super) fn nanos(self) -> u64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
        }
    }
}
