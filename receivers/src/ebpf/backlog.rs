//! Batches that wait for pipelines without room: no more than a round makes, for
//! while one waits no other is made.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use eunomia_core::batch::Batch;
use eunomia_core::pipeline::{Full, Output};
use eunomia_core::signal::Signal;

use super::drain::{Kind, kind_of};

/// Rows of a batch by the position of their kind.
type Counts = Vec<(usize, u64)>;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: VecDeque<(Counts, Signal)>,
    blocked: bool,
    kinds: Vec<Option<Kind>>,
}

impl Backlog {
    /// A backlog that books what becomes of rows of these kinds.
    pub(super) fn new(kinds: Vec<Option<Kind>>) -> Self {
        Self {
            kinds,
            ..Self::default()
        }
    }

    /// Whether a pipeline had no room the last time.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Adds a batch.
    pub(super) fn push(&mut self, batch: Batch) {
        if !batch.is_empty() {
            let counts = self.counts(&batch);
            self.waiting.push_back((counts, Signal::Events(batch)));
        }
    }

    /// Sends what there is room for.
    pub(super) fn flush(&mut self, output: &Output) {
        self.blocked = false;
        while let Some((counts, batch)) = self.waiting.pop_front() {
            if let Err(Full(back)) = output.try_send(batch) {
                self.waiting.push_front((counts, *back));
                self.blocked = true;
                return;
            }
            self.book_received(&counts);
        }
    }

    /// Sends everything with `send`, which may wait and says whether anybody
    /// took it.
    pub(super) fn send_all(&mut self, send: &impl Fn(Signal) -> bool) {
        self.blocked = false;
        while let Some((counts, batch)) = self.waiting.pop_front() {
            if send(batch) {
                self.book_received(&counts);
            }
        }
    }

    /// Rows by the position of their kind; rows that no probe made are not
    /// counted.
    fn counts(&self, batch: &Batch) -> Counts {
        let position = |(schema, count)| Some((kind_of(&self.kinds, schema)?, count));
        batch.count_by_schema().filter_map(position).collect()
    }

    fn book_received(&self, counts: &[(usize, u64)]) {
        for (kind, count) in counts {
            if let Some(Some(kind)) = self.kinds.get(*kind) {
                kind.tally.received.fetch_add(*count, Ordering::Release);
            }
        }
    }
}
