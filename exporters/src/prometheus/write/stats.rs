//! What became of the samples that were to be sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eunomia_core::account::{Account, Accountable};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::time::WallNanos;

use crate::prometheus::own::{DROPPED, WRITTEN};

/// Counts samples and native histograms; the account of the exporter is about
/// what reached the page.
#[derive(Debug)]
pub(super) struct WriteStats {
    exporter: Arc<str>,
    start: WallNanos,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    written: u64,
    dropped_by: BTreeMap<Box<str>, u64>,
}

impl WriteStats {
    pub(super) fn new(exporter: &Arc<str>, start: WallNanos) -> Self {
        Self {
            exporter: Arc::clone(exporter),
            start,
            counts: Mutex::new(Counts::default()),
        }
    }

    /// Counts samples that were taken.
    pub(super) fn written(&self, samples: u64) {
        self.counts().written += samples;
    }

    /// Counts samples that were not.
    pub(super) fn dropped(&self, samples: u64, reason: &str) {
        if samples > 0 {
            *self.counts().dropped_by.entry(reason.into()).or_default() += samples;
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accountable for WriteStats {
    fn accounts(&self) -> Vec<Account> {
        Vec::new()
    }

    fn points(&self) -> Vec<Point> {
        let counts = self.counts();
        let exporter = ("exporter", &*self.exporter);
        let value = PointValue::Uint(counts.written);
        let mut points = vec![WRITTEN.point(&[exporter], self.start, value)];
        for (reason, count) in &counts.dropped_by {
            let labels = [exporter, ("reason", &**reason)];
            points.push(DROPPED.point(&labels, self.start, PointValue::Uint(*count)));
        }
        points
    }
}
