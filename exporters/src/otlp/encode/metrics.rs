//! Metric points: grouped by resource and metric, cumulative.

use std::sync::Arc;

use eunomia_core::component::Host;
use eunomia_core::metric::{Histogram, MetricBatch, MetricDescriptor, MetricKind};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::time::WallNanos;

use super::Request;
use super::format::{Format, METRICS as LISTS};
use super::json::{Field, end, write_item};
use super::json_tables::{HISTOGRAM_POINT, NUMBER_POINT};
use super::resource::{Envelope, Group};
use crate::json_string::write_string;
use crate::protobuf::Writer;

/// Field of `ScopeMetrics`.
const METRICS: u32 = 2;
/// Fields of `Metric`.
const NAME: u32 = 1;
const DESCRIPTION: u32 = 2;
const UNIT: u32 = 3;
const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;
/// Fields of `Sum`, `Gauge` and `Histogram`.
const DATA_POINTS: u32 = 1;
const TEMPORALITY: u32 = 2;
const IS_MONOTONIC: u32 = 3;
/// Fields of `NumberDataPoint` and `HistogramDataPoint`.
const START_TIME: u32 = 2;
const TIME: u32 = 3;
const AS_DOUBLE: u32 = 4;
const AS_INT: u32 = 6;
const NUMBER_ATTRIBUTES: u32 = 7;
const COUNT: u32 = 4;
const HISTOGRAM_SUM: u32 = 5;
const BUCKET_COUNTS: u32 = 6;
const EXPLICIT_BOUNDS: u32 = 7;
const HISTOGRAM_ATTRIBUTES: u32 = 9;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// Points of one metric about one resource.
struct Series {
    group: usize,
    metric: Arc<MetricDescriptor>,
    points: Vec<u8>,
}

/// The requests that `batch` takes, none larger than `max_bytes`, and how many
/// points are too large for any.
#[must_use]
pub fn encode_points(
    batch: &MetricBatch,
    host: &Host,
    max_bytes: usize,
    format: Format,
) -> (Vec<Request>, usize) {
    let mut encoder = PointsEncoder {
        envelope: Envelope::new(host, format, &LISTS),
        max_bytes,
        groups: Vec::new(),
        series: Vec::new(),
        bytes: 0,
        items: 0,
        done: Vec::new(),
    };
    let mut too_large = 0;
    for point in &batch.points {
        if !encoder.push(point, batch.time) {
            too_large += 1;
        }
    }
    encoder.finish();
    (encoder.done, too_large)
}

struct PointsEncoder {
    envelope: Envelope,
    max_bytes: usize,
    groups: Vec<Group>,
    series: Vec<Series>,
    bytes: usize,
    items: usize,
    done: Vec<Request>,
}

impl PointsEncoder {
    /// Whether there was room for `point` at all.
    fn push(&mut self, point: &Point, time: WallNanos) -> bool {
        let mut bytes = Vec::new();
        write_point(point, time, &mut Writer(&mut bytes));
        if self.envelope.format == Format::Json {
            bytes = json_point(point, &bytes);
        }
        let mut series = self.series(point);
        if self.bytes + bytes.len() > self.max_bytes {
            self.finish();
            series = self.series(point);
        }
        if self.bytes + bytes.len() > self.max_bytes {
            return false;
        }
        if let Some(series) = self.series.get_mut(series) {
            series.points.extend_from_slice(&bytes);
        }
        self.bytes += bytes.len();
        self.items += 1;
        true
    }

    /// The series that `point` belongs to, made if it is not there.
    fn series(&mut self, point: &Point) -> usize {
        let container = point.container.as_ref();
        let is_group = |group: &Group| group.is_about(container);
        let group = self.groups.iter().position(is_group).unwrap_or_else(|| {
            let group = self.envelope.group(container);
            self.bytes += group.overhead();
            self.groups.push(group);
            self.groups.len() - 1
        });
        let is_series = |series: &Series| series.group == group && *series.metric == *point.metric;
        // Points of one metric come one after another.
        self.series.iter().rposition(is_series).unwrap_or_else(|| {
            let series = Series {
                group,
                metric: Arc::clone(&point.metric),
                points: Vec::new(),
            };
            self.bytes += series.overhead(self.envelope.format);
            self.series.push(series);
            self.series.len() - 1
        })
    }

    fn finish(&mut self) {
        for series in self
            .series
            .drain(..)
            .filter(|series| !series.points.is_empty())
        {
            if let Some(group) = self.groups.get_mut(series.group) {
                series.write(self.envelope.format, &mut group.items);
            }
        }
        let mut body = Vec::with_capacity(self.bytes);
        self.envelope.begin(&mut body);
        for group in self
            .groups
            .drain(..)
            .filter(|group| !group.items.is_empty())
        {
            group.write(&mut body);
        }
        self.envelope.end(&mut body);
        self.bytes = 0;
        let items = std::mem::take(&mut self.items);
        if items > 0 {
            self.done.push(Request { body, items });
        }
    }
}

impl Series {
    /// Bytes that a metric takes beside its points, roughly.
    fn overhead(&self, format: Format) -> usize {
        const LENGTHS: usize = 32;
        let mut empty = Vec::new();
        self.write(format, &mut empty);
        empty.len() + LENGTHS
    }

