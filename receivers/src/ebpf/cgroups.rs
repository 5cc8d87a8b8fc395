//! Paths of cgroups, and what filters say of them.
//!
//! The kernel cannot compare a container's id with the path of a cgroup, so it
//! lets a cgroup pass that it does not know, sends its path, and goes by the
//! verdict that is stored from here on.

use std::sync::{Arc, Mutex, PoisonError};

use aya::maps::{HashMap, MapData};
use eunomia_core::container::{CgroupFilter, CgroupTable};
use eunomia_core::own::TableSize;
use eunomia_core::schema::EventSchema;
use eunomia_core::subject::{Cgroup, CgroupKey};

use super::clock;

/// `struct eun_cgroup` of `maps.h`: the id, and behind it hierarchy and padding.
type Key = [u64; 2];
/// `struct eun_verdict`: sets that were judged, and those that want the cgroup.
type Verdict = [u32; 2];

/// Bytes of the table of paths.
const MAX_BYTES: usize = 8 << 20;

/// The table of cgroups, which the thread that drains fills.
#[derive(Clone, Debug)]
pub(super) struct KnownCgroups(Arc<Mutex<CgroupTable>>);

impl Default for KnownCgroups {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(CgroupTable::new(MAX_BYTES))))
    }
}

impl KnownCgroups {
    /// The cgroup with this key, if its path is known.
    pub(super) fn lookup(&self, key: CgroupKey) -> Option<Arc<Cgroup>> {
        self.with(|table| table.lookup(key))
    }

    /// Nothing under the lock waits: whoever drains may need it.
    fn with<T>(&self, work: impl FnOnce(&mut CgroupTable) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The table of cgroups and the filters that ask about them.
#[derive(Debug)]
pub(super) struct Cgroups {
    table: KnownCgroups,
    /// Filters by their set.
    filters: Vec<(u32, CgroupFilter)>,
    verdicts: Option<HashMap<MapData, Key, Verdict>>,
}

impl Cgroups {
    pub(super) fn new(
        table: KnownCgroups,
        filters: Vec<(u32, CgroupFilter)>,
        verdicts: Option<HashMap<MapData, Key, Verdict>>,
    ) -> Self {
        Self {
            table,
            filters,
            verdicts,
        }
    }

    /// How much the table holds.
    pub(super) fn size(&self) -> TableSize {
        self.table.with(|table| table.size())
    }

    /// Learns from a record that has the role of a cgroup; others are passed over.
    /// A known one is judged again: the kernel tells its path when it has lost the verdict.
    pub(super) fn apply(&mut self, schema: &EventSchema, record: &[u8]) {
        let learn = |table: &mut CgroupTable| table.apply(schema, record, clock::wall);
        let Some(cgroup) = self.table.with(learn) else {
            return;
        };
        if self.filters.is_empty() {
            return;
        }
        let known = self.filters.iter().fold(0, |sets, (set, _)| sets | set);
        let verdict = [known, known & !self.unwanted(&cgroup)];
        let key = [cgroup.key.id, u64::from(cgroup.key.hierarchy)];
        if let Some(Err(error)) = self
            .verdicts
            .as_mut()
            .map(|map| map.insert(key, verdict, 0))
        {
            // The cgroup goes on passing in the kernel and is filtered here.
            tracing::warn!(%error, cgroup = cgroup.key.id, "the verdict on a cgroup could not be stored");
        }
    }

    /// The cgroup with this key, if its path is known.
    pub(super) fn lookup(&self, key: CgroupKey) -> Option<Arc<Cgroup>> {
        self.table.lookup(key)
    }

    /// The sets of the filters that do not want `cgroup`.
    pub(super) fn unwanted(&self, cgroup: &Cgroup) -> u32 {
        let refuses =
            |(set, filter): &(u32, CgroupFilter)| if filter.verdict(cgroup) { 0 } else { *set };
        self.filters
            .iter()
            .map(refuses)
            .fold(0, |sets, set| sets | set)
    }
}
