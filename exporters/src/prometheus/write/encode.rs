//! Series to the bodies of requests.

use std::borrow::Cow;

use bytes::Bytes;
use eunomia_core::time::WallNanos;
use snap::raw::Encoder;

use super::config::{ProtobufMessage, RemoteWriteSettings};
use super::symbols::Symbols;
use crate::prometheus::family::{Distribution, Head, Series, Sink, Type, Value};
use crate::prometheus::native::{Native, SCHEMA};
use crate::prometheus::page::Page;
use crate::prometheus::proto::{write_label, write_span, zigzag};
use crate::prometheus::text::push_bound;
use crate::protobuf::{Writer, write_varint};

/// Says that a series has ended.
const STALE_NAN: f64 = f64::from_bits(0x7ff0_0000_0000_0002);
/// The label with a metric's name.
const METRIC_NAME: &str = "__name__";

/// Fields of `prometheus.WriteRequest`.
const V1_TIMESERIES: u32 = 1;
const V1_METADATA: u32 = 3;
/// Fields of `prometheus.MetricMetadata`.
const METADATA_TYPE: u32 = 1;
const METADATA_FAMILY: u32 = 2;
const METADATA_HELP: u32 = 4;
const METADATA_UNIT: u32 = 5;
/// Fields of `io.prometheus.write.v2.Request`.
const V2_SYMBOLS: u32 = 4;
const V2_TIMESERIES: u32 = 5;
/// Fields of `io.prometheus.write.v2.Metadata`, beside the type.
const METADATA_HELP_REF: u32 = 3;
const METADATA_UNIT_REF: u32 = 4;
/// Fields of `TimeSeries`, nearly the same in both.
const LABELS: u32 = 1;
const SAMPLES: u32 = 2;
const V1_HISTOGRAMS: u32 = 4;
const V2_HISTOGRAMS: u32 = 3;
const SERIES_METADATA: u32 = 5;
/// Fields of `Sample`.
const SAMPLE_VALUE: u32 = 1;
const SAMPLE_TIME: u32 = 2;
/// Fields of `Histogram`, the same in both.
const COUNT: u32 = 1;
const SUM: u32 = 3;
const HISTOGRAM_SCHEMA: u32 = 4;
const ZERO_THRESHOLD: u32 = 5;
const ZERO_COUNT: u32 = 6;
const POSITIVE_SPANS: u32 = 11;
const POSITIVE_DELTAS: u32 = 12;
const HISTOGRAM_TIME: u32 = 15;

/// A request that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The message, compressed.
    pub body: Bytes,
    /// What is in it.
    pub count: Count,
}

/// How much is in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Samples.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
}

impl Count {
    pub(super) fn total(self) -> u64 {
        self.samples + self.histograms
    }
}

/// The requests that tell what `page` shows at `now`, and what has gone from it
/// since the last time.
#[must_use]
pub fn encode_remote_write(
    page: &Page,
    settings: &RemoteWriteSettings,
    now: WallNanos,
) -> Vec<Request> {
    let mut requests = Requests::new(settings, page.identity(), now);
    // Older receivers know no other names.
    let utf8 = settings.protobuf_message == ProtobufMessage::V2;
    requests.end_series(true);
    page.show_gone(utf8, &mut requests);
    requests.end_series(false);
    page.show(utf8, now, &mut requests);
    requests.finish()
}

/// Writes the series of a page into requests.
#[derive(Debug)]
struct Requests {
    message: ProtobufMessage,
    native: bool,
    max_samples: u64,
    /// Labels that tell this target from others.
    identity: Vec<(String, String)>,
    /// Milliseconds since the epoch.
    time: i64,
    /// Whether the series have ended.
    is_end: bool,
    body: Vec<u8>,
    symbols: Symbols,
    count: Count,
    done: Vec<Request>,
}

/// A label.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

impl Requests {
    fn new(
        settings: &RemoteWriteSettings,
        identity: Vec<(String, String)>,
        time: WallNanos,
    ) -> Self {
        Self {
            message: settings.protobuf_message,
            native: settings.send_native_histograms,
            max_samples: settings.max_samples_per_send.into(),
            identity,
            time: i64::try_from(time.0 / 1_000_000).unwrap_or(i64::MAX),
            is_end: false,
            body: Vec::new(),
            symbols: Symbols::default(),
            count: Count::default(),
            done: Vec::new(),
        }
    }

    /// From now on series are told to have ended, or to go on.
    fn end_series(&mut self, is_end: bool) {
        self.is_end = is_end;
    }

    /// All requests.
    fn finish(mut self) -> Vec<Request> {
        self.close();
        self.done
    }

    /// Ends the request that is being written.
    fn close(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count.total() == 0 {
            return;
        }
        for text in std::mem::take(&mut self.symbols).iter() {
            if self.message == ProtobufMessage::V2 {
                Writer(&mut self.body).bytes(V2_SYMBOLS, text.as_bytes());
            }
        }
        // It fails on messages of 4 GiB alone.
        let body = Encoder::new().compress_vec(&self.body).unwrap_or_default();
        self.body.clear();
        self.done.push(Request {
            body: body.into(),
            count,
        });
    }

    fn series(&mut self, head: &Head<'_>, series: &Series<'_>) {
        let mut pairs: Vec<_> = series.labels.pairs().collect();
        for (name, value) in &self.identity {
            if pairs.iter().all(|(known, _)| *known != *name) {
                pairs.push((name.clone().into(), value.clone().into()));
            }
        }
        match series.value {
            Value::Number(number) => self.sample(head, (pairs, ""), number.as_float()),
            Value::Distribution(value) => self.distribution(head, &pairs, value),
        }
    }

