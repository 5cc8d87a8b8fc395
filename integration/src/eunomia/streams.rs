//! Reading what a child writes while it runs, so that it never waits for us.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The lines of one stream so far; a line that is not UTF-8 is kept lossily.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) lines: Vec<String>,
    pub(super) ended: bool,
}

impl Lines {
    /// Starts a thread that reads `stream` to its end.
    pub(super) fn of(stream: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let writer = lines.clone();
        let reader = thread::spawn(move || writer.read(stream));
        (lines, reader)
    }

    fn read(&self, stream: impl Read) {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
            self.lock().lines.push(text.into_owned());
            self.0.changed.notify_all();
            line.clear();
        }
        self.lock().ended = true;
        self.0.changed.notify_all();
    }

    /// A look at what is there; a reader that panicked leaves what it had.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` is satisfied, the stream ends, or the time is up; says whether it was.
    pub(super) fn wait(&self, limit: Duration, mut look: impl FnMut(&[String]) -> bool) -> bool {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if look(&state.lines) {
                return true;
            }
            let left = limit.saturating_sub(start.elapsed());
            if state.ended || left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
