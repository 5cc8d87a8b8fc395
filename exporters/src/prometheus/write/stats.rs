//! What became of the samples that were to be sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eunomia_core::account::{Account, Accountable};
use eunomia_core::key::Key;
use eunomia_core::metric::{MetricDescriptor, MetricKind, Point, PointValue};
use eunomia_core::subject::Attributes;
use eunomia_core::time::WallNanos;
use eunomia_core::value::OwnedValue;

/// Counts samples and native histograms; the account of the exporter is about
/// what reached the page.
#[derive(Debug)]
pub(super) struct WriteStats {
    exporter: Arc<str>,
    start: WallNanos,
    written: Arc<MetricDescriptor>,
    dropped: Arc<MetricDescriptor>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    written: u64,
    dropped_by: BTreeMap<Box<str>, u64>,
}

impl WriteStats {
    pub(super) fn new(exporter: &Arc<str>, start: WallNanos) -> Self {
        let counter = |name: &str, description: &str| {
            Arc::new(MetricDescriptor {
                name: Key::new(name),
                unit: "{sample}".into(),
                description: description.into(),
                kind: MetricKind::Counter,
            })
        };
        Self {
            exporter: Arc::clone(exporter),
            start,
            written: counter(
                "eunomia.prometheus.remote_write.written_samples",
                "Samples that the receiver of remote write took.",
            ),
            dropped: counter(
                "eunomia.prometheus.remote_write.dropped_samples",
                "Samples that the receiver of remote write did not take.",
            ),
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

    fn point(&self, metric: &Arc<MetricDescriptor>, reason: Option<&str>, value: u64) -> Point {
        let mut attributes = Attributes::default();
        let text = |text: &str| OwnedValue::Str(text.into());
        attributes.push(&Key::new("exporter"), text(&self.exporter));
        if let Some(reason) = reason {
            attributes.push(&Key::new("reason"), text(reason));
        }
        Point {
            metric: Arc::clone(metric),
            attributes,
            container: None,
            start: self.start,
            value: PointValue::Uint(value),
        }
    }
}

impl Accountable for WriteStats {
    fn accounts(&self) -> Vec<Account> {
        Vec::new()
    }

    fn points(&self) -> Vec<Point> {
        let counts = self.counts();
        let written = self.point(&self.written, None, counts.written);
        let dropped = counts.dropped_by.iter();
        let dropped =
            dropped.map(|(reason, count)| self.point(&self.dropped, Some(reason), *count));
        std::iter::once(written).chain(dropped).collect()
    }
}
