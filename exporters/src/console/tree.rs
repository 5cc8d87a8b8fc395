//! Who descends from whom among the processes that are shown.

use std::collections::VecDeque;

use eunomia_core::process::ExecId;
use eunomia_core::subject::Process;
use rustc_hash::FxHashMap;

/// Images that are remembered; those shown first are forgotten first, and
/// begin a tree of their own when they are shown again.
pub(super) const MAX_SHOWN: usize = 8192;

/// The images that were shown, with their depth.
#[derive(Debug, Default)]
pub(super) struct Tree {
    depths: FxHashMap<ExecId, usize>,
    order: VecDeque<ExecId>,
}

impl Tree {
    /// How many of its ancestors that were shown stand above `process`, which
    /// is shown from now on.
    pub(super) fn depth(&mut self, process: &Process) -> usize {
        if let Some(depth) = self.depths.get(&process.exec_id) {
            return *depth;
        }
        let mut ancestors = process.ancestors();
        let above = ancestors.find_map(|one| self.depths.get(&one.exec_id));
        let depth = above.map_or(0, |depth| depth + 1);
        if self.order.len() >= MAX_SHOWN
            && let Some(first) = self.order.pop_front()
        {
            self.depths.remove(&first);
        }
        self.order.push_back(process.exec_id);
        self.depths.insert(process.exec_id, depth);
        depth
    }

    /// How many images are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.depths.len().max(self.order.len())
    }
}
