//! What the program uses itself: CPU time and memory.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use eunomia_core::account::{Account, Accountable};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::own::{PROCESS_CPU, PROCESS_MEMORY};
use eunomia_core::time::WallNanos;

/// CPU time and memory of this process.
#[derive(Clone, Copy, Debug)]
pub struct OwnMetrics {
    started: WallNanos,
}

impl Default for OwnMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl OwnMetrics {
    /// Metrics that count from now.
    #[must_use]
    pub fn new() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)),
        }
    }
}

impl Accountable for OwnMetrics {
    fn accounts(&self) -> Vec<Account> {
        Vec::new()
    }

    fn points(&self) -> Vec<Point> {
        let cpu = PointValue::Float(cpu_seconds());
        let memory = resident_bytes()
            .map(|bytes| PROCESS_MEMORY.point(&[], self.started, PointValue::Uint(bytes)));
        [PROCESS_CPU.point(&[], self.started, cpu)]
            .into_iter()
            .chain(memory)
            .collect()
    }
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time)
        .unwrap_or_default()
        .as_secs_f64()
}

/// The second number of `statm`, in pages.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}
