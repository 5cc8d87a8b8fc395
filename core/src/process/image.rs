//! Building images: their attributes and ids, and the memory they take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fmt, iter};

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::subject::{Attributes, Process, ProcessId};
use crate::value::OwnedValue;

/// The attribute with the path of the program that a process runs.
pub const EXECUTABLE_PATH: &str = "process.executable.path";
/// The attribute with the last part of that path.
pub const EXECUTABLE_NAME: &str = "process.executable.name";
/// The attribute with a process image's [`ExecId`].
pub const EXEC_ID: &str = "eunomia.process.exec_id";
/// The attribute with the [`ExecId`] of the image that forked the process.
pub const PARENT_EXEC_ID: &str = "eunomia.process.parent_exec_id";

/// What tells a process image from every other, on this machine and over all
/// boots: 64-bit FNV-1a of the boot id's text, then start time (8 bytes), pid
/// and exec count (4 bytes each), little-endian. Shown as 16 hex digits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ExecId(pub u64);

impl ExecId {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    /// The id of the image `id` in the boot called `boot_id`.
    #[must_use]
    pub fn new(boot_id: &str, id: ProcessId) -> Self {
        Self::of_boot(boot_id).with(id)
    }

    /// The part of the hash that all images of a boot share.
    fn of_boot(boot_id: &str) -> Self {
        Self(Self::OFFSET).mix(boot_id.as_bytes())
    }

    fn with(self, id: ProcessId) -> Self {
        self.mix(&id.start_time.0.to_le_bytes())
            .mix(&id.pid.0.to_le_bytes())
            .mix(&id.exec_count.to_le_bytes())
    }

    fn mix(self, bytes: &[u8]) -> Self {
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        Self(bytes.iter().fold(self.0, step))
    }
}

impl fmt::Display for ExecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The program that an image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Executable {
    pub(super) path: Box<[u8]>,
    /// Whether the front of the path is missing.
    pub(super) truncated: bool,
}

/// What is known of an image.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) parent: Option<Arc<Process>>,
    pub(super) executable: Option<Arc<Executable>>,
    /// Forked and never executed a program since: runs what its parent ran.
    pub(super) inherits: bool,
}

/// Bytes that an image takes, given back when the last who holds it lets go.
#[derive(Debug)]
pub(crate) struct Charge {
    meter: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.meter.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Makes images for one boot.
#[derive(Debug)]
pub(super) struct Builder {
    boot: ExecId,
    meter: Arc<AtomicUsize>,
    path: Key,
    path_truncated: Key,
    name: Key,
    exec_id: Key,
    parent_exec_id: Key,
}

/// What an image takes beside its attributes: itself, its two counters, and its
/// part of the table's maps, which are half full at worst.
const FIXED_BYTES: usize = size_of::<Process>() + 16 + 2 * 160;

impl Builder {
    pub(super) fn new(boot_id: &str) -> Self {
        Self {
            boot: ExecId::of_boot(boot_id),
            meter: Arc::default(),
            path: Key::new(EXECUTABLE_PATH),
            path_truncated: Key::new(&format!("{EXECUTABLE_PATH}_truncated")),
            name: Key::new(EXECUTABLE_NAME),
            exec_id: Key::new(EXEC_ID),
            parent_exec_id: Key::new(PARENT_EXEC_ID),
        }
    }

    /// Bytes of all images that are alive.
    pub(super) fn bytes(&self) -> usize {
        self.meter.load(Ordering::Relaxed)
    }

    pub(super) fn image(&self, id: ProcessId, facts: &Facts) -> Arc<Process> {
        let exec_id = self.boot.with(id);
        let mut attributes = Attributes::default();
        if let Some(executable) = &facts.executable {
            attributes.push(&self.path, OwnedValue::text(&executable.path));
            if executable.truncated {
                attributes.push(&self.path_truncated, OwnedValue::Bool(true));
            }
            attributes.push(&self.name, OwnedValue::text(last_part(&executable.path)));
        }
        attributes.push(&self.exec_id, hex(exec_id));
        if let Some(parent) = &facts.parent {
            attributes.push(&self.parent_exec_id, hex(parent.exec_id));
        }
        attributes.shrink();
        self.charged(Process::new(id, exec_id, facts.parent.clone(), attributes))
    }

    /// `image` with no more than `count` ancestors.
    pub(super) fn shortened(&self, image: &Arc<Process>, count: u16) -> Arc<Process> {
        let newest = iter::once(image).chain(image.ancestors());
        let kept: Vec<_> = newest.take(usize::from(count) + 1).collect();
        let mut parent = None;
        for original in kept.into_iter().rev() {
            let attributes = original.attributes.clone();
            let copy = Process::new(original.id, original.exec_id, parent, attributes);
            parent = Some(self.charged(copy));
        }
        parent.unwrap_or_else(|| Arc::clone(image))
    }

    fn charged(&self, mut process: Process) -> Arc<Process> {
        let bytes = FIXED_BYTES + process.attributes.heap_bytes();
        self.meter.fetch_add(bytes, Ordering::Relaxed);
        process.charge = Some(Charge {
            meter: Arc::clone(&self.meter),
            bytes,
        });
        Arc::new(process)
    }
}

fn hex(id: ExecId) -> OwnedValue {
    OwnedValue::Str(id.to_string().into())
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}
