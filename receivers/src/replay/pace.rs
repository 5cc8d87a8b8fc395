//! When a batch is due.

use std::time::Duration;

use eunomia_core::signal::Signal;
use eunomia_core::time::WallNanos;
use tokio::time::Instant;

use super::Speed;

/// Puts the times of a recording on the clock of the present.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    /// When the first batch was played, and its own time.
    begin: Option<(Instant, WallNanos)>,
}

impl Pace {
    pub(super) fn new(speed: Speed) -> Self {
        Self { speed, begin: None }
    }

    /// When `signal` is to be sent, `None` for at once.
    pub(super) fn due(&mut self, signal: &Signal) -> Option<Instant> {
        let Speed::Times(times) = self.speed else {
            return None;
        };
        let time = time(signal)?;
        let (begin, first) = *self.begin.get_or_insert_with(|| (Instant::now(), time));
        let passed = Duration::from_nanos(time.0.saturating_sub(first.0));
        // A speed next to nothing makes a wait without end.
        let scaled = Duration::try_from_secs_f64(passed.as_secs_f64() / times);
        begin.checked_add(scaled.unwrap_or(Duration::MAX))
    }
}

fn time(signal: &Signal) -> Option<WallNanos> {
    match signal {
        Signal::Events(batch) => batch.row(0).map(|row| row.time()),
        Signal::Metrics(batch) => Some(batch.time),
    }
}
