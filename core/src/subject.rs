//! Who an event is about: the process that acted, its cgroup, its container.
//!
//! Subjects are shared by the rows of a batch that have the same actor, so what
//! is looked up or filled in is done once a process and batch, not once a row.

use std::iter;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::process::{Charge, ExecId};
use crate::time::{BootNanos, WallNanos};
use crate::value::{OwnedValue, Value};

/// A process id as `ps` shows it: the id of a thread group.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Pid(pub u32);

/// What tells one image of one process from every other since boot: a pid alone
/// is reused, and one process runs several programs one after another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ProcessId {
    /// The pid.
    pub pid: Pid,
    /// When the process was forked.
    pub start_time: BootNanos,
    /// How many programs it has executed (`self_exec_id`).
    pub exec_count: u32,
}

/// A cgroup: ids repeat between hierarchies.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct CgroupKey {
    /// The kernfs id: the inode number of the cgroup's directory.
    pub id: u64,
    /// 0 for cgroup v2, else the number of the v1 hierarchy.
    pub hierarchy: u32,
}

/// Attributes with a life of their own, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attributes(Vec<(Key, OwnedValue)>);

impl Attributes {
    /// Adds an attribute; for text that is not UTF-8 the `_raw` one too.
    pub fn push(&mut self, key: &Key, value: OwnedValue) {
        let raw = match &value {
            OwnedValue::Text(bytes) => Some(OwnedValue::Raw(bytes.clone())),
            OwnedValue::List(items) if items.iter().any(|item| str::from_utf8(item).is_err()) => {
                Some(OwnedValue::RawList(items.clone()))
            }
            OwnedValue::List(_)
            | OwnedValue::Bool(_)
            | OwnedValue::Int(_)
            | OwnedValue::Uint(_)
            | OwnedValue::Float(_)
            | OwnedValue::Str(_)
            | OwnedValue::Raw(_)
            | OwnedValue::RawList(_) => None,
        };
        self.0.push((key.clone(), value));
        if let Some(raw) = raw {
            self.0.push((Key::new(&format!("{key}_raw")), raw));
        }
    }

    /// Adds all attributes of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Gives back memory beyond what the attributes need.
    pub(crate) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Memory of the attributes, names not counted: those are shared.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let values: usize = self.0.iter().map(|(_, value)| value.heap_bytes()).sum();
        values + self.0.capacity() * size_of::<(Key, OwnedValue)>()
    }

    /// All attributes in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, Value<'_>)> {
        self.0.iter().map(|(key, value)| (key, value.as_value()))
    }

    /// The value called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.0
            .iter()
            .find(|(key, _)| key.name() == name)
            .map(|(_, value)| value.as_value())
    }
}

/// One image of a process.
#[derive(Debug)]
pub struct Process {
    /// Which one.
    pub id: ProcessId,
    /// Which one, over all boots.
    pub exec_id: ExecId,
    /// The image that forked this process.
    pub parent: Option<Arc<Self>>,
    /// What the `process` processor shows.
    pub attributes: Attributes,
    depth: u16,
    pub(crate) charge: Option<Charge>,
}

impl Process {
    /// An image that no table accounts for.
    #[must_use]
    pub fn new(
        id: ProcessId,
        exec_id: ExecId,
        parent: Option<Arc<Self>>,
        attributes: Attributes,
    ) -> Self {
        Self {
            id,
            exec_id,
            depth: parent
                .as_ref()
                .map_or(0, |parent| parent.depth.saturating_add(1)),
            parent,
            attributes,
            charge: None,
        }
    }

    /// The parent, its parent and so on, as far as they are known.
    pub fn ancestors(&self) -> impl Iterator<Item = &Arc<Self>> {
        iter::successors(self.parent.as_ref(), |process| process.parent.as_ref())
    }

    /// How many ancestors are known.
    #[must_use]
    pub fn depth(&self) -> u16 {
        self.depth
    }
}

/// A cgroup whose path is known.
#[derive(Debug)]
pub struct Cgroup {
    /// Which one.
    pub key: CgroupKey,
    /// Its path below the hierarchy's root, beginning with a slash; bytes.
    pub path: Box<[u8]>,
    /// What the `container` processor shows of it.
    pub attributes: Attributes,
    ended: OnceLock<WallNanos>,
}

impl Cgroup {
    /// A cgroup that is there.
    #[must_use]
    pub fn new(key: CgroupKey, path: Box<[u8]>, attributes: Attributes) -> Self {
        Self {
            key,
            path,
            attributes,
            ended: OnceLock::new(),
        }
    }

    /// Says that it was removed at `time`, to everybody who shares it: events
    /// that are on their way then are still about it. It ends once.
    pub fn end(&self, time: WallNanos) {
        // A second time says nothing new.
        self.ended.set(time).unwrap_or_default();
    }

    /// When it was removed, if it was.
    #[must_use]
    pub fn ended(&self) -> Option<WallNanos> {
        self.ended.get().copied()
    }
}

/// A container.
#[derive(Debug)]
pub struct Container {
    /// Its id, as its runtime has it.
    pub id: Box<str>,
    /// `container.*` and, when known, `k8s.*`: a resource in OTLP's terms.
    pub attributes: Attributes,
}

/// What is known about the actor of some rows.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The process, where the receiver knows it.
    pub process: Option<Arc<Process>>,
    /// Its cgroup, where its path is known.
    pub cgroup: Option<Arc<Cgroup>>,
    /// Its container, filled in by the `container` processor.
    pub container: Option<Arc<Container>>,
    /// Whether the `process` processor has let the process's attributes be
    /// shown.
    pub shows_process: bool,
    /// Whether the `container` processor has let the cgroup's attributes be
    /// shown.
    pub shows_cgroup: bool,
}
