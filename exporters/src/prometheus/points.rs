//! The latest point of every series that probes count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eunomia_core::metric::{Histogram, MetricBatch, Point, PointValue};
use eunomia_core::subject::Cgroup;
use eunomia_core::time::WallNanos;

use super::family::{Distribution, Head, Number, Sample, Series, Sink, Type};
use super::gone::Gone;
use super::labels::Labels;
use super::name::{MetricName, Scale};
use super::owners::has_ended_by;
use super::rules::Rules;

/// Metrics by their names on the page.
#[derive(Debug)]
pub(super) struct Points {
    rules: Arc<Rules>,
    overflow: Labels,
    metrics: BTreeMap<String, Metric>,
    /// How many batches there were.
    batch: u64,
}

#[derive(Debug)]
struct Metric {
    help: Box<str>,
    unit: Box<str>,
    kind: Type,
    series: BTreeMap<Labels, Latest>,
    overflow: u64,
}

#[derive(Debug)]
struct Latest {
    sample: Sample,
    start: Option<WallNanos>,
    time: WallNanos,
    /// The batch that it is of.
    batch: u64,
    /// The cgroup that the series ends with.
    cgroup: Option<Arc<Cgroup>>,
}

impl Points {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self {
            overflow: rules.overflow(),
            rules,
            metrics: BTreeMap::new(),
            batch: 0,
        }
    }

    /// Takes the points of `batch`; gives the number of those whose name
    /// another metric has. Points with the same labels add up.
    pub(super) fn update(&mut self, batch: &MetricBatch, is_taken: &dyn Fn(&str) -> bool) -> usize {
        self.batch += 1;
        let mut refused = 0;
        let mut last: Option<(&Point, MetricName)> = None;
        for point in &batch.points {
            // Points of one metric come one after another.
            let name = match last.take() {
                Some((before, name)) if Arc::ptr_eq(&before.metric, &point.metric) => name,
                Some(_) | None => self.rules.metric_name(point),
            };
            if !self.put(point, &name, batch.time, is_taken) {
                refused += 1;
            }
            last = Some((point, name));
        }
        refused
    }

    /// Forgets what has not been updated for long or is of a cgroup that has
    /// ended, and says what that is.
    pub(super) fn expire(&mut self, now: WallNanos, idle: Duration, gone: &mut Gone) {
        let idle = u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX);
        let last_end = self.rules.last_end(now);
        for (name, metric) in &mut self.metrics {
            let is_old = |latest: &Latest| {
                let mut cgroup = latest.cgroup.iter();
                now.0.saturating_sub(latest.time.0) >= idle
                    || cgroup.any(|cgroup| has_ended_by(cgroup, last_end))
            };
            let head = Head {
                name,
                help: &metric.help,
                unit: &metric.unit,
                kind: metric.kind,
            };
            let old = metric.series.extract_if(.., |_, latest| is_old(latest));
            for (labels, latest) in old {
                gone.push(&head, labels, latest.sample);
            }
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

    /// Shows every metric.
    pub(super) fn show(&self, sink: &mut dyn Sink) {
        for (name, metric) in &self.metrics {
            let head = Head {
                name,
                help: &metric.help,
                unit: &metric.unit,
                kind: metric.kind,
            };
            let mut series = metric.series.iter().map(|(labels, latest)| Series {
                labels,
                value: latest.sample.value(),
                start: latest.start,
            });
            sink.family(&head, &mut series);
        }
    }

    /// Whether a metric or a sample of it has this name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        let mut metrics = self.metrics.iter();
        metrics.any(|(own, metric)| metric.kind.names(own).any(|taken| taken == name))
    }

    /// Whether `point` may have this name. Points of one name
    /// and other help or unit are taken as they are; of the names of two metrics
    /// of different types the later one is refused.
    fn put(
        &mut self,
        point: &Point,
        name: &MetricName,
        time: WallNanos,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> bool {
        let kind = Type::from(point.metric.kind);
        let cgroup = point.shown_cgroup();
        // The kernel's map goes on having it.
        if cgroup.is_some_and(|cgroup| has_ended_by(cgroup, self.rules.last_end(time))) {
            return true;
        }
        let is_histogram = matches!(point.value, PointValue::Histogram(_));
        if is_histogram != (kind == Type::Histogram) {
            return false;
        }
        if !self.metrics.contains_key(&name.name) {
            let is_free = |name: String| !is_taken(&name) && !self.has_name(&name);
            if !kind.names(&name.name).all(is_free) {
                return false;
            }
            let metric = Metric {
                help: point.metric.description.clone(),
                unit: name.unit.as_str().into(),
                kind,
                series: BTreeMap::new(),
                overflow: 0,
            };
            self.metrics.insert(name.name.clone(), metric);
        }
        let labels = self.rules.point_labels(point);
        let latest = Latest {
            sample: sample(&point.value, name.scale),
            start: Some(point.start).filter(|start| kind != Type::Gauge && start.0 > 0),
            time,
            batch: self.batch,
            cgroup: cgroup.cloned(),
        };
        match self.metrics.get_mut(&name.name) {
            Some(metric) if metric.kind == kind => {
                metric.put(labels, latest, (self.rules.limit, &self.overflow));
                true
            }
            Some(_) | None => false,
        }
    }
}

impl Metric {
    /// Keeps `latest`, in the overflow's series where there are too many.
    fn put(&mut self, labels: Labels, latest: Latest, (limit, overflow): (usize, &Labels)) {
        if let Some(known) = self.series.get_mut(&labels) {
            return known.update(latest);
        }
        let has_room = self.series.len() < limit;
        let labels = if has_room {
            labels
        } else {
            self.overflow += 1;
            overflow.clone()
        };
        match self.series.get_mut(&labels) {
            Some(known) => known.update(latest),
            None => drop(self.series.insert(labels, latest)),
        }
    }
}

impl Latest {
    /// Adds what is of the same batch, is replaced by what is of a later one.
    fn update(&mut self, latest: Self) {
        if self.batch != latest.batch {
            *self = latest;
            return;
        }
        self.sample.add(latest.sample);
        self.start = self.start.zip(latest.start).map(|(a, b)| a.min(b));
    }
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
    Distribution {
        buckets: histogram.buckets.clone(),
        sum: histogram.sum,
        count: histogram.count,
        scale,
    }
}
