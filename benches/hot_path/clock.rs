//! CPU time of this thread, and what many rounds of it come to.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of CPU that this thread has used. What others do on the machine
/// is not in it, as far as it does not empty our caches.
pub(crate) fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Rounds of one measurement.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Vec<u64>);

impl Rounds {
    /// Measures `act`.
    pub(crate) fn time<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let before = cpu_ns();
        let made = act();
        self.0.push(cpu_ns() - before);
        made
    }

    /// The median and the best round, divided by `count`.
    pub(crate) fn per(&mut self, count: usize) -> (f64, f64) {
        self.0.sort_unstable();
        let one = |at: usize| self.0.get(at).map_or(0.0, |&ns| ns as f64 / count as f64);
        (one(self.0.len() / 2), one(0))
    }
}