    fn write(&self, format: Format, out: &mut Vec<u8>) {
        match format {
            Format::Protobuf => write_series(self, out),
            Format::Json => write_json_series(self, out),
        }
    }
}

fn write_series(series: &Series, out: &mut Vec<u8>) {
    let metric = &series.metric;
    Writer(out).message(METRICS, |out| {
        out.bytes(NAME, metric.name.name().as_bytes());
        if !metric.description.is_empty() {
            out.bytes(DESCRIPTION, metric.description.as_bytes());
        }
        if !metric.unit.is_empty() {
            out.bytes(UNIT, metric.unit.as_bytes());
        }
        let field = match metric.kind {
            MetricKind::Counter => SUM,
            MetricKind::Gauge => GAUGE,
            MetricKind::Histogram => HISTOGRAM,
        };
        out.message(field, |data| {
            data.0.extend_from_slice(&series.points);
            match metric.kind {
                MetricKind::Counter => {
                    data.varint(TEMPORALITY, CUMULATIVE);
                    data.bool(IS_MONOTONIC, true);
                }
                MetricKind::Histogram => data.varint(TEMPORALITY, CUMULATIVE),
                MetricKind::Gauge => {}
            }
        });
    });
}

/// The fields of a metric stand in JSON as they do in protobuf.
fn write_json_series(series: &Series, out: &mut Vec<u8>) {
    let metric = &series.metric;
    out.extend_from_slice(b"{\"name\":");
    write_string(metric.name.name(), out);
    for (key, text) in [
        (&b",\"description\":"[..], &metric.description),
        (b",\"unit\":", &metric.unit),
    ] {
        if !text.is_empty() {
            out.extend_from_slice(key);
            write_string(text, out);
        }
    }
    let (data, rest) = match metric.kind {
        MetricKind::Counter => (
            &b",\"sum\":{\"dataPoints\":["[..],
            &b",\"aggregationTemporality\":2,\"isMonotonic\":true}},"[..],
        ),
        MetricKind::Gauge => (&b",\"gauge\":{\"dataPoints\":["[..], &b"}},"[..]),
        MetricKind::Histogram => (
            &b",\"histogram\":{\"dataPoints\":["[..],
            &b",\"aggregationTemporality\":2}},"[..],
        ),
    };
    out.extend_from_slice(data);
    out.extend_from_slice(&series.points);
    end(b']', out);
    out.extend_from_slice(rest);
}

/// What `write_point` wrote, as JSON.
fn json_point(point: &Point, protobuf: &[u8]) -> Vec<u8> {
    let fields: &[Field] = match point.value {
        PointValue::Uint(_) | PointValue::Int(_) | PointValue::Float(_) => &NUMBER_POINT,
        PointValue::Histogram(_) => &HISTOGRAM_POINT,
    };
    let mut json = Vec::new();
    write_item(fields, protobuf, &mut json);
    json
}

fn write_point(point: &Point, time: WallNanos, out: &mut Writer<'_>) {
    out.message(DATA_POINTS, |out| {
        // A gauge has no beginning.
        if point.metric.kind != MetricKind::Gauge {
            out.fixed64(START_TIME, point.start.0);
        }
        out.fixed64(TIME, time.0);
        let attributes = match &point.value {
            PointValue::Uint(value) => {
                out.fixed64(
                    AS_INT,
                    i64::try_from(*value).unwrap_or(i64::MAX).cast_unsigned(),
                );
                NUMBER_ATTRIBUTES
            }
            PointValue::Int(value) => {
                out.fixed64(AS_INT, value.cast_unsigned());
                NUMBER_ATTRIBUTES
            }
            PointValue::Float(value) => {
                out.double(AS_DOUBLE, *value);
                NUMBER_ATTRIBUTES
            }
            PointValue::Histogram(histogram) => {
                write_histogram(histogram, out);
                HISTOGRAM_ATTRIBUTES
            }
        };
        for (key, value) in point.attributes.iter() {
            out.attribute(attributes, key, value);
        }
    });
}

/// OTLP has one bucket more than bounds: the one that reaches to infinity.
fn write_histogram(histogram: &Histogram, out: &mut Writer<'_>) {
    out.fixed64(COUNT, histogram.count);
    if let Some(sum) = histogram.sum {
        out.double(HISTOGRAM_SUM, sum);
    }
    let is_infinite = |bound: f64| bound.is_infinite();
    let ends_open = histogram
        .buckets
        .last()
        .is_some_and(|(bound, _)| is_infinite(*bound));
    let counts = histogram.buckets.iter().map(|(_, count)| *count);
    let in_buckets = counts.fold(0, u64::saturating_add);
    out.message(BUCKET_COUNTS, |packed| {
        for (_, count) in &histogram.buckets {
            packed.0.extend_from_slice(&count.to_le_bytes());
        }
        if !ends_open {
            let beyond = histogram.count.saturating_sub(in_buckets);
            packed.0.extend_from_slice(&beyond.to_le_bytes());
        }
    });
    out.message(EXPLICIT_BOUNDS, |packed| {
        let bounds = histogram.buckets.iter().map(|(bound, _)| *bound);
        for bound in bounds.filter(|bound| !is_infinite(*bound)) {
            packed.0.extend_from_slice(&bound.to_le_bytes());
        }
    });
}
