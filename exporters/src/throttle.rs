//! One log line for a trouble that repeats itself a thousand times a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets one through in this time.
const EVERY: Duration = Duration::from_secs(10);

/// Says when the next line is due; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Throttle(Arc<Mutex<Option<Instant>>>);

impl Throttle {
    /// Whether a line may be logged now.
    pub(crate) fn passes(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
