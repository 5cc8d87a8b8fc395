//! What is written under `record:`.

use eunomia_core::build::{BuildContext, BuildExporter, LocalQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::RecordExporter;
use crate::sink::{Opening, Options, Target};

/// Batches as they are, for the receiver `replay`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "record")]
pub struct RecordConfig {
    /// The file, made with mode 0640; one that is there is replaced.
    pub path: String,
    /// The queue in front of it; `when_full` is `block` by default.
    #[serde(default)]
    pub queue: LocalQueue,
}

impl Settings for RecordConfig {
    fn check(&self, check: &mut Check<'_>) {
        // A table or a log between its frames would break it.
        if self.path.is_empty() || self.path == "-" {
            check.refuse(&["path"], "expected the path of a file");
        }
    }

    fn claims(&self) -> Vec<String> {
        vec![Target::new(&self.path).claim()]
    }
}

impl BuildExporter for RecordConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        let target = Target::new(&self.path);
        let options = Options {
            opening: Opening::Replace,
            ..Options::plain(self.queue().when_full)
        };
        Ok(Box::new(RecordExporter::new(
            target,
            options,
            &context.host,
        )))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
