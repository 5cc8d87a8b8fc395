//! What is written under `console:`.

use eunomia_core::build::{BuildContext, BuildExporter, QueueLimits, QueueSettings};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use eunomia_core::queue::WhenFull;
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::ConsoleExporter;
use crate::sink::{Options, Target};

/// Events as a table for people, coloured on a terminal (unless `NO_COLOR` is
/// set), plain in a pipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "console")]
pub struct ConsoleConfig {
    /// The file to append to, made with mode 0640 if it is not there; `-` is
    /// standard output. Default `-`.
    pub path: String,
    /// The queue in front of it; `when_full` is `block` by default.
    pub queue: QueueSettings,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            path: "-".into(),
            queue: QueueSettings::default(),
        }
    }
}

impl Settings for ConsoleConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.path.is_empty() {
            check.refuse(
                &["path"],
                "expected the path of a file, or - for standard output",
            );
        }
    }

    fn claims(&self) -> Vec<String> {
        vec![Target::new(&self.path).claim()]
    }
}

impl BuildExporter for ConsoleConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        let options = Options::plain(self.queue().when_full);
        let target = Target::new(&self.path);
        Ok(Box::new(ConsoleExporter::new(
            target,
            options,
            &context.host,
        )))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits(WhenFull::Block)
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
