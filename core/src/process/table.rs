//! The table of processes.
//!
//! A pure data structure, fed by the thread that drains the rings: it knows no
//! clock and reads no file. Records may come twice (programs that keep state are
//! attached twice) and a little out of order, so every step here can be
//! repeated and none relies on the step before it.
//!
//! Every image is a shared, immutable [`Process`]; what is learned late makes a
//! new one. Ancestors live as long as a descendant points to them. A process
//! that forks itself over and over, each parent exiting, would so build a chain
//! without end: a chain longer than [`MAX_ANCESTORS`] is cut to the newest
//! [`KEPT_ANCESTORS`].

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::image::{Builder, Executable, Facts};
use super::record::{Change, Parent};
use crate::own::TableSize;
use crate::schema::EventSchema;
use crate::subject::{Pid, Process, ProcessId};
use crate::time::BootNanos;

/// The longest chain of ancestors that is kept.
pub const MAX_ANCESTORS: u16 = 128;
/// How many ancestors are left when a longer chain is cut.
pub const KEPT_ANCESTORS: u16 = 64;
/// Images that wait for their parent's record; more are not waited for.
const MAX_ORPHANS: usize = 4096;

/// What bounds a process table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all images, those included that only descendants or batches
    /// keep alive.
    pub max_bytes: usize,
    /// How long an image stays known after its process exited or executed
    /// another program, by the records' time.
    pub keep_dead_for: Duration,
}

/// Processes by (pid, start time, exec count).
///
/// The map is hashed with `rustc-hash`: three multiplications for a key, kept
/// up by the Rust project; what defends against chosen keys is not needed where
/// the keys are nanoseconds that the kernel stamps.
#[derive(Debug)]
pub struct ProcessTable {
    pub(super) limits: Limits,
    builder: Builder,
    pub(super) images: FxHashMap<ProcessId, Entry>,
    pub(super) newest: FxHashMap<Pid, ProcessId>,
    /// Images that nobody runs any more, with the time they ended.
    dead: VecDeque<(BootNanos, ProcessId)>,
    /// Images whose parent is not known yet, by the parent's pid.
    orphans: FxHashMap<Pid, Vec<ProcessId>>,
    orphan_count: usize,
    latest: BootNanos,
    evicted: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) image: Arc<Process>,
    executable: Option<Arc<Executable>>,
    /// Forked and never executed a program since: runs what its parent ran.
    inherits: bool,
    used: BootNanos,
    ended: bool,
}

/// An image that somebody holds still, and what has taken its place.
struct Replaced {
    /// Held, so that no other image gets its address.
    old: Arc<Process>,
    image: Arc<Process>,
    facts: Facts,
}

impl ProcessTable {
    /// An empty table for the boot with this id (the text of the kernel's
    /// `boot_id`).
    #[must_use]
    pub fn new(boot_id: &str, limits: Limits) -> Self {
        Self {
            limits,
            builder: Builder::new(boot_id),
            images: FxHashMap::default(),
            newest: FxHashMap::default(),
            dead: VecDeque::new(),
            orphans: FxHashMap::default(),
            orphan_count: 0,
            latest: BootNanos(0),
            evicted: 0,
        }
    }

    /// Learns from a record whose schema has a life-cycle role; others tell
    /// nothing and are passed over.
    pub fn apply(&mut self, schema: &EventSchema, record: &[u8], time: BootNanos) {
        let Some(change) = Change::read(schema, record) else {
            return;
        };
        self.latest = self.latest.max(time);
        match change {
            Change::Image {
                id,
                parent,
                executable,
            } => self.image(id, parent, executable.map(Arc::new)),
            Change::Fork { id, parent, child } => self.fork(id, parent, child),
            Change::Exit { id, parent } => self.exit(id, parent),
        }
        self.make_room();
    }

