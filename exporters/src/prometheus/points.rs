//! The latest point of every series that probes count.

use std::collections::BTreeMap;
use std::time::Duration;

use eunomia_core::metric::{Histogram, MetricBatch, MetricKind, Point, PointValue};
use eunomia_core::time::WallNanos;

use super::encode::{Distribution, Family, Labels, Number, Sample, Type};
use super::events::text;
use super::name::{Scale, label_name, metric_name};
use crate::names::{CONTAINER_ID, CONTAINER_NAME};

/// How long a series is shown that is not updated any more.
const IDLE: Duration = Duration::from_secs(300);

/// Metrics by their names on the page.
#[derive(Debug)]
pub(super) struct Points {
    limit: usize,
    metrics: BTreeMap<String, Metric>,
}

#[derive(Debug)]
struct Metric {
    help: Box<str>,
    kind: Type,
    series: BTreeMap<Labels, Latest>,
    overflow: u64,
}

#[derive(Debug)]
struct Latest {
    sample: Sample,
    time: WallNanos,
}

impl Points {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            metrics: BTreeMap::new(),
        }
    }

    /// Takes the points of `batch`; gives the number of those whose name
    /// another metric has. Points with the same labels add up.
    pub(super) fn update(&mut self, batch: &MetricBatch, is_taken: fn(&str) -> bool) -> usize {
        let mut refused = 0;
        let mut fresh = BTreeMap::<(String, Labels), Sample>::new();
        for point in &batch.points {
            let name = metric_name(&point.metric);
            if is_taken(&name.name) || !self.has_room_for(&name.name, point) {
                refused += 1;
                continue;
            }
            let sample = sample(&point.value, name.scale);
            let labels = self.admit(&name.name, labels(point));
            match fresh.get_mut(&(name.name.clone(), labels.clone())) {
                Some(known) => known.add(sample),
                None => drop(fresh.insert((name.name, labels), sample)),
            }
        }
        for ((name, labels), sample) in fresh {
            if let Some(metric) = self.metrics.get_mut(&name) {
                let time = batch.time;
                metric.series.insert(labels, Latest { sample, time });
            }
        }
        refused
    }

    /// Forgets what has not been updated for long.
    pub(super) fn expire(&mut self, now: WallNanos) {
        let idle = u64::try_from(IDLE.as_nanos()).unwrap_or(u64::MAX);
        for metric in self.metrics.values_mut() {
            let is_kept = |latest: &Latest| now.0.saturating_sub(latest.time.0) < idle;
            metric.series.retain(|_, latest| is_kept(latest));
        }
        self.metrics.retain(|_, metric| !metric.series.is_empty());
    }

    /// Of every metric its name, its number of series, and how many points found
    /// no room for theirs.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (&str, usize, u64)> {
        self.metrics
            .iter()
            .map(|(name, metric)| (name.as_str(), metric.series.len(), metric.overflow))
    }

    pub(super) fn families(&self) -> impl Iterator<Item = Family> {
        self.metrics.iter().map(|(name, metric)| {
            let mut family = Family::new(name, &metric.help, metric.kind);
            for (labels, latest) in &metric.series {
                family.add(labels.clone(), latest.sample.clone());
            }
            family
        })
    }

    /// Whether `point` can be of the metric called `name`, made if it is new.
    /// Of two metrics of one name and different types the later one is refused.
    fn has_room_for(&mut self, name: &str, point: &Point) -> bool {
        let kind = match point.metric.kind {
            MetricKind::Counter => Type::Counter,
            MetricKind::Gauge => Type::Gauge,
            MetricKind::Histogram => Type::Histogram,
        };
        let is_histogram = matches!(point.value, PointValue::Histogram(_));
        if is_histogram != (kind == Type::Histogram) {
            return false;
        }
        let metric = self
            .metrics
            .entry(name.to_owned())
            .or_insert_with(|| Metric {
                help: point.metric.description.clone(),
                kind,
                series: BTreeMap::new(),
                overflow: 0,
            });
        metric.kind == kind
    }

    /// `labels`, or those of the overflow where there are too many series.
    fn admit(&mut self, name: &str, labels: Labels) -> Labels {
        let Some(metric) = self.metrics.get_mut(name) else {
            return labels;
        };
        if metric.series.contains_key(&labels) {
            return labels;
        }
        if metric.series.len() < self.limit {
            let time = WallNanos(0);
            let sample = Sample::Number(Number::Uint(0));
            metric
                .series
                .insert(labels.clone(), Latest { sample, time });
            return labels;
        }
        metric.overflow += 1;
        Labels::overflow()
    }
}

fn labels(point: &Point) -> Labels {
    let own = point.attributes.iter();
    let container = point.container.iter().flat_map(|one| one.attributes.iter());
    // Enough to tell which container it is.
    let container =
        container.filter(|(key, _)| [CONTAINER_ID, CONTAINER_NAME].contains(&key.name()));
    Labels::new(
        own.chain(container)
            .map(|(key, value)| (label_name(key.name()), text(value))),
    )
}

fn sample(value: &PointValue, scale: Scale) -> Sample {
    match value {
        PointValue::Uint(value) => Sample::Number(Number::Uint(*value).scaled(scale)),
        PointValue::Int(value) => Sample::Number(Number::Int(*value).scaled(scale)),
        PointValue::Float(value) => Sample::Number(Number::Float(*value).scaled(scale)),
        PointValue::Histogram(histogram) => Sample::Distribution(distribution(histogram, scale)),
    }
}

fn distribution(histogram: &Histogram, scale: Scale) -> Distribution {
    let scaled = |(bound, count): &(f64, u64)| (scale.apply(*bound), *count);
    Distribution {
        buckets: histogram.buckets.iter().map(scaled).collect(),
        // Prometheus knows no histogram without a sum.
        sum: scale.apply(histogram.sum.unwrap_or(f64::NAN)),
        count: histogram.count,
    }
}
