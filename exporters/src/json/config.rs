//! What is written under `json:`.

use eunomia_core::build::{BuildContext, BuildExporter, QueueLimits, QueueSettings};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use eunomia_core::queue::WhenFull;
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::JsonEncoder;
use crate::compress::Compression;
use crate::sink::{FileExporter, Fsync, Opening, Options, RotateSettings, Target, check_files};

/// Events as NDJSON, one object a line, to files or standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "json")]
pub struct JsonConfig {
    /// The file to append to, made with mode 0640 if it is not there; `-` is
    /// standard output. `{event}`, `{signal}`, `{date}` and attributes such as
    /// `{container.name}` make it many files. Default `-`.
    pub path: String,
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
    pub queue: QueueSettings,
}

impl Default for JsonConfig {
    fn default() -> Self {
        Self {
            path: "-".into(),
            rotate: None,
            compression: Compression::None,
            fsync: Fsync::Never,
            max_open_files: Options::MAX_OPEN_FILES,
            queue: QueueSettings::default(),
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
    }

    fn claims(&self) -> Vec<String> {
        vec![Target::of(&self.path).claim()]
    }
}

impl BuildExporter for JsonConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        let encoder = JsonEncoder::new(&context.host);
        let target = Target::of(&self.path);
        let exporter = FileExporter::new(target, self.options(), encoder, context);
        Ok(Box::new(exporter))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits(WhenFull::Block)
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