    /// Forgets what has been dead for long at `time`: nobody asks any more for who
    /// acted before that. Until then a table only makes room when it has none.
    pub fn forget_dead(&mut self, time: BootNanos) {
        let keep = u64::try_from(self.limits.keep_dead_for.as_nanos()).unwrap_or(u64::MAX);
        while let Some(&(ended, id)) = self.dead.front()
            && ended.0.saturating_add(keep) < time.0
        {
            self.dead.pop_front();
            self.remove(id);
        }
    }

    /// The image with this id, if it is known.
    pub fn lookup(&mut self, id: ProcessId) -> Option<Arc<Process>> {
        let entry = self.images.get_mut(&id)?;
        entry.used = self.latest;
        Some(Arc::clone(&entry.image))
    }

    /// How much the table holds.
    #[must_use]
    pub fn size(&self) -> TableSize {
        TableSize {
            entries: self.images.len(),
            bytes: self.builder.bytes(),
            evicted: self.evicted,
        }
    }

    /// A process executed a program, or is found running one.
    fn image(&mut self, id: ProcessId, parent: Parent, executable: Option<Arc<Executable>>) {
        self.ensure(id, parent);
        let Some(entry) = self.images.get(&id) else {
            return;
        };
        if executable.is_some() && (entry.executable.is_none() || entry.inherits) {
            let facts = Facts {
                parent: entry.image.parent.clone(),
                executable,
                inherits: false,
            };
            self.learn([(id, facts)]);
        }
    }

    fn fork(&mut self, id: ProcessId, parent: Parent, child: ProcessId) {
        if !starts_before(id, child) {
            return;
        }
        self.ensure(id, parent);
        self.shorten(id);
        let Some(forker) = self.images.get(&id) else {
            return;
        };
        let facts = Facts {
            parent: Some(Arc::clone(&forker.image)),
            executable: forker.executable.clone(),
            inherits: true,
        };
        if self.images.contains_key(&child) {
            self.adopt(child, &facts);
        } else {
            self.insert(child, facts.clone());
        }
        // A program that the child executed may have been heard of first.
        if let Some(&newest) = self.newest.get(&child.pid)
            && newest != child
            && is_same_process(newest, child)
        {
            self.adopt(
                newest,
                &Facts {
                    executable: None,
                    inherits: false,
                    ..facts
                },
            );
        }
    }

    /// Adds what a fork tells of an image that was known before it.
    fn adopt(&mut self, id: ProcessId, fork: &Facts) {
        let Some(known) = self.images.get(&id) else {
            return;
        };
        let known_parent = known.image.parent.as_ref().map(|parent| parent.id);
        let fork_parent = fork.parent.as_ref().map(|parent| parent.id);
        let lacks_executable = known.executable.is_none() && fork.executable.is_some();
        if known_parent == fork_parent && !lacks_executable {
            return;
        }
        let facts = Facts {
            parent: fork.parent.clone(),
            executable: known.executable.clone().or_else(|| fork.executable.clone()),
            inherits: known.inherits || (known.executable.is_none() && fork.inherits),
        };
        self.learn([(id, facts)]);
    }

    fn exit(&mut self, id: ProcessId, parent: Parent) {
        self.ensure(id, parent);
        if let Some(&newest) = self.newest.get(&id.pid)
            && is_same_process(newest, id)
        {
            self.retire(newest);
        }
        self.retire(id);
    }

    /// Makes sure that there is an image with this id, even if nothing else is
    /// known of it.
    fn ensure(&mut self, id: ProcessId, parent: Parent) {
        if self.images.contains_key(&id) {
            return;
        }
        let sibling = self.newest.get(&id.pid).copied();
        let sibling = sibling.filter(|&sibling| is_same_process(sibling, id));
        let facts = Facts {
            parent: match sibling.and_then(|sibling| self.images.get(&sibling)) {
                Some(sibling) => sibling.image.parent.clone(),
                None => self.find_parent(id, parent),
            },
            ..Facts::default()
        };
        let is_orphan = facts.parent.is_none();
        self.insert(id, facts);
        if is_orphan {
            self.await_parent(id, parent.pid);
        }
    }

