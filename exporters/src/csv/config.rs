//! What is written under `csv:`.

use eunomia_core::build::{BuildContext, BuildExporter, LocalQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CsvEncoder;
use crate::compress::Compression;
use crate::sink::{FileExporter, Fsync, Opening, Options, RotateSettings, Target, check_files};

/// Events as CSV, one file an event kind, for spreadsheets and data frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "csv")]
pub struct CsvConfig {
    /// The files to append to, made with mode 0640 if they are not there. `{event}`
    /// must be in it; `{date}` and attributes such as `{container.name}` may be.
    pub path: String,
    /// When a file is set aside and a new one is begun; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<RotateSettings>,
    /// How files are compressed; each batch is a whole frame. Default `none`.
    #[serde(default)]
    pub compression: Compression,
    /// When the disk is waited for. Default `never`.
    #[serde(default)]
    pub fsync: Fsync,
    /// Files that are open at once, 1 to 65536. Default 256.
    #[serde(default = "max_open_files")]
    pub max_open_files: u32,
    /// Whether text that a spreadsheet would take for a formula has a `'` before
    /// it. Default true.
    #[serde(default = "escape_formulas")]
    pub escape_formulas: bool,
    /// The queue in front of it; `when_full` is `block` by default. On a full
    /// disk `block` waits for room, the others drop and count.
    #[serde(default)]
    pub queue: LocalQueue,
}

fn max_open_files() -> u32 {
    Options::MAX_OPEN_FILES
}

fn escape_formulas() -> bool {
    true
}

impl CsvConfig {
    fn options(&self) -> Options {
        Options {
            rotate: self.rotate,
            compression: self.compression,
            fsync: self.fsync,
            max_open_files: self.max_open_files,
            opening: Opening::Append,
            full_disk: self.queue().when_full.into(),
        }
    }
}

impl Settings for CsvConfig {
    fn check(&self, check: &mut Check<'_>) {
        check_files(&self.path, &self.options(), check);
        if Target::parse(&self.path).is_ok_and(|target| !target.tells_events_apart()) {
            let message = "expected {event} in it: each kind of event has a file of its own";
            check.refuse(&["path"], message);
        }
    }

    fn claims(&self) -> Vec<String> {
        vec![Target::of(&self.path).claim()]
    }
}

impl BuildExporter for CsvConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        let encoder = CsvEncoder::new(&context.host, self.escape_formulas);
        let target = Target::of(&self.path);
        let exporter = FileExporter::new(target, self.options(), encoder, context);
        Ok(Box::new(exporter))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries {
            events: true,
            metrics: false,
        }
    }
}
