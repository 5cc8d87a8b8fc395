//! What is written under `replay:`.

use std::borrow::Cow;
use std::fmt;
use std::path::{PathBuf, absolute};

use eunomia_core::build::{BuildContext, BuildReceiver};
use eunomia_core::component::Receiver;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::receiver::ReplayReceiver;

/// Batches that the exporter `record` wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "replay")]
pub struct ReplayConfig {
    /// The recording.
    pub path: PathBuf,
    /// How fast: `max`, `realtime`, or so many times as fast as it was recorded,
    /// more than zero. Default `max`.
    #[serde(default)]
    pub speed: Speed,
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Speed {
    /// As fast as it is taken.
    #[default]
    Max,
    /// So many times as fast as it was recorded.
    Times(f64),
}

const MAX: &str = "max";
const REALTIME: &str = "realtime";

impl Settings for ReplayConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.path.as_os_str().is_empty() {
            check.refuse(&["path"], "expected the path of a recording");
        }
        if let Speed::Times(times) = self.speed
            && !(times.is_finite() && times > 0.0)
        {
            check.refuse(&["speed"], "expected max, realtime or a number above 0");
        }
    }

    /// Others may play it too, but nobody writes a recording while it is played.
    fn claims(&self) -> Vec<String> {
        let path = absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        vec![format!("shared file {}", path.display())]
    }
}

impl BuildReceiver for ReplayConfig {
    fn build(self: Box<Self>, _: &BuildContext) -> Result<Box<dyn Receiver>, ConfigErrors> {
        Ok(Box::new(ReplayReceiver::new(self.path, self.speed)))
    }
}

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Max => serializer.serialize_str(MAX),
            Self::Times(times) => serializer.serialize_f64(*times),
        }
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpeedVisitor)
    }
}

struct SpeedVisitor;

impl Visitor<'_> for SpeedVisitor {
    type Value = Speed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("max, realtime or a number above 0")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Speed, E> {
        match text {
            MAX => Ok(Speed::Max),
            REALTIME => Ok(Speed::Times(1.0)),
            // From `${env:X}` a number comes as text.
            other => {
                let times = other.parse().ok().map(Speed::Times);
                times.ok_or_else(|| E::invalid_value(de::Unexpected::Str(other), &self))
            }
        }
    }

    fn visit_f64<E>(self, times: f64) -> Result<Speed, E> {
        Ok(Speed::Times(times))
    }

    fn visit_u64<E: de::Error>(self, times: u64) -> Result<Speed, E> {
        let speed = u32::try_from(times)
            .ok()
            .map(|times| Speed::Times(times.into()));
        speed.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(times), &self))
    }

    fn visit_i64<E: de::Error>(self, times: i64) -> Result<Speed, E> {
        let speed = u32::try_from(times)
            .ok()
            .map(|times| Speed::Times(times.into()));
        speed.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(times), &self))
    }
}

impl JsonSchema for Speed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Speed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": [MAX, REALTIME] },
                { "type": "number", "exclusiveMinimum": 0 }
            ]
        })
    }
}
