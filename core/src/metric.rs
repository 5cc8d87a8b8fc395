//! Metric points: what probes count in the kernel and the daemon counts of
//! itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::subject::{Attributes, Cgroup, Container};
use crate::time::WallNanos;

/// What a metric is, shared by its points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricDescriptor {
    /// Its name in OpenTelemetry's form, with dots.
    pub name: Key,
    /// Its unit in UCUM; empty for none.
    pub unit: Box<str>,
    /// One sentence for people.
    pub description: Box<str>,
    /// How its points add up.
    pub kind: MetricKind,
}

/// How the points of a metric add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricKind {
    /// A monotonic cumulative sum.
    Counter,
    /// A value of its own.
    Gauge,
    /// A cumulative histogram.
    Histogram,
}

/// One point of a metric.
#[derive(Clone, Debug)]
pub struct Point {
    /// What it is a point of.
    pub metric: Arc<MetricDescriptor>,
    /// What it is about.
    pub attributes: Attributes,
    /// The cgroup it is about, where its path is known; shown as what the
    /// `container` processor makes of it.
    pub cgroup: Option<Arc<Cgroup>>,
    /// The container it is about, where there is one.
    pub container: Option<Arc<Container>>,
    /// Since when counters and histograms count.
    pub start: WallNanos,
    /// The value.
    pub value: PointValue,
}

impl Point {
    /// The cgroup, where what is shown of it is among the point's attributes:
    /// only then the point's series is its alone.
    #[must_use]
    pub fn shown_cgroup(&self) -> Option<&Arc<Cgroup>> {
        let cgroup = self.cgroup.as_ref()?;
        let (key, _) = cgroup.attributes.iter().next()?;
        self.attributes.get(key.name()).map(|_| cgroup)
    }
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PointValue {
    /// A count.
    Uint(u64),
    /// A signed value.
    Int(i64),
    /// A floating-point value.
    Float(f64),
    /// A distribution.
    Histogram(Histogram),
}

/// A distribution over buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// How many values.
    pub count: u64,
    /// Their sum, where it was kept.
    pub sum: Option<f64>,
    /// Upper bounds (inclusive, ascending, the last may be infinite) with the
    /// number of values in that bucket alone.
    pub buckets: Vec<(f64, u64)>,
}

/// Points read at one moment.
#[derive(Clone, Debug, Default)]
pub struct MetricBatch {
    /// When they were read.
    pub time: WallNanos,
    /// The points.
    pub points: Vec<Point>,
}

impl MetricBatch {
    /// Memory that the batch keeps busy, in bytes, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Attributes of a point are a handful of short texts.
        const ATTRIBUTES_OF_A_POINT: usize = 256;
        let beside: usize = self.points.iter().map(|point| point.value.bytes()).sum();
        self.points.capacity() * (size_of::<Point>() + ATTRIBUTES_OF_A_POINT) + beside
    }
}

impl PointValue {
    /// Memory beside the value itself.
    fn bytes(&self) -> usize {
        match self {
            Self::Uint(_) | Self::Int(_) | Self::Float(_) => 0,
            Self::Histogram(histogram) => histogram.buckets.capacity() * size_of::<(f64, u64)>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Histogram, MetricBatch, MetricDescriptor, MetricKind, Point, PointValue};
    use crate::key::Key;
    use crate::subject::Attributes;
    use crate::time::WallNanos;

    /// The buckets of histograms count.
    #[test]
    fn a_batch_is_as_large_as_its_buckets() {
        let batch = |buckets: usize| {
            let points = vec![Point {
                metric: Arc::new(MetricDescriptor {
                    name: Key::new("a"),
                    unit: "".into(),
                    description: "".into(),
                    kind: MetricKind::Histogram,
                }),
                attributes: Attributes::default(),
                cgroup: None,
                container: None,
                start: WallNanos::default(),
                value: PointValue::Histogram(Histogram {
                    buckets: vec![(0.0, 0); buckets],
                    ..Histogram::default()
                }),
            }];
            MetricBatch {
                time: WallNanos::default(),
                points,
            }
        };
        assert_eq!(batch(64).bytes() - batch(0).bytes(), 64 * 16);
    }
}
