//! Metric points as points of InfluxDB.

use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, MetricKind, Point, PointValue};
use eunomia_core::subject::Attributes;
use eunomia_core::time::WallNanos;
use eunomia_core::value::Value;

use super::encoder::LineSettings;
use super::events::{end_line, measurement};
use super::field::{Unsigned, write_field};
use super::tags::{TagNames, Tags};
use super::times::Times;
use crate::influxdb::config::Schema;
use crate::names::{EVENT_TAGS, HOST_NAME};
use crate::resource::{VERSION, host_attributes};

/// The one measurement of Telegraf's second schema.
const PROMETHEUS: &[u8] = b"prometheus";
/// The tag of a bucket there.
const BOUND: &str = "le";
/// What made the points, in Telegraf's schemas.
const SCOPE: &str = "eunomia-pipeline";
/// Since when a point counts, in Telegraf's schemas.
const START_TIME: &str = "start_time_unix_nano";

/// Writes metric points.
#[derive(Debug)]
pub(super) struct Points {
    layout: Layout,
    names: TagNames,
    /// Tags that all points have.
    tags: Vec<(Key, Box<str>)>,
    unsigned: Unsigned,
    /// Nanoseconds in a unit of time.
    unit: u64,
    collected: Tags,
}

/// How a point is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Eunomia,
    /// Telegraf's schemas: all attributes are tags, all numbers floats.
    MeasurementEach,
    OneMeasurement,
}

impl Points {
    pub(super) fn new(host: &Host, settings: &LineSettings) -> Self {
        let layout = match settings.schema {
            Schema::Eunomia => Layout::Eunomia,
            Schema::TelegrafPrometheusV1 | Schema::OtelLogs => Layout::MeasurementEach,
            Schema::TelegrafPrometheusV2 => Layout::OneMeasurement,
        };
        let scope = [
            ("otel.library.name", SCOPE),
            ("otel.library.version", VERSION),
        ];
        let is_tag = |(name, _): &(&str, &str)| layout != Layout::Eunomia || *name == HOST_NAME;
        let tags = host_attributes(host).chain(scope).filter(is_tag);
        let own = settings.tags.iter().map(String::as_str);
        Self {
            layout,
            names: TagNames::new(own.chain(EVENT_TAGS)),
            tags: tags
                .map(|(name, value)| (Key::new(name), value.into()))
                .collect(),
            unsigned: settings.unsigned,
            unit: settings.precision.nanos(),
            collected: Tags::default(),
        }
    }

    /// Appends the lines of `point`; gives their number, which is none where
    /// nothing is a field.
    pub(super) fn write(
        &mut self,
        point: &Point,
        time: WallNanos,
        times: &mut Times,
        out: &mut Vec<u8>,
    ) -> usize {
        let mut lines = Lines {
            point,
            time: time.0 / self.unit,
            times,
            out,
            written: 0,
        };
        match (self.layout, &point.value) {
            (Layout::OneMeasurement, PointValue::Histogram(histogram)) => {
                self.write_buckets(histogram, &mut lines);
            }
            (Layout::OneMeasurement, value) => {
                let name = point.metric.name.name();
                self.write_line(None, &mut lines, |fields| fields.number(name, value));
            }
            (Layout::Eunomia | Layout::MeasurementEach, PointValue::Histogram(histogram)) => {
                self.write_line(None, &mut lines, |fields| fields.histogram(histogram));
            }
            (Layout::Eunomia, value) => {
                self.write_line(None, &mut lines, |fields| fields.number("value", value));
            }
            (Layout::MeasurementEach, value) => {
                let name = match point.metric.kind {
                    MetricKind::Counter => "counter",
                    MetricKind::Gauge | MetricKind::Histogram => "gauge",
                };
                self.write_line(None, &mut lines, |fields| fields.number(name, value));
            }
        }
        lines.written
    }

    /// A line with count and sum, and one for each bucket.
    fn write_buckets(&mut self, histogram: &Histogram, lines: &mut Lines<'_>) {
        let name = lines.point.metric.name.name();
        self.write_line(None, lines, |fields| {
            fields.uint(&format!("{name}_count"), histogram.count);
            if let Some(sum) = histogram.sum {
                fields.float(&format!("{name}_sum"), sum);
            }
        });
        let bucket = format!("{name}_bucket");
        for (bound, count) in up_to(histogram) {
            self.write_line(Some(&bound), lines, |fields| fields.uint(&bucket, count));
        }
    }

