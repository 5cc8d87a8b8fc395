//! The cgroups whose paths the kernel's records told.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::CGROUP_PATH;
use crate::batch::record::whole_text;
use crate::key::Key;
use crate::own::TableSize;
use crate::schema::EventSchema;
use crate::subject::{Attributes, Cgroup, CgroupKey};
use crate::time::WallNanos;
use crate::value::OwnedValue;

/// The role of the event that tells a cgroup's path.
const CGROUP_ROLE: &str = "cgroup";
/// The role of the event that tells a cgroup's end.
const CGROUP_END_ROLE: &str = "cgroup_end";
/// The role of the field with that path.
const PATH_ROLE: &str = "path";

/// What an entry takes beside path and attributes.
const FIXED_BYTES: usize = size_of::<Cgroup>() + 16 + 96;

/// Cgroups by key, bounded in bytes.
///
/// A cgroup that is gone stays known until the room is needed for others: its
/// id is never given to another one. What was not asked for the longest goes
/// first.
#[derive(Debug)]
pub struct CgroupTable {
    max_bytes: usize,
    cgroups: FxHashMap<CgroupKey, Entry>,
    path: Key,
    path_truncated: Key,
    bytes: usize,
    uses: u64,
    evicted: u64,
}

#[derive(Debug)]
struct Entry {
    cgroup: Arc<Cgroup>,
    bytes: usize,
    used: u64,
}

impl CgroupTable {
    /// An empty table that may grow to `max_bytes`.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            cgroups: FxHashMap::default(),
            path: Key::new(CGROUP_PATH),
            path_truncated: Key::new(&format!("{CGROUP_PATH}_truncated")),
            bytes: 0,
            uses: 0,
            evicted: 0,
        }
    }

    /// Learns from a record, taken at the time that `now` tells, whose schema has
    /// the role of telling a cgroup's path or its end; others tell nothing.
    /// Returns the cgroup whose path it was, also if it was known.
    pub fn apply(
        &mut self,
        schema: &EventSchema,
        record: &[u8],
        now: impl FnOnce() -> WallNanos,
    ) -> Option<Arc<Cgroup>> {
        let lifecycle = schema.lifecycle.as_ref()?;
        let ends = match &*lifecycle.role {
            CGROUP_ROLE => false,
            CGROUP_END_ROLE => true,
            _ => return None,
        };
        let key = schema.header.as_ref()?.cgroup(record)?;
        if ends {
            self.cgroups.get(&key)?.cgroup.end(now());
            return None;
        }
        let (path, truncated) = whole_text(lifecycle.field(PATH_ROLE)?, record)?;
        // Whoever tells a path again has forgotten what was made of it.
        self.insert(key, path, truncated)
            .or_else(|| self.lookup(key))
    }

    /// Learns a path; an empty one is the root's. Returns the cgroup if this
    /// was news.
    pub fn insert(
        &mut self,
        key: CgroupKey,
        path: Box<[u8]>,
        truncated: bool,
    ) -> Option<Arc<Cgroup>> {
        let path = if path.is_empty() {
            b"/"[..].into()
        } else {
            path
        };
        // A cgroup of v1 can be renamed.
        if self
            .cgroups
            .get(&key)
            .is_some_and(|known| known.cgroup.path == path)
        {
            return None;
        }
        let mut attributes = Attributes::default();
        attributes.push(&self.path, OwnedValue::text(&path));
        if truncated {
            attributes.push(&self.path_truncated, OwnedValue::Bool(true));
        }
        let bytes = FIXED_BYTES + path.len() + attributes.heap_bytes();
        let cgroup = Arc::new(Cgroup::new(key, path, attributes));
        self.uses += 1;
        let entry = Entry {
            cgroup: Arc::clone(&cgroup),
            bytes,
            used: self.uses,
        };
        let replaced = self.cgroups.insert(key, entry);
        self.bytes += bytes;
        self.bytes -= replaced.map_or(0, |entry| entry.bytes);
        self.make_room();
        Some(cgroup)
    }

    /// The cgroup with this key, if its path is known.
    pub fn lookup(&mut self, key: CgroupKey) -> Option<Arc<Cgroup>> {
        let entry = self.cgroups.get_mut(&key)?;
        self.uses += 1;
        entry.used = self.uses;
        Some(Arc::clone(&entry.cgroup))
    }

    /// How much the table holds.
    #[must_use]
    pub fn size(&self) -> TableSize {
        TableSize {
            entries: self.cgroups.len(),
            bytes: self.bytes,
            evicted: self.evicted,
        }
    }

    /// Makes room for some more than the next: one eviction at a time would
    /// search the table for each new cgroup.
    fn make_room(&mut self) {
        if self.bytes <= self.max_bytes {
            return;
        }
        let mut by_use: Vec<_> = self.cgroups.iter().map(|(key, e)| (e.used, *key)).collect();
        by_use.sort_unstable();
        let enough = self.max_bytes - self.max_bytes / 8;
        for (_, key) in by_use {
            if self.bytes <= enough {
                return;
            }
            self.bytes -= self.cgroups.remove(&key).map_or(0, |entry| entry.bytes);
            self.evicted += 1;
        }
    }
}
