//! The bounded queue in front of every exporter.
//!
//! It is bounded in bytes, and what is on its way to the other side still
//! counts: an exporter with a slow peer holds no more than its queue may. What
//! happens when it is full is configured and counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::account::{Account, Accountable, ByReason, ExporterAccount, QUEUE_FULL};
use crate::build::QueueLimits;
use crate::signal::{Carries, Signal};

/// What a full queue does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Holds up the whole pipeline until there is room.
    Block,
    /// Drops what has waited longest.
    DropOldest,
    /// Drops what comes.
    DropNewest,
}

/// Why the queue of an exporter that is gone dropped something.
const EXPORTER_GONE: &str = "exporter_gone";
/// Why what a pipeline held when it was given up went no further.
const PIPELINE_GONE: &str = "pipeline_gone";
/// Why a delivery that was neither delivered nor dropped with a reason is gone.
const UNSENT: &str = "unsent";

struct Shared {
    exporter: Box<str>,
    limits: QueueLimits,
    carries: Carries,
    state: Mutex<State>,
    readable: Notify,
    writable: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Signal>>,
    /// Bytes of what is waiting and of what is on its way.
    bytes: usize,
    writers: usize,
    reader_gone: bool,
    accepted: u64,
    delivered: u64,
    dropped_by: ByReason,
    queued: u64,
}

impl State {
    /// Both at once: the account adds up at any moment.
    fn accept(&mut self, items: usize) {
        self.accepted += items as u64;
        self.queued += items as u64;
    }

    fn drop_items(&mut self, items: usize, reason: &str) {
        if items > 0 {
            *self.dropped_by.entry(reason.into()).or_default() += items as u64;
            self.queued = self.queued.saturating_sub(items as u64);
        }
    }

    /// Takes the oldest one out of what is waiting and drops it.
    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.waiting.pop_front() else {
            return false;
        };
        self.bytes = self.bytes.saturating_sub(oldest.bytes());
        self.drop_items(oldest.len(), QUEUE_FULL);
        true
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `bytes` more fit; one batch always fits an empty queue, for it
    /// would never fit any other way.
    fn fits(&self, state: &State, bytes: usize) -> bool {
        state.bytes == 0 || state.bytes + bytes <= self.limits.max_bytes
    }
}

impl Accountable for Shared {
    fn accounts(&self) -> Vec<Account> {
        let state = self.state();
        vec![Account::Exporter(ExporterAccount {
            exporter: self.exporter.clone(),
            accepted: state.accepted,
            delivered: state.delivered,
            dropped: state.dropped_by.values().sum(),
            dropped_by: state.dropped_by.clone(),
            queued: state.queued,
            queued_bytes: state.bytes as u64,
        })]
    }
}

/// Makes a queue for the exporter called `exporter`. The third value is its
/// account.
#[must_use]
pub fn queue(
    exporter: &str,
    limits: QueueLimits,
    carries: Carries,
) -> (QueueWriter, QueueReader, Arc<dyn Accountable>) {
    let shared = Arc::new(Shared {
        exporter: exporter.into(),
        limits,
        carries,
        state: Mutex::new(State {
            writers: 1,
            ..State::default()
        }),
        readable: Notify::new(),
        writable: Notify::new(),
    });
    let account: Arc<dyn Accountable> = Arc::<Shared>::clone(&shared);
    (
        QueueWriter(Arc::clone(&shared)),
        QueueReader(shared),
        account,
    )
}

/// The end that a pipeline writes to.
pub struct QueueWriter(Arc<Shared>);

impl QueueWriter {
    /// Puts `signal` into the queue; waits if the queue is full and blocks.
    /// What the exporter does not carry is passed over.
    pub async fn push(&self, signal: &Arc<Signal>) {
        if signal.is_empty() || !self.0.carries.takes(signal) {
            return;
        }
        self.0.state().accept(signal.len());
        let mut waiting = Waiting(self, signal.len());
        loop {
            // Registered before the check, so that no wake-up is missed in between.
            let writable = self.0.writable.notified();
            if self.offer(signal) {
                waiting.1 = 0;
                return;
            }
            writable.await;
        }
    }

    /// Counts `signal` as dropped: nobody is left who would wait for room.
    pub(crate) fn give_up(&self, signal: &Signal) {
        if !signal.is_empty() && self.0.carries.takes(signal) {
            self.0.state().accept(signal.len());
            drop(Waiting(self, signal.len()));
        }
    }

    /// Whether `signal` has found its end: in the queue, or dropped.
    fn offer(&self, signal: &Arc<Signal>) -> bool {
        let mut state = self.0.state();
        if state.reader_gone {
            state.drop_items(signal.len(), EXPORTER_GONE);
            return true;
        }
        let bytes = signal.bytes();
        if !self.0.fits(&state, bytes) {
            match self.0.limits.when_full {
                WhenFull::Block => return false,
                WhenFull::DropNewest => {
                    state.drop_items(signal.len(), QUEUE_FULL);
                    return true;
                }
                WhenFull::DropOldest => while !self.0.fits(&state, bytes) && state.drop_oldest() {},
            }
            // All that is left is on its way: there is nothing older to drop.
            if !self.0.fits(&state, bytes) {
                state.drop_items(signal.len(), QUEUE_FULL);
                return true;
            }
        }
        state.bytes += bytes;
        state.waiting.push_back(Arc::clone(signal));
        drop(state);
        self.0.readable.notify_one();
        true
    }
}

