//! What is written under `json:`.

use eunomia_core::build::{BuildContext, BuildExporter, LocalQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JsonEncoder;
use super::otlp::OtlpLines;
use crate::compress::Compression;
use crate::sink::{FileExporter, Fsync, Opening, Options, RotateSettings, Target, check_files};

/// Events and metric points as JSON, one object a line, to files or standard
/// output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "json")]
pub struct JsonConfig {
    /// The file to append to, made with mode 0640 if it is not there; `-` is
    /// standard output. `{event}`, `{signal}`, `{date}` and attributes such as
    /// `{container.name}` make it many files. Default `-`.
    pub path: String,
    /// What an object is: `ndjson` is one event or point, flat; `otlp` is a batch
    /// as OTLP's file exporters write it, and wants `{signal}` in the path.
    /// Default `ndjson`.
    pub format: JsonFormat,
    /// When a file is set aside and a new one is begun; never if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate: Option<RotateSettings>,
    /// How files are compressed; each batch is a whole frame. Default `none`.
    pub compression: Compression,
    /// When the disk is waited for. Default `never`.
    pub fsync: Fsync,
    /// Files that are open at once, 1 to 65536. Default 256.
    pub max_open_files: u32,
    /// The queue in front of it; `when_full` is `block` by default. On a full
    /// disk `block` waits for room, the others drop and count.
    pub queue: LocalQueue,
}

/// What an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JsonFormat {
    /// One event or metric point, its attributes flat under their names.
    #[default]
    Ndjson,
    /// `LogsData` or `MetricsData` of OTLP.
    Otlp,
}

impl Default for JsonConfig {
    fn default() -> Self {
        Self {
            path: "-".into(),
            format: JsonFormat::Ndjson,
            rotate: None,
            compression: Compression::None,
            fsync: Fsync::Never,
            max_open_files: Options::MAX_OPEN_FILES,
            queue: LocalQueue::default(),
        }
    }
}

impl JsonConfig {
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

impl Settings for JsonConfig {
    fn check(&self, check: &mut Check<'_>) {
        check_files(&self.path, &self.options(), check);
        let is_wrong = |target: Target| !target.tells_signals_apart();
        if self.format == JsonFormat::Otlp && Target::parse(&self.path).is_ok_and(is_wrong) {
            let message = "OTLP has one signal a file and writes whole batches: expected {signal} \
                in it, and besides no more than {date} and {host.name}";
            check.refuse(&["path"], message);
        }
    }

    fn claims(&self) -> Vec<String> {
        vec![Target::of(&self.path).claim()]
    }
}

impl BuildExporter for JsonConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        let (target, options) = (Target::of(&self.path), self.options());
        Ok(match self.format {
            JsonFormat::Ndjson => {
                let encoder = JsonEncoder::new(&context.host);
                Box::new(FileExporter::new(target, options, encoder, context))
            }
            JsonFormat::Otlp => {
                let encoder = OtlpLines::new(&context.host);
                Box::new(FileExporter::new(target, options, encoder, context))
            }
        })
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
