//! Requests that a peer has at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// How often everything else gets its turn before those who are there are answered.
const ROUNDS: usize = 1000;

/// Answers nobody before so many are there; clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Crowd(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    wanted: usize,
    there: AtomicUsize,
    most: AtomicUsize,
    /// Closed when all are there: then nobody waits.
    closes: Semaphore,
}

impl Crowd {
    pub(crate) fn of(wanted: usize) -> Self {
        Self(Arc::new(Gate {
            wanted,
            there: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            closes: Semaphore::new(0),
        }))
    }

    /// Comes, and leaves when all were there.
    pub(crate) async fn join(&self) {
        let there = self.0.there.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(there, Ordering::SeqCst);
        if there == self.0.wanted {
            // Who comes although all are there has time to.
            for _ in 0..ROUNDS {
                yield_now().await;
            }
            self.0.closes.close();
        }
        assert!(self.0.closes.acquire().await.is_err());
        self.0.there.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many were there at once.
    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }
}
