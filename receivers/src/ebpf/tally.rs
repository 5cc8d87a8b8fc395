//! The probes' account: what the kernel counted and what was received.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aya::maps::{MapData, PerCpuArray};
use eunomia_core::account::{Account, Accountable, ByReason, ProbeAccount, RING_FULL};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::own::{TABLE_LOST, TableSize};

use super::missed::Missed;

/// `struct counters` of `abi.h`: seen, filtered, submitted, then what was lost.
pub(super) const COUNTERS: usize = 7;
/// What the counters from the fourth on are lost for, in the order of the
/// struct; the last one counts what the tables should have learned.
pub(super) const LOST_REASONS: [&str; 3] = [RING_FULL, "read_failed", "table_full"];
const PIPELINE_FULL: &str = "pipeline_full";

/// What user space counts of one event kind.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Records taken out of the rings.
    pub(super) drained: AtomicU64,
    /// Rows handed to the pipelines.
    pub(super) received: AtomicU64,
    /// Rows dropped because their container turned out not to match.
    pub(super) filtered: AtomicU64,
    /// Rows dropped because the pipelines were blocked for too long.
    pub(super) pipeline_full: AtomicU64,
}

/// One event kind of one probe.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) probe: Box<str>,
    pub(super) event: Box<str>,
    /// The index of its counters; `None` for objects that do not count.
    pub(super) kind: Option<u32>,
    pub(super) tally: Arc<Tally>,
}

/// What the kernel counted of one kind, all CPUs together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KernelCounts {
    pub(super) seen: u64,
    pub(super) filtered: u64,
    pub(super) submitted: u64,
    pub(super) lost: [u64; LOST_REASONS.len()],
    pub(super) state_lost: u64,
}

impl From<[u64; COUNTERS]> for KernelCounts {
    fn from(counters: [u64; COUNTERS]) -> Self {
        let [
            seen,
            filtered,
            submitted,
            ring_full,
            read_failed,
            table_full,
            state_lost,
        ] = counters;
        Self {
            seen,
            filtered,
            submitted,
            lost: [ring_full, read_failed, table_full],
            state_lost,
        }
    }
}

/// How much the receiver's tables hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tables {
    pub(super) processes: TableSize,
    pub(super) cgroups: TableSize,
}

/// The account of all probes of a receiver.
pub(super) struct ProbeAccounts {
    counted: Vec<Counted>,
    kernel: Option<PerCpuArray<MapData, [u64; COUNTERS]>>,
    missed: Mutex<Missed>,
    tables: Mutex<Tables>,
    /// Set when programs are detached and the rings are empty: from then on
    /// what is in the rings is no longer what is left over, it is counted.
    detached: Mutex<bool>,
}

impl ProbeAccounts {
    pub(super) fn new(
        counted: Vec<Counted>,
        kernel: Option<PerCpuArray<MapData, [u64; COUNTERS]>>,
        missed: Missed,
    ) -> Self {
        Self {
            counted,
            kernel,
            missed: Mutex::new(missed),
            tables: Mutex::default(),
            detached: Mutex::new(false),
        }
    }

    /// From now on `in_ring` is submitted minus drained, and the tables are gone.
    pub(super) fn detached(&self) {
        *self.detached.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let Tables { processes, cgroups } = &mut *tables;
        for table in [processes, cgroups] {
            (table.entries, table.bytes) = (0, 0);
        }
    }

    /// Reads how often the kernel skipped runs, for the last time.
    pub(super) fn freeze_missed(&self) {
        self.missed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .freeze();
    }

    /// Takes down how much the tables hold now.
    pub(super) fn set_tables(&self, tables: Tables) {
        *self.tables.lock().unwrap_or_else(PoisonError::into_inner) = tables;
    }

    /// Events of each kind that were lost until now, by reason.
    pub(super) fn losses(&self) -> Vec<(&Counted, ByReason)> {
        self.counted
            .iter()
            .map(|one| {
                let blocked = one.tally.pipeline_full.load(Ordering::Acquire);
                (one, lost_by(self.kernel_counts(one.kind), blocked))
            })
            .collect()
    }

    /// Records that only fed the tables and were lost, and children for whom a tree had no room.
    pub(super) fn state_lost(&self) -> u64 {
        self.counted
            .iter()
            .map(|one| self.kernel_counts(one.kind).state_lost)
            .sum()
    }

    fn kernel_counts(&self, kind: Option<u32>) -> KernelCounts {
        let (Some(kernel), Some(kind)) = (&self.kernel, kind) else {
            return KernelCounts::default();
        };
        let mut sum = [0; COUNTERS];
        match kernel.get(&kind, 0) {
            Ok(cpus) => {
                for cpu in cpus.iter() {
                    sum.iter_mut()
                        .zip(cpu)
                        .for_each(|(total, count)| *total += count);
                }
            }
            Err(error) => tracing::error!(%error, kind, "reading the kernel's counters failed"),
        }
        sum.into()
    }

    fn account(&self, one: &Counted) -> ProbeAccount {
        // Everything only grows, and an event is counted as seen, submitted, drained and
        // received in this order. Read the other way round the difference is never negative:
        // a program may run between the reading of two of its counters.
        let received = one.tally.received.load(Ordering::Acquire);
        let filtered_late = one.tally.filtered.load(Ordering::Acquire);
        let blocked = one.tally.pipeline_full.load(Ordering::Acquire);
        let drained = one.tally.drained.load(Ordering::Acquire);
        let kernel = self.kernel_counts(one.kind);
        let lost_by = lost_by(kernel, blocked);
        let lost = lost_by.values().sum();
        let filtered = kernel.filtered + filtered_late;
        let seen = match one.kind {
            Some(_) => self.kernel_counts(one.kind).seen,
            None => drained,
        };
        let in_ring = if *self.detached.lock().unwrap_or_else(PoisonError::into_inner)
            && one.kind.is_some()
        {
            kernel.submitted.saturating_sub(drained)
        } else {
            seen.saturating_sub(filtered + lost + received)
        };
        let missed = self
            .missed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .of_probe(&one.probe);
        ProbeAccount {
            probe: one.probe.clone(),
            event: one.event.clone(),
            seen,
            filtered,
            lost,
            lost_by,
            in_ring,
            received,
            missed,
        }
    }
}

fn lost_by(kernel: KernelCounts, blocked: u64) -> ByReason {
    LOST_REASONS
        .iter()
        .copied()
        .zip(kernel.lost)
        .chain([(PIPELINE_FULL, blocked)])
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason.into(), count))
        .collect()
}

impl Accountable for ProbeAccounts {
    fn accounts(&self) -> Vec<Account> {
        self.counted
            .iter()
            .filter(|one| !one.event.is_empty())
            .map(|one| Account::Probe(self.account(one)))
            .collect()
    }

    fn points(&self) -> Vec<Point> {
        let lost = PointValue::Uint(self.state_lost());
        let tables = *self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut points = missed.points();
        let started = missed.started();
        points.extend(tables.processes.points("process", started));
        points.extend(tables.cgroups.points("cgroup", started));
        points.push(TABLE_LOST.point(&[], started, lost));
        points
    }
}

impl std::fmt::Debug for ProbeAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.accounts()).finish()
    }
}
