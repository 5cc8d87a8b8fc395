//! Waiting for a condition, never for a time.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io::{Write as _, stderr};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How long anything may take before it counts as never coming. It costs nothing where all is well,
/// so it is far beyond what a busy machine takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// How often a condition that nobody announces is looked at again.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks `look` again and again until it answers, at most for five minutes.
///
/// # Errors
/// [`Error::Deadline`] with `what` when there was no answer in time, or the first error of `look`.
pub fn until<T>(what: &str, look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    within(what, LIMIT, look)
}

/// The same for another limit.
pub(crate) fn within<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = look()? {
            return Ok(answer);
        }
        if start.elapsed() >= limit {
            return Err(Error::Deadline {
                what: what.to_owned(),
                seconds: limit.as_secs(),
            });
        }
        thread::sleep(PAUSE);
    }
}

/// Says on standard error what went wrong where nothing can be returned, as in a drop.
pub(crate) fn complain(error: &Error) {
    let mut text = format!("eunomia-integration: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a String cannot fail.
        if write!(text, ": {inner}").is_err() {
            break;
        }
        cause = inner.source();
    }
    if writeln!(stderr(), "{text}").is_err() {
        // Nobody is left to be told.
    }
}
