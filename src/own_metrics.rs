//! What the program uses itself: CPU time and memory.

use std::fs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use eunomia_core::account::{Account, Accountable};
use eunomia_core::key::Key;
use eunomia_core::metric::{MetricDescriptor, MetricKind, Point, PointValue};
use eunomia_core::subject::Attributes;
use eunomia_core::time::WallNanos;

/// CPU time and memory of this process.
#[derive(Debug)]
pub struct OwnMetrics {
    cpu: Arc<MetricDescriptor>,
    memory: Arc<MetricDescriptor>,
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
        let metric = |name, unit: &str, description: &str, kind| {
            Arc::new(MetricDescriptor {
                name: Key::new(name),
                unit: unit.into(),
                description: description.into(),
                kind,
            })
        };
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            cpu: metric(
                "eunomia.process.cpu",
                "s",
                "CPU time that this program has used.",
                MetricKind::Counter,
            ),
            memory: metric(
                "eunomia.process.memory.rss",
                "By",
                "Memory that this program keeps resident.",
                MetricKind::Gauge,
            ),
            started: WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)),
        }
    }

    fn point(&self, metric: &Arc<MetricDescriptor>, value: PointValue) -> Point {
        Point {
            metric: Arc::clone(metric),
            attributes: Attributes::default(),
            container: None,
            start: self.started,
            value,
        }
    }
}

impl Accountable for OwnMetrics {
    fn accounts(&self) -> Vec<Account> {
        Vec::new()
    }

    fn points(&self) -> Vec<Point> {
        let memory =
            resident_bytes().map(|bytes| self.point(&self.memory, PointValue::Uint(bytes)));
        std::iter::once(self.point(&self.cpu, PointValue::Float(cpu_seconds())))
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
