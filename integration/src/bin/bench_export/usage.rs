//! CPU time and memory of a process, threads that have ended included.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Outcome;

/// What a process has used since it began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_ns: f64,
    /// Its memory when there was most of it.
    pub(crate) rss_mib: f64,
}

impl Usage {
    /// Of a process that runs, or of one that has ended and was not waited for.
    pub(crate) fn of(pid: u32) -> Outcome<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let ticks = |field: usize| -> Outcome<f64> {
            // The name, in parentheses, may hold blanks.
            let behind = stat.rsplit(')').next().unwrap_or_default();
            let text = behind.split_whitespace().nth(field).unwrap_or_default();
            Ok(text.parse()?)
        };
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let (user, system) = (ticks(11)?, ticks(12)?);
        Ok(Self {
            cpu_ns: (user + system) * 1e9 / clock_ticks_per_second() as f64,
            rss_mib: kib.map_or(Ok(0.0), str::parse::<f64>)? / 1024.0,
        })
    }

    /// Waits until process `ends` has ended; what `measured`, maybe the same one, has used then.
    pub(crate) fn until_ended(ends: u32, measured: u32) -> Outcome<Self> {
        let mut highest = 0.0_f64;
        loop {
            let ended = has_ended(ends)?;
            let usage = Self::of(measured)?;
            // What has ended has no memory any more.
            highest = highest.max(usage.rss_mib);
            if ended {
                return Ok(Self {
                    rss_mib: highest,
                    ..usage
                });
            }
            sleep(Duration::from_millis(10));
        }
    }
}

fn has_ended(pid: u32) -> Outcome<bool> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Ok(stat
        .rsplit(')')
        .next()
        .is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

/// Has `start` start its processes on this core alone, where the machine has it.
pub(crate) fn pinned<T, E: Into<Box<dyn std::error::Error>>>(
    core: usize,
    start: impl FnOnce() -> Result<T, E>,
) -> Outcome<T> {
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(core);
    if before.is_set(core) {
        sched_setaffinity(None, &only)?;
    }
    let started = start();
    sched_setaffinity(None, &before)?;
    started.map_err(Into::into)
}
