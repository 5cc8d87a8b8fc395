//! Configurations of TLS whose files may change while they are used.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::tls::Problem;
use crate::throttle::Throttle;

/// What was read from files, and is read again now and then.
#[derive(Debug)]
pub(super) struct Reloaded<C> {
    /// How often; zero is never.
    interval: Duration,
    current: Mutex<Current<C>>,
    log: Throttle,
}

#[derive(Debug)]
struct Current<C> {
    config: Arc<C>,
    read: Instant,
}

impl<C> Reloaded<C> {
    pub(super) fn new(config: C, interval: Duration) -> Self {
        Self {
            interval,
            current: Mutex::new(Current {
                config: Arc::new(config),
                read: Instant::now(),
            }),
            log: Throttle::default(),
        }
    }

    /// The configuration, read again by `read` where that is due. Files that are
    /// broken meanwhile, maybe half written, change nothing.
    pub(super) fn get(&self, read: impl FnOnce() -> Result<C, Problem>) -> Arc<C> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.interval.is_zero() && current.read.elapsed() >= self.interval {
            match read() {
                Ok(config) => current.config = Arc::new(config),
                Err(problem) if self.log.passes() => {
                    let (key, error) = (problem.key, problem.message);
                    tracing::warn!(key, error, "certificates that could not be read again");
                }
                Err(_) => {}
            }
            current.read = Instant::now();
        }
        Arc::clone(&current.config)
    }
}