    fn distribution(&mut self, head: &Head<'_>, pairs: &[Pair<'_>], value: &Distribution) {
        for (bound, count) in value.cumulative() {
            let mut le = String::new();
            push_bound(bound, &mut le);
            let mut pairs = pairs.to_vec();
            pairs.push(("le".into(), le.into()));
            self.sample(head, (pairs, "_bucket"), float(count));
        }
        if let Some(sum) = value.shown_sum() {
            self.sample(head, (pairs.to_vec(), "_sum"), sum);
        }
        self.sample(head, (pairs.to_vec(), "_count"), float(value.count));
        if let Some(native) = self.native.then(|| Native::new(value)).flatten() {
            let sum = value.shown_sum().unwrap_or(f64::NAN);
            self.histogram(head, pairs.to_vec(), (&native, sum, value.count));
        }
    }

    fn sample(&mut self, head: &Head<'_>, (pairs, suffix): (Vec<Pair<'_>>, &str), value: f64) {
        let value = if self.is_end { STALE_NAN } else { value };
        let time = self.time;
        self.time_series(head, (pairs, suffix), |_, series| {
            series.message(SAMPLES, |sample| {
                sample.double(SAMPLE_VALUE, value);
                sample.varint(SAMPLE_TIME, time.cast_unsigned());
            });
        });
        self.count.samples += 1;
    }

    fn histogram(
        &mut self,
        head: &Head<'_>,
        pairs: Vec<Pair<'_>>,
        (native, sum, count): (&Native, f64, u64),
    ) {
        let (time, is_end) = (self.time, self.is_end);
        let write = |histogram: &mut Writer<'_>| {
            if is_end {
                histogram.double(SUM, STALE_NAN);
            } else {
                write_native(native, (sum, count), histogram);
            }
            histogram.varint(HISTOGRAM_TIME, time.cast_unsigned());
        };
        self.time_series(head, (pairs, ""), |message, series| {
            let field = match message {
                ProtobufMessage::V1 => V1_HISTOGRAMS,
                ProtobufMessage::V2 => V2_HISTOGRAMS,
            };
            series.message(field, write);
        });
        self.count.histograms += 1;
    }

    /// Appends a `TimeSeries`, in which `fill` writes the value.
    fn time_series(
        &mut self,
        head: &Head<'_>,
        (mut pairs, suffix): (Vec<Pair<'_>>, &str),
        fill: impl FnOnce(ProtobufMessage, &mut Writer<'_>),
    ) {
        if self.count.total() >= self.max_samples {
            self.close();
        }
        let name = format!("{}{suffix}", head.name);
        pairs.push((METRIC_NAME.into(), name.into()));
        pairs.sort_unstable();
        match self.message {
            ProtobufMessage::V1 => Writer(&mut self.body).message(V1_TIMESERIES, |series| {
                for (name, value) in &pairs {
                    write_label(LABELS, name, value, series);
                }
                fill(ProtobufMessage::V1, series);
            }),
            ProtobufMessage::V2 => {
                let texts = pairs.iter().flat_map(|(name, value)| [name, value]);
                let places: Vec<_> = texts.map(|text| self.symbols.place(text)).collect();
                let help = self.symbols.place(head.help);
                let unit = self.symbols.place(head.unit);
                let metadata = |metadata: &mut Writer<'_>| {
                    metadata.varint(METADATA_TYPE, type_number(head.kind));
                    metadata.varint(METADATA_HELP_REF, help.into());
                    metadata.varint(METADATA_UNIT_REF, unit.into());
                };
                Writer(&mut self.body).message(V2_TIMESERIES, |series| {
                    series.message(LABELS, |packed| write_places(&places, packed));
                    fill(ProtobufMessage::V2, series);
                    series.message(SERIES_METADATA, metadata);
                });
            }
        }
    }

    fn metadata(&mut self, head: &Head<'_>) {
        Writer(&mut self.body).message(V1_METADATA, |metadata| {
            metadata.varint(METADATA_TYPE, type_number(head.kind));
            metadata.bytes(METADATA_FAMILY, head.name.as_bytes());
            metadata.bytes(METADATA_HELP, head.help.as_bytes());
            metadata.bytes(METADATA_UNIT, head.unit.as_bytes());
        });
    }
}

impl Sink for Requests {
    fn family<'a>(&mut self, head: &Head<'a>, series: &mut dyn Iterator<Item = Series<'a>>) {
        let mut is_empty = true;
        for one in series {
            self.series(head, &one);
            is_empty = false;
        }
        if !is_empty && self.message == ProtobufMessage::V1 {
            self.metadata(head);
        }
    }
}

/// `MetricType`, the same in both.
fn type_number(kind: Type) -> u64 {
    match kind {
        Type::Counter => 1,
        Type::Gauge => 2,
        Type::Histogram => 3,
        Type::Info => 6,
    }
}

fn write_places(places: &[u32], packed: &mut Writer<'_>) {
    for place in places {
        write_varint((*place).into(), packed.0);
    }
}

fn write_native(native: &Native, (sum, count): (f64, u64), out: &mut Writer<'_>) {
    out.varint(COUNT, count);
    out.double(SUM, sum);
    out.varint(HISTOGRAM_SCHEMA, zigzag(SCHEMA));
    out.double(ZERO_THRESHOLD, native.zero_threshold);
    out.varint(ZERO_COUNT, native.zero_count);
    if native.counts.is_empty() {
        return;
    }
    write_span(POSITIVE_SPANS, native, out);
    out.message(POSITIVE_DELTAS, |packed| {
        for delta in native.deltas() {
            write_varint(zigzag(delta), packed.0);
        }
    });
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sample is a floating-point number"
)]
fn float(count: u64) -> f64 {
    count as f64
}
