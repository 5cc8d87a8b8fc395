//! Reading life-cycle records by the roles that a probe gave their fields.

use super::image::Executable;
use crate::batch::record::whole_text;
use crate::schema::{EventSchema, Field, HeaderFields, Lifecycle, Render, Shape};
use crate::subject::{CgroupKey, Pid, ProcessId};
use crate::time::BootNanos;
use crate::value::{Value, read_unsigned};

/// Roles of events.
mod event_role {
    pub(super) const EXEC: &str = "exec";
    pub(super) const FORK: &str = "fork";
    pub(super) const EXIT: &str = "exit";
    pub(super) const TASK: &str = "task";
}

/// Roles of fields beyond the header's.
mod field_role {
    /// Path of the program that runs now.
    pub(super) const EXECUTABLE: &str = "executable";
    pub(super) const CHILD_PID: &str = "child_pid";
    pub(super) const CHILD_START_TIME: &str = "child_start_time";
    pub(super) const CHILD_EXEC_COUNT: &str = "child_exec_count";
    /// With it and the next the parent is known exactly, not only by pid.
    pub(super) const PARENT_START_TIME: &str = "parent_start_time";
    pub(super) const PARENT_EXEC_COUNT: &str = "parent_exec_count";
}

/// What a record tells.
#[derive(Debug)]
pub(super) enum Change {
    /// A process runs a program: it executed it, or was found running it.
    Image {
        id: ProcessId,
        parent: Parent,
        executable: Option<Executable>,
    },
    /// A process forked.
    Fork {
        id: ProcessId,
        parent: Parent,
        child: ProcessId,
    },
    /// A process is gone.
    Exit { id: ProcessId, parent: Parent },
}

/// The parent as a record names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parent {
    pub(super) pid: Pid,
    image: Option<(BootNanos, u32)>,
}

impl Parent {
    /// The parent's image, where the record tells which it is.
    pub(super) fn id(self) -> Option<ProcessId> {
        let (start_time, exec_count) = self.image?;
        Some(ProcessId {
            pid: self.pid,
            start_time,
            exec_count,
        })
    }
}

impl Change {
    pub(super) fn read(schema: &EventSchema, record: &[u8]) -> Option<Self> {
        let lifecycle = schema.lifecycle.as_ref()?;
        let header = schema.header.as_ref()?;
        let id = header.process(record)?;
        let parent = Parent {
            pid: Pid(narrow(&header.parent_pid, record).unwrap_or(0)),
            image: parent_image(lifecycle, record),
        };
        match &*lifecycle.role {
            event_role::EXEC | event_role::TASK => Some(Self::Image {
                id,
                parent,
                executable: executable(lifecycle, record),
            }),
            event_role::FORK => Some(Self::Fork {
                id,
                parent,
                child: child(lifecycle, record)?,
            }),
            event_role::EXIT => Some(Self::Exit { id, parent }),
            _ => None,
        }
    }
}

impl HeaderFields {
    /// The process image that caused the event; `None` where no process did.
    #[must_use]
    pub fn process(&self, record: &[u8]) -> Option<ProcessId> {
        let pid = narrow(&self.pid, record).filter(|&pid| pid != 0)?;
        Some(ProcessId {
            pid: Pid(pid),
            start_time: BootNanos(wide(&self.start_time, record)?),
            exec_count: narrow(&self.exec_count, record)?,
        })
    }

    /// The cgroup of the process that caused the event; `None` where it is not
    /// known.
    #[must_use]
    pub fn cgroup(&self, record: &[u8]) -> Option<CgroupKey> {
        let id = wide(&self.cgroup_id, record).filter(|&id| id != 0)?;
        Some(CgroupKey {
            id,
            hierarchy: narrow(&self.cgroup_hierarchy, record)?,
        })
    }
}

fn child(lifecycle: &Lifecycle, record: &[u8]) -> Option<ProcessId> {
    let field = |role| lifecycle.field(role);
    Some(ProcessId {
        pid: Pid(narrow(field(field_role::CHILD_PID)?, record)?),
        start_time: BootNanos(wide(field(field_role::CHILD_START_TIME)?, record)?),
        exec_count: narrow(field(field_role::CHILD_EXEC_COUNT)?, record)?,
    })
}

fn parent_image(lifecycle: &Lifecycle, record: &[u8]) -> Option<(BootNanos, u32)> {
    let start_time = wide(lifecycle.field(field_role::PARENT_START_TIME)?, record)?;
    let exec_count = narrow(lifecycle.field(field_role::PARENT_EXEC_COUNT)?, record)?;
    (start_time != 0).then_some((BootNanos(start_time), exec_count))
}

fn executable(lifecycle: &Lifecycle, record: &[u8]) -> Option<Executable> {
    let field = lifecycle.field(field_role::EXECUTABLE)?;
    let (path, truncated) = whole_text(field, record)?;
    // A program is no folder: one that is a detached mount of its own, as runc's copy of itself, has
    // no path at all.
    let has_path = !path.is_empty() && &*path != b"/";
    has_path.then_some(Executable { path, truncated })
}

fn wide(field: &Field, record: &[u8]) -> Option<u64> {
    // Every row's identity is read here, so plain integers go no detour.
    if let Field {
        offset,
        shape:
            Shape::Integer {
                size,
                signed: false,
                render: Render::Number,
            },
        absent: None,
    } = field
    {
        let start = usize::try_from(*offset).ok()?;
        let end = start.checked_add(size.bytes())?;
        return record.get(start..end).map(read_unsigned);
    }
    match field.read(record)? {
        Value::Uint(value) => Some(value),
        Value::Int(value) => u64::try_from(value).ok(),
        Value::Bool(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::Short(_)
        | Value::Text(_)
        | Value::Raw(_)
        | Value::List(_)
        | Value::RawList(_) => None,
    }
}

fn narrow(field: &Field, record: &[u8]) -> Option<u32> {
    u32::try_from(wide(field, record)?).ok()
}
