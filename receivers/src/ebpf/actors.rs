//! Who the rows of a batch are about.
//!
//! Many rows of a batch have the same actor: each is looked up once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::subject::{CgroupKey, ProcessId, Subject};
use rustc_hash::FxBuildHasher;

use super::drain::{Intake, kind_of};

/// Looks actors up, batch by batch.
#[derive(Debug, Default)]
pub(super) struct Actors {
    known: HashMap<(ProcessId, CgroupKey), SubjectIndex, FxBuildHasher>,
    subjects: Vec<Found>,
}

#[derive(Debug)]
struct Found {
    subject: Subject,
    /// The filters that do not want this actor's cgroup, as sets.
    unwanted: u32,
}

impl Actors {
    /// Gives every row of `batch` its actor and drops the rows whose container
    /// turned out not to be wanted: the kernel lets a cgroup pass until it has
    /// been judged here.
    pub(super) fn settle(&mut self, batch: &mut Batch, intake: &mut Intake) {
        self.known.clear();
        self.subjects.clear();
        let mut last = None;
        batch.assign_actors(|row| {
            let Some(header) = &row.schema().header else {
                return SubjectIndex::NONE;
            };
            let record = row.record();
            let (Some(process), Some(cgroup)) = (header.process(record), header.cgroup(record))
            else {
                return SubjectIndex::NONE;
            };
            let who = (process, cgroup);
            match last {
                Some((known, index)) if known == who => index,
                _ => {
                    let index = self.find(who, intake);
                    last = Some((who, index));
                    index
                }
            }
        });
        if self.subjects.iter().any(|found| found.unwanted != 0) {
            self.drop_unwanted(batch, intake);
        }
        batch.subjects = self.subjects.drain(..).map(|found| found.subject).collect();
    }

    fn find(&mut self, who: (ProcessId, CgroupKey), intake: &mut Intake) -> SubjectIndex {
        *self.known.entry(who).or_insert_with(|| {
            let (process, cgroup) = who;
            let cgroup = intake.cgroups.lookup(cgroup);
            let unwanted = cgroup
                .as_ref()
                .map_or(0, |cgroup| intake.cgroups.unwanted(cgroup));
            let subject = Subject {
                process: intake.table.lookup(process),
                cgroup,
                ..Subject::default()
            };
            self.subjects.push(Found { subject, unwanted });
            SubjectIndex(u32::try_from(self.subjects.len() - 1).unwrap_or(u32::MAX))
        })
    }

    fn drop_unwanted(&self, batch: &mut Batch, intake: &Intake) {
        batch.retain(|row| {
            let found = usize::try_from(row.actor_index().0)
                .ok()
                .and_then(|index| self.subjects.get(index));
            let kind = kind_of(&intake.kinds, row.schema())
                .and_then(|kind| intake.kinds.get(kind)?.as_ref());
            let Some(kind) = kind else { return true };
            let is_unwanted = found.is_some_and(|found| found.unwanted & kind.cgroup_sets != 0);
            if is_unwanted {
                kind.tally.filtered.fetch_add(1, Ordering::Release);
            }
            !is_unwanted
        });
    }
}