    /// The image that the record names as the parent: exactly where it does,
    /// else the newest of its pid.
    fn find_parent(&mut self, id: ProcessId, parent: Parent) -> Option<Arc<Process>> {
        let known = match parent.id() {
            Some(exact) => exact,
            None => *self.newest.get(&parent.pid)?,
        };
        if !starts_before(known, id) {
            return None;
        }
        self.shorten(known);
        self.images
            .get(&known)
            .map(|entry| Arc::clone(&entry.image))
    }

    fn await_parent(&mut self, id: ProcessId, parent: Pid) {
        if parent == Pid(0) {
            return;
        }
        if self.orphan_count >= MAX_ORPHANS {
            self.orphans.clear();
            self.orphan_count = 0;
        }
        self.orphans.entry(parent).or_default().push(id);
        self.orphan_count += 1;
    }

    fn insert(&mut self, id: ProcessId, facts: Facts) {
        let image = self.builder.image(id, &facts);
        let entry = Entry {
            image: Arc::clone(&image),
            executable: facts.executable,
            inherits: facts.inherits,
            used: self.latest,
            ended: false,
        };
        self.images.insert(id, entry);
        match self.newest.get(&id.pid).copied() {
            Some(newest) if is_older(id, newest) => self.retire(id),
            Some(newest) => {
                self.newest.insert(id.pid, id);
                // Another program, or a reused pid whose exit was not heard of.
                self.retire(newest);
            }
            None => {
                self.newest.insert(id.pid, id);
            }
        }
        let orphans = self.orphans.remove(&id.pid).unwrap_or_default();
        self.orphan_count = self.orphan_count.saturating_sub(orphans.len());
        // One that was forgotten and came back waits twice.
        let found: FxHashMap<_, _> = orphans
            .into_iter()
            .filter_map(|orphan| self.with_parent(orphan, &image))
            .collect();
        self.learn(found);
    }

    /// What is known of an image that waits for its parent, if `parent` is it.
    fn with_parent(&self, orphan: ProcessId, parent: &Arc<Process>) -> Option<(ProcessId, Facts)> {
        let entry = self.images.get(&orphan)?;
        let is_it = entry.image.parent.is_none() && starts_before(parent.id, orphan);
        is_it.then(|| {
            let facts = Facts {
                parent: Some(Arc::clone(parent)),
                executable: entry.executable.clone(),
                inherits: entry.inherits,
            };
            (orphan, facts)
        })
    }

    /// Replaces images by ones with these facts, and the images of their
    /// descendants by ones that point to them; each image is there once.
    fn learn(&mut self, changes: impl IntoIterator<Item = (ProcessId, Facts)>) {
        let replaced = changes
            .into_iter()
            .filter_map(|(id, facts)| self.replace(id, facts));
        let mut replaced: Vec<_> = replaced.collect();
        // What holds an image may be a batch: most have no children.
        if replaced.is_empty() || !self.has_children(&replaced) {
            return;
        }
        let mut families = self.families();
        while let Some(Replaced { old, image, facts }) = replaced.pop() {
            for child in families.remove(&Arc::as_ptr(&old)).unwrap_or_default() {
                let change = self.child_of(&image, &facts, child);
                replaced.extend(change.and_then(|(id, facts)| self.replace(id, facts)));
            }
        }
    }

    /// Replaces an image; nothing is left of one that nobody else holds.
    fn replace(&mut self, id: ProcessId, facts: Facts) -> Option<Replaced> {
        let image = self.builder.image(id, &facts);
        let entry = self.images.get_mut(&id)?;
        entry.executable.clone_from(&facts.executable);
        entry.inherits = facts.inherits;
        let old = mem::replace(&mut entry.image, Arc::clone(&image));
        (Arc::strong_count(&old) > 1).then_some(Replaced { old, image, facts })
    }

