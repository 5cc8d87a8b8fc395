//! System calls of this process, and what they cost it.

use std::fmt;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};

use rustix::process;
use rustix::time::{ClockId, clock_gettime};

use crate::Outcome;

/// Calls of one measurement.
const CALLS: u32 = 200_000;

/// The best figures without the daemon and with it, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    without: Option<f64>,
    with: Option<f64>,
}

impl Cost {
    pub(crate) fn without(&mut self, ns: f64) {
        self.without = Some(self.without.map_or(ns, |best| best.min(ns)));
    }

    pub(crate) fn with(&mut self, ns: f64) {
        self.with = Some(self.with.map_or(ns, |best| best.min(ns)));
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (without, with) = (self.without.unwrap_or(0.0), self.with.unwrap_or(0.0));
        let (more, ratio) = (with - without, with / without);
        write!(f, "{without:.0} | {with:.0} | {more:.0} | {ratio:.2}")
    }
}

/// CPU time of this thread, that in the kernel included.
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn each(calls: u32, mut call: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let before = cpu_ns();
    for _ in 0..calls {
        call()?;
    }
    Ok((cpu_ns() - before) / f64::from(calls))
}

/// Nanoseconds of a `getppid`.
pub(crate) fn getppid() -> Outcome<f64> {
    each(10 * CALLS, || {
        black_box(process::getppid());
        Ok(())
    })
}

/// Nanoseconds of opening and closing `path`, which may fail.
pub(crate) fn open(path: &Path) -> Outcome<f64> {
    each(CALLS, || {
        if let Ok(file) = black_box(File::open(path)) {
            drop(file);
        }
        Ok(())
    })
}

/// A file whose path has ten parts.
pub(crate) fn deep_path(folder: &Path) -> Outcome<PathBuf> {
    const PARTS: usize = 10;
    let mut path = folder.to_owned();
    let have = path.components().skip(1).count();
    for part in have + 1..PARTS {
        path.push(format!("part{part}"));
    }
    fs::create_dir_all(&path)?;
    path.push("file.conf");
    File::create(&path)?;
    Ok(path)
}
