//! A server that has too much to do is left alone by all who write to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::net::RetrySettings;

/// The longest time that the other side can make us wait.
const MAX_ASKED: Duration = Duration::from_secs(600);

/// Until when nobody writes; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Pause(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    retry: RetrySettings,
    until: Option<Instant>,
    /// The next wait, where the other side asks for none.
    wait: Duration,
}

impl Pause {
    pub(super) fn new(retry: RetrySettings) -> Self {
        Self(Arc::new(Mutex::new(State {
            retry,
            until: None,
            wait: retry.initial.0,
        })))
    }

    /// How long it still lasts.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = self.state().until?.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some(left)
    }

    /// Begins or prolongs it: by what the other side `asked` for, and by no less
    /// than our own wait, which doubles. Gives the time until its end.
    pub(super) fn begin(&self, asked: Option<Duration>) -> Duration {
        let now = Instant::now();
        let mut state = self.state();
        let asked = asked.unwrap_or_default().min(MAX_ASKED);
        // Requests that were on their way together are refused together: that is
        // one refusal.
        let until = match state.until.filter(|until| *until > now) {
            Some(until) => until.max(now + asked),
            None => {
                let wait = state.wait;
                state.wait = (wait * 2).min(state.retry.max.0);
                now + asked.max(wait)
            }
        };
        state.until = Some(until);
        until.duration_since(now)
    }

    /// The other side took a request: the next pause is a short one again.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        if state.until.is_none_or(|until| until <= Instant::now()) {
            state.wait = state.retry.initial.0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