    fn has_children(&self, replaced: &[Replaced]) -> bool {
        let old = replaced.iter().map(|one| Arc::as_ptr(&one.old));
        let old: FxHashSet<_> = old.collect();
        let mut parents = self
            .images
            .values()
            .filter_map(|entry| entry.image.parent.as_ref());
        parents.any(|parent| old.contains(&Arc::as_ptr(parent)))
    }

    /// The children of each image that has some. By the image, not by its id:
    /// a chain that was cut has ancestors of its own, and stays as short.
    fn families(&self) -> FxHashMap<*const Process, Vec<ProcessId>> {
        let mut families = FxHashMap::<_, Vec<_>>::default();
        for (&id, entry) in &self.images {
            if let Some(parent) = &entry.image.parent {
                families.entry(Arc::as_ptr(parent)).or_default().push(id);
            }
        }
        families
    }

    /// What is known of a child whose parent is now `parent`, of whom this is known.
    fn child_of(
        &self,
        parent: &Arc<Process>,
        facts: &Facts,
        id: ProcessId,
    ) -> Option<(ProcessId, Facts)> {
        let child = self.images.get(&id)?;
        let executable = match &child.executable {
            None if child.inherits => facts.executable.clone(),
            known => known.clone(),
        };
        let facts = Facts {
            parent: Some(Arc::clone(parent)),
            executable,
            inherits: child.inherits,
        };
        Some((id, facts))
    }

    /// Cuts the chain of ancestors behind an image that is about to get a
    /// child, if it is too long.
    fn shorten(&mut self, id: ProcessId) {
        if let Some(entry) = self.images.get_mut(&id)
            && entry.image.depth() >= MAX_ANCESTORS
        {
            entry.image = self.builder.shortened(&entry.image, KEPT_ANCESTORS);
        }
    }

    fn retire(&mut self, id: ProcessId) {
        if let Some(entry) = self.images.get_mut(&id)
            && !entry.ended
        {
            entry.ended = true;
            self.dead.push_back((self.latest, id));
        }
    }

    fn remove(&mut self, id: ProcessId) -> bool {
        let known = self.images.remove(&id).is_some();
        if self.newest.get(&id.pid) == Some(&id) {
            self.newest.remove(&id.pid);
        }
        known
    }

    /// Evicts the dead, oldest first, then what was not looked up for longest,
    /// until a part of the memory is free again: making room image by image
    /// would search the table for each new process.
    fn make_room(&mut self) {
        if self.builder.bytes() <= self.limits.max_bytes {
            return;
        }
        let enough = self.limits.max_bytes - self.limits.max_bytes / 8;
        while self.builder.bytes() > enough
            && let Some((_, id)) = self.dead.pop_front()
        {
            self.evicted += u64::from(self.remove(id));
        }
        while self.builder.bytes() > enough && !self.images.is_empty() {
            let mut by_use: Vec<_> = self.images.iter().map(|(id, e)| (e.used, *id)).collect();
            let count = by_use.len().div_ceil(8);
            by_use.select_nth_unstable(count - 1);
            for (_, id) in by_use.into_iter().take(count) {
                self.evicted += u64::from(self.remove(id));
            }
        }
    }
}

fn is_same_process(a: ProcessId, b: ProcessId) -> bool {
    a.pid == b.pid && a.start_time == b.start_time
}

/// Whether `a` can have forked `b`: strict, so that no chain is a ring.
fn starts_before(a: ProcessId, b: ProcessId) -> bool {
    a.start_time < b.start_time
}

/// Whether `a` is an earlier image of its pid than `b`.
fn is_older(a: ProcessId, b: ProcessId) -> bool {
    (a.start_time, a.exec_count) < (b.start_time, b.exec_count)
}