    fn write_line(
        &mut self,
        bound: Option<&str>,
        lines: &mut Lines<'_>,
        write: impl FnOnce(&mut Fields<'_>),
    ) {
        let start = lines.out.len();
        self.write_series(bound, lines);
        let mut series = lines.out.get(start..).unwrap_or_default().to_vec();
        if self.layout == Layout::OneMeasurement {
            // Points of other metrics may have the same tags and time.
            series.extend_from_slice(lines.point.metric.name.line());
        }
        lines.out.push(b' ');
        let before = lines.out.len();
        let mut fields = Fields {
            out: lines.out,
            layout: self.layout,
            unsigned: self.unsigned,
        };
        write(&mut fields);
        if fields.out.len() == before {
            lines.out.truncate(start);
            return;
        }
        self.write_attributes(lines);
        let series = lines.times.series(&series);
        end_line(lines.times.take(series, lines.time), lines.out);
        lines.written += 1;
    }

    fn write_series(&mut self, bound: Option<&str>, lines: &mut Lines<'_>) {
        match self.layout {
            Layout::OneMeasurement => lines.out.extend_from_slice(PROMETHEUS),
            Layout::Eunomia | Layout::MeasurementEach => {
                let name = measurement(lines.point.metric.name.name());
                lines.out.extend_from_slice(&name);
            }
        }
        self.collected.clear();
        for (key, value) in &self.tags {
            self.collected.add(key, Value::Str(value));
        }
        if let Some(bound) = bound {
            self.collected.add(&Key::new(BOUND), Value::Str(bound));
        }
        for (key, value) in lines.attributes() {
            if self.layout != Layout::Eunomia || self.names.has(key) {
                self.collected.add(key, value);
            }
        }
        self.collected.write(lines.out);
    }

    /// The fields that are not the value.
    fn write_attributes(&self, lines: &mut Lines<'_>) {
        if self.layout != Layout::Eunomia {
            let start = i64::try_from(lines.point.start.0).unwrap_or(i64::MAX);
            let start = Value::Int(start);
            write_field(&Key::new(START_TIME), start, self.unsigned, lines.out);
            return;
        }
        let point = lines.point;
        for (key, value) in attributes(point) {
            if !self.names.has(key) {
                write_field(key, value, self.unsigned, lines.out);
            }
        }
    }
}

/// The lines of one point.
struct Lines<'a> {
    point: &'a Point,
    /// In the unit of times.
    time: u64,
    times: &'a mut Times,
    out: &'a mut Vec<u8>,
    written: usize,
}

impl<'a> Lines<'a> {
    fn attributes(&self) -> impl Iterator<Item = (&'a Key, Value<'a>)> + use<'a> {
        attributes(self.point)
    }
}

fn attributes(point: &Point) -> impl Iterator<Item = (&Key, Value<'_>)> {
    let container = point.container.as_ref();
    let container = container.map(|container| container.attributes.iter());
    Attributes::iter(&point.attributes).chain(container.into_iter().flatten())
}

/// The fields of one line.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    layout: Layout,
    unsigned: Unsigned,
}

impl Fields<'_> {
    fn number(&mut self, name: &str, value: &PointValue) {
        match value {
            PointValue::Uint(value) => self.uint(name, *value),
            PointValue::Int(value) if self.layout == Layout::Eunomia => {
                write_field(&Key::new(name), Value::Int(*value), self.unsigned, self.out);
            }
            PointValue::Int(value) => self.float(name, *value as f64),
            PointValue::Float(value) => self.float(name, *value),
            PointValue::Histogram(histogram) => self.histogram(histogram),
        }
    }

    fn histogram(&mut self, histogram: &Histogram) {
        self.uint("count", histogram.count);
        if let Some(sum) = histogram.sum {
            self.float("sum", sum);
        }
        for (bound, count) in up_to(histogram) {
            self.uint(&bound, count);
        }
    }

    /// A count: what is no float here is one in Telegraf's schemas.
    fn uint(&mut self, name: &str, value: u64) {
        if self.layout == Layout::Eunomia {
            write_field(&Key::new(name), Value::Uint(value), self.unsigned, self.out);
        } else {
            self.float(name, value as f64);
        }
    }

    fn float(&mut self, name: &str, value: f64) {
        write_field(
            &Key::new(name),
            Value::Float(value),
            self.unsigned,
            self.out,
        );
    }
}

/// Bounds and how many values are at most as large; the infinite one is left
/// out, for it is the count.
fn up_to(histogram: &Histogram) -> impl Iterator<Item = (String, u64)> {
    let mut sum = 0_u64;
    let finite = |(bound, _): &&(f64, u64)| bound.is_finite();
    let buckets = histogram.buckets.iter().filter(finite);
    buckets.map(move |(bound, count)| {
        sum = sum.saturating_add(*count);
        (bound.to_string(), sum)
    })
}