/// Items that wait for room; those that are left when it is dropped are given up.
struct Waiting<'w>(&'w QueueWriter, usize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.state().drop_items(self.1, PIPELINE_GONE);
    }
}

/// Makes further writers of a queue without being one.
#[derive(Clone)]
pub(crate) struct QueueOpener(Arc<Shared>);

impl QueueOpener {
    /// A writer more. The queue must have one still, else its reader may have
    /// ended.
    pub(crate) fn writer(&self) -> QueueWriter {
        self.0.state().writers += 1;
        QueueWriter(Arc::clone(&self.0))
    }

    /// Waits until nothing is in the queue or on its way any more.
    pub(crate) async fn settled(&self) {
        loop {
            // Registered before the check, so that no wake-up is missed in between.
            let settled = self.0.writable.notified();
            if self.0.state().queued == 0 {
                return;
            }
            settled.await;
        }
    }

    /// Whether it holds something, or somebody may still write to it.
    pub(crate) fn is_in_use(&self) -> bool {
        let state = self.0.state();
        state.queued > 0 || state.writers > 0
    }
}

impl std::fmt::Debug for QueueOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("QueueOpener")
            .field(&self.0.exporter)
            .finish()
    }
}

impl QueueWriter {
    pub(crate) fn opener(&self) -> QueueOpener {
        QueueOpener(Arc::clone(&self.0))
    }
}

impl Clone for QueueWriter {
    fn clone(&self) -> Self {
        self.opener().writer()
    }
}

impl Drop for QueueWriter {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.writers -= 1;
        if state.writers == 0 {
            drop(state);
            self.0.readable.notify_one();
        }
    }
}

impl std::fmt::Debug for QueueWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("QueueWriter")
            .field(&self.0.exporter)
            .finish()
    }
}

/// The end that an exporter reads from.
pub struct QueueReader(Arc<Shared>);

impl QueueReader {
    /// Waits for the next batch; `None` when all pipelines have ended and the
    /// queue is empty. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Delivery> {
        let shared = Arc::clone(&self.0);
        loop {
            let readable = shared.readable.notified();
            if let Some(next) = self.next_or_end() {
                return next;
            }
            readable.await;
        }
    }

    /// The next batch, or the end; `None` while there is neither. One look at
    /// the queue: a last batch that came before the last writer went is not the
    /// end.
    fn next_or_end(&mut self) -> Option<Option<Delivery>> {
        let mut state = self.0.state();
        let waiting = state.waiting.pop_front();
        let is_end = waiting.is_none() && state.writers == 0;
        drop(state);
        match waiting {
            Some(signal) => Some(Some(self.deliver(signal))),
            None => is_end.then_some(None),
        }
    }

    /// The next batch, if one is waiting.
    pub fn try_next(&mut self) -> Option<Delivery> {
        let signal = self.0.state().waiting.pop_front()?;
        Some(self.deliver(signal))
    }

    fn deliver(&self, signal: Arc<Signal>) -> Delivery {
        let left = signal.len();
        Delivery {
            shared: Arc::clone(&self.0),
            signal,
            left,
        }
    }
}

impl Drop for QueueReader {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.reader_gone = true;
        while let Some(signal) = state.waiting.pop_front() {
            state.bytes = state.bytes.saturating_sub(signal.bytes());
            state.drop_items(signal.len(), EXPORTER_GONE);
        }
        drop(state);
        self.0.writable.notify_waiters();
    }
}

impl std::fmt::Debug for QueueReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("QueueReader")
            .field(&self.0.exporter)
            .finish()
    }
}

/// A batch on its way to the other side. It counts as queued, bytes included,
/// until it is dropped; what was not said to be delivered or dropped by then is
/// counted as dropped.
#[must_use = "a delivery that is dropped at once counts as lost"]
pub struct Delivery {
    shared: Arc<Shared>,
    signal: Arc<Signal>,
    left: usize,
}

impl Delivery {
    /// What is to be delivered.
    #[must_use]
    pub fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Counts all that is left as delivered.
    pub fn delivered(mut self) {
        self.delivered_some(self.left);
    }

    /// Counts all that is left as dropped.
    pub fn dropped(mut self, reason: &str) {
        self.dropped_some(self.left, reason);
    }

    /// Counts `items` as delivered.
    pub fn delivered_some(&mut self, items: usize) {
        let items = items.min(self.left);
        self.left -= items;
        let mut state = self.shared.state();
        state.delivered += items as u64;
        state.queued = state.queued.saturating_sub(items as u64);
    }

    /// Counts `items` as dropped for `reason`.
    pub fn dropped_some(&mut self, items: usize, reason: &str) {
        let items = items.min(self.left);
        self.left -= items;
        self.shared.state().drop_items(items, reason);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.drop_items(self.left, UNSENT);
        state.bytes = state.bytes.saturating_sub(self.signal.bytes());
        drop(state);
        // Several pipelines may be waiting for the room that this leaves.
        self.shared.writable.notify_waiters();
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
