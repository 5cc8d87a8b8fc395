//! Prometheus's protobuf format: `io.prometheus.client.MetricFamily`, each with
//! its length before it.

use std::iter;

use eunomia_core::time::WallNanos;

use super::family::{Distribution, Head, Series, Sink, Type, Value};
use super::labels::Labels;
use super::native::{Native, SCHEMA};
use crate::protobuf::{Writer, write_varint};

/// Fields of `MetricFamily`.
const NAME: u32 = 1;
const HELP: u32 = 2;
const TYPE: u32 = 3;
const METRIC: u32 = 4;
const UNIT: u32 = 5;
/// Fields of `Metric`.
const LABEL: u32 = 1;
const GAUGE: u32 = 2;
const COUNTER: u32 = 3;
const HISTOGRAM: u32 = 7;
/// Fields of `LabelPair`.
const LABEL_NAME: u32 = 1;
const LABEL_VALUE: u32 = 2;
/// Fields of `Gauge` and `Counter`.
const NUMBER_VALUE: u32 = 1;
const COUNTER_CREATED: u32 = 3;
/// Fields of `Histogram`.
const COUNT: u32 = 1;
const SUM: u32 = 2;
const BUCKET: u32 = 3;
const NATIVE_SCHEMA: u32 = 5;
const ZERO_THRESHOLD: u32 = 6;
const ZERO_COUNT: u32 = 7;
const POSITIVE_SPAN: u32 = 12;
const POSITIVE_DELTA: u32 = 13;
const HISTOGRAM_CREATED: u32 = 15;
/// Fields of `Bucket`.
const CUMULATIVE_COUNT: u32 = 1;
const UPPER_BOUND: u32 = 2;
/// Fields of `BucketSpan`.
const OFFSET: u32 = 1;
const LENGTH: u32 = 2;
/// Fields of `google.protobuf.Timestamp`.
const SECONDS: u32 = 1;
const NANOS: u32 = 2;

/// Writes families as length-delimited messages.
#[derive(Debug)]
pub(super) struct ProtoWriter {
    native: bool,
    out: Vec<u8>,
    /// One family, whose length is known when it is written.
    family: Vec<u8>,
}

impl ProtoWriter {
    /// A writer of classic histograms, and native ones too where `native` says so.
    pub(super) fn new(native: bool) -> Self {
        Self {
            native,
            out: Vec::new(),
            family: Vec::new(),
        }
    }

    /// The page.
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }
}

impl Sink for ProtoWriter {
    fn family<'a>(&mut self, head: &Head<'a>, series: &mut dyn Iterator<Item = Series<'a>>) {
        let Some(first) = series.next() else {
            return;
        };
        self.family.clear();
        let native = self.native;
        let mut family = Writer(&mut self.family);
        family.bytes(NAME, head.name.as_bytes());
        family.bytes(HELP, head.help.as_bytes());
        family.varint(TYPE, type_number(head.kind));
        for one in iter::once(first).chain(series) {
            family.message(METRIC, |metric| write_metric(metric, head, &one, native));
        }
        if !head.unit.is_empty() {
            family.bytes(UNIT, head.unit.as_bytes());
        }
        write_varint(self.family.len() as u64, &mut self.out);
        self.out.extend_from_slice(&self.family);
    }
}

/// `MetricType`.
fn type_number(kind: Type) -> u64 {
    match kind {
        Type::Counter => 0,
        Type::Gauge | Type::Info => 1,
        Type::Histogram => 4,
    }
}

fn write_metric(metric: &mut Writer<'_>, head: &Head<'_>, series: &Series<'_>, native: bool) {
    write_labels(LABEL, series.labels, metric);
    match series.value {
        Value::Number(number) if head.kind == Type::Counter => metric.message(COUNTER, |counter| {
            counter.double(NUMBER_VALUE, number.as_float());
            write_time(COUNTER_CREATED, series.start, counter);
        }),
        Value::Number(number) => metric.message(GAUGE, |gauge| {
            gauge.double(NUMBER_VALUE, number.as_float());
        }),
        Value::Distribution(value) => metric.message(HISTOGRAM, |histogram| {
            write_distribution(histogram, value);
            if let Some(native) = native.then(|| Native::new(value)).flatten() {
                write_native(histogram, &native);
            }
            write_time(HISTOGRAM_CREATED, series.start, histogram);
        }),
    }
}

/// Appends `LabelPair`s, or remote write's `Label`s, which are alike.
pub(super) fn write_labels(field: u32, labels: &Labels, out: &mut Writer<'_>) {
    for (name, value) in labels.pairs() {
        write_label(field, &name, &value, out);
    }
}

pub(super) fn write_label(field: u32, name: &str, value: &str, out: &mut Writer<'_>) {
    out.message(field, |pair| {
        pair.bytes(LABEL_NAME, name.as_bytes());
        pair.bytes(LABEL_VALUE, value.as_bytes());
    });
}

fn write_distribution(out: &mut Writer<'_>, value: &Distribution) {
    out.varint(COUNT, value.count);
    // The format takes a sum that is not there for zero.
    out.double(SUM, value.shown_sum().unwrap_or(f64::NAN));
    for (bound, count) in value.cumulative() {
        out.message(BUCKET, |bucket| {
            bucket.varint(CUMULATIVE_COUNT, count);
            bucket.double(UPPER_BOUND, bound);
        });
    }
}

fn write_native(out: &mut Writer<'_>, native: &Native) {
    out.varint(NATIVE_SCHEMA, zigzag(SCHEMA));
    out.double(ZERO_THRESHOLD, native.zero_threshold);
    out.varint(ZERO_COUNT, native.zero_count);
    if native.counts.is_empty() {
        return;
    }
    write_span(POSITIVE_SPAN, native, out);
    for delta in native.deltas() {
        out.varint(POSITIVE_DELTA, zigzag(delta));
    }
}

/// Appends the only `BucketSpan`.
pub(super) fn write_span(field: u32, native: &Native, out: &mut Writer<'_>) {
    out.message(field, |span| {
        span.varint(OFFSET, zigzag(native.first.into()));
        span.varint(LENGTH, native.counts.len() as u64);
    });
}

/// A signed number as `sint32` and `sint64` have it: small where it is near zero.
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn write_time(field: u32, time: Option<WallNanos>, out: &mut Writer<'_>) {
    const NANOS_OF_A_SECOND: u64 = 1_000_000_000;
    if let Some(WallNanos(nanos)) = time {
        out.message(field, |timestamp| {
            timestamp.varint(SECONDS, nanos / NANOS_OF_A_SECOND);
            timestamp.varint(NANOS, nanos % NANOS_OF_A_SECOND);
        });
    }
}
