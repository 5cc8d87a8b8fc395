//! Opens at a pace, for measurements.

use std::fs::File;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// Opens `paths` in turn, as many a second as asked, in steps of a millisecond; how many opens
/// there were.
///
/// # Errors
/// A path cannot be opened.
pub fn paced_opens<P: AsRef<Path>>(paths: &[P], rate: u64, time: Duration) -> Result<u64> {
    let start = Instant::now();
    let mut turn = paths.iter().cycle();
    let mut done = 0;
    while start.elapsed() < time {
        let passed = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        while done < rate * passed / 1000
            && let Some(path) = turn.next()
        {
            drop(File::open(path).map_err(Error::io("open", path.as_ref()))?);
            done += 1;
        }
        sleep(Duration::from_millis(1));
    }
    Ok(done)
}
