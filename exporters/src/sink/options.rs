//! How files are written.

use eunomia_core::config::Check;
use eunomia_core::queue::WhenFull;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RotateSettings, Target};
use crate::compress::Compression;

/// When what was written is made to survive a power failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    /// When the kernel sees fit, usually within half a minute.
    #[default]
    Never,
    /// Every second, and at the end.
    Interval,
    /// Before a batch counts as delivered.
    Batch,
}

/// How the files of a sink are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// When a file is set aside; never if `None`.
    pub(crate) rotate: Option<RotateSettings>,
    pub(crate) compression: Compression,
    pub(crate) fsync: Fsync,
    /// Files that are open at most.
    pub(crate) max_open_files: u32,
    pub(crate) opening: Opening,
    pub(crate) full_disk: FullDisk,
}

/// What becomes of a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It is continued, and made anew when somebody moves it away.
    Append,
    /// It is replaced, and written to until the end wherever it is moved.
    Replace,
}

/// What happens on a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FullDisk {
    /// What comes waits until there is room.
    Wait,
    /// What does not fit is dropped and counted.
    Drop,
}

impl From<WhenFull> for FullDisk {
    fn from(when_full: WhenFull) -> Self {
        match when_full {
            WhenFull::Block => Self::Wait,
            WhenFull::DropOldest | WhenFull::DropNewest => Self::Drop,
        }
    }
}

impl Options {
    /// Files that are open at once if nothing is said.
    pub(crate) const MAX_OPEN_FILES: u32 = 256;

    /// A file that is appended to as it is.
    pub(crate) fn plain(when_full: WhenFull) -> Self {
        Self {
            rotate: None,
            compression: Compression::None,
            fsync: Fsync::Never,
            max_open_files: 1,
            opening: Opening::Append,
            full_disk: when_full.into(),
        }
    }
}

/// Refuses what is wrong with the keys that every exporter to files has.
pub(crate) fn check_files(path: &str, options: &Options, check: &mut Check<'_>) {
    let target = Target::parse(path);
    if let Err(message) = &target {
        check.refuse(&["path"], message.clone());
    }
    if let Some(rotate) = &options.rotate {
        rotate.check(check);
        if target == Ok(Target::Stdout) {
            check.refuse(&["rotate"], "standard output cannot be rotated");
        }
    }
    if !(1..=65_536).contains(&options.max_open_files) {
        check.refuse(&["max_open_files"], "expected 1 to 65536");
    }
}
