//! The cgroups that a series is about: with the last of them it ends.

use std::sync::Arc;

use eunomia_core::subject::Cgroup;
use eunomia_core::time::WallNanos;

/// How many are remembered; a container has one, unless it makes its own.
const MAX: usize = 64;

/// The cgroups that the events of a series came from, as far as only they can
/// have made it.
#[derive(Debug, Default)]
pub(super) struct Owners(Vec<Arc<Cgroup>>);

impl Owners {
    /// Remembers `cgroup`; those that have ended make room.
    pub(super) fn add(&mut self, cgroup: &Arc<Cgroup>) {
        if self.0.iter().any(|known| Arc::ptr_eq(known, cgroup)) {
            return;
        }
        self.0.retain(|known| known.ended().is_none());
        if self.0.len() < MAX {
            self.0.push(Arc::clone(cgroup));
        }
    }

    /// Whether there were any, and all had ended at `time`.
    pub(super) fn have_ended_by(&self, time: WallNanos) -> bool {
        !self.0.is_empty() && self.0.iter().all(|one| has_ended_by(one, time))
    }
}

/// Whether `cgroup` had ended at `time`.
pub(super) fn has_ended_by(cgroup: &Cgroup, time: WallNanos) -> bool {
    cgroup.ended().is_some_and(|ended| ended <= time)
}
