//! Batches that wait for pipelines without room.
//!
//! While one waits, the bulk stays in its ring, where it is lost as `ring_full`
//! once that is full. The lifecycle goes on being read; its rows wait here up to
//! a number of bytes and are lost as `pipeline_full` beyond.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use eunomia_core::batch::Batch;
use eunomia_core::pipeline::{Full, Output};
use eunomia_core::signal::Signal;

use super::drain::{Kind, kind_of};
use super::tally::Tally;

/// Bytes of rows that wait.
const MAX_BYTES: usize = 8 << 20;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: VecDeque<Batch>,
    bytes: usize,
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

    /// Adds a batch; what does not fit is lost and counted.
    pub(super) fn push(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        if self.blocked && self.bytes + batch.bytes() > MAX_BYTES {
            let counts = self.counts(&batch);
            self.book(&counts, |tally| &tally.pipeline_full);
            return;
        }
        self.bytes += batch.bytes();
        self.waiting.push_back(batch);
    }

    /// Sends what there is room for.
    pub(super) fn flush(&mut self, output: &Output) {
        self.blocked = false;
        while let Some(batch) = self.waiting.pop_front() {
            let bytes = batch.bytes();
            let counts = self.counts(&batch);
            if let Err(Full(back)) = output.try_send(Signal::Events(batch)) {
                if let Signal::Events(batch) = *back {
                    self.waiting.push_front(batch);
                }
                self.blocked = true;
                return;
            }
            self.book(&counts, |tally| &tally.received);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// Sends everything with `send`, which may wait.
    pub(super) fn send_all(&mut self, send: &impl Fn(Signal)) {
        self.blocked = false;
        self.bytes = 0;
        while let Some(batch) = self.waiting.pop_front() {
            let counts = self.counts(&batch);
            send(Signal::Events(batch));
            self.book(&counts, |tally| &tally.received);
        }
    }

    /// Rows by the position of their kind; rows that no probe made are not
    /// counted.
    fn counts(&self, batch: &Batch) -> Vec<(usize, u64)> {
        let position = |(schema, count)| Some((kind_of(&self.kinds, schema)?, count));
        batch.count_by_schema().filter_map(position).collect()
    }

    fn book(&self, counts: &[(usize, u64)], which: impl Fn(&Tally) -> &AtomicU64) {
        for (kind, count) in counts {
            if let Some(Some(kind)) = self.kinds.get(*kind) {
                which(&kind.tally).fetch_add(*count, Ordering::Release);
            }
        }
    }
}
