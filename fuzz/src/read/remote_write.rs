//! Remote write, both messages, read by `snap` and by prost.

use std::collections::BTreeMap;

use eunomia_core::metric::{Histogram, MetricBatch, MetricKind, Point, PointValue};
use eunomia_core::time::WallNanos;
use eunomia_exporters::{PrometheusConfig, PrometheusPage, ProtobufMessage, RemoteWriteRequest};
use eunomia_exporters::{RemoteWriteSettings, TranslationStrategy, encode_remote_write};
use prost::Message as _;
use serde_json::{Value as Json, json};
use snap::raw::Decoder;

use crate::input::Input;
use crate::{model, support};

#[path = "../../../exporters/src/prometheus/write/tests/model.rs"]
mod protobuf;

const NOW: WallNanos = WallNanos(1_795_334_400_000_000_000);
/// A request is split where it has more.
const MAX_SAMPLES: u64 = 7;
const NAME: &str = "__name__";
const BOUND: &str = "le";
/// What the names of a histogram's series end with.
const OF_HISTOGRAM: [&str; 3] = ["_bucket", "_sum", "_count"];

type Labels = BTreeMap<String, String>;

/// Type, help and unit.
type Metadata = (i32, String, String);

/// What was read.
#[derive(Debug, Default, PartialEq)]
struct Series {
    samples: BTreeMap<Labels, (Json, Metadata)>,
    natives: BTreeMap<Labels, u64>,
}

/// Names as they are come back with all values; in Prometheus's own words both messages
/// say the same.
pub fn remote_write(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let own_names = page(&input, TranslationStrategy::NoTranslation);
    let mut series = read_2(&own_names);
    let events = u32::try_from(input.events.len()).expect("a few");
    assert_eq!(series.take_counts(), f64::from(events));
    assert_eq!(series.samples, expected(&input.points));
    let translated = page(&input, TranslationStrategy::default());
    let series = read_1(&translated);
    for (name, _) in series.samples.keys().flatten() {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(name.chars().all(is_plain), "{name:?}");
    }
    assert_eq!(series, read_2(&translated));
}

fn page(input: &Input, translation_strategy: TranslationStrategy) -> PrometheusPage {
    let config = PrometheusConfig {
        translation_strategy,
        ..PrometheusConfig::default()
    };
    let page = PrometheusPage::new(&config, &support::host(), None);
    for signal in input.signals() {
        assert_eq!(page.update(&signal, NOW), 0, "a name is taken");
    }
    page
}

fn requests(page: &PrometheusPage, message: ProtobufMessage) -> Vec<RemoteWriteRequest> {
    let settings: RemoteWriteSettings = serde_json::from_value(json!({
        "endpoint": "http://127.0.0.1:9090/api/v1/write",
        "protobuf_message": message,
        "max_samples_per_send": MAX_SAMPLES,
        "send_native_histograms": true,
    }))
    .expect("settings");
    encode_remote_write(page, &settings, NOW)
}

/// What is in a request.
fn plain(request: &RemoteWriteRequest) -> Vec<u8> {
    let count = request.count.samples + request.count.histograms;
    assert!((1..=MAX_SAMPLES).contains(&count), "{count}");
    let plain = Decoder::new().decompress_vec(&request.body);
    plain.expect("compressed by snappy")
}

fn read_1(page: &PrometheusPage) -> Series {
    let mut series = Series::default();
    let mut families = BTreeMap::new();
    for request in requests(page, ProtobufMessage::V1) {
        let message = protobuf::WriteRequest::decode(&*plain(&request)).expect("a request");
        for one in message.metadata {
            let metadata = (one.kind, one.help, one.unit);
            let before = families.insert(one.family, metadata);
            assert_eq!(before, None, "a family is there twice");
        }
        let all = message.timeseries.into_iter().map(|one| {
            let labels = one.labels.into_iter();
            let labels = labels.map(|label| (label.name, label.value)).collect();
            (labels, one.samples, one.histograms, Metadata::default())
        });
        series.add(&request, all);
    }
    for (labels, (_, metadata)) in &mut series.samples {
        let family = OF_HISTOGRAM
            .iter()
            .find_map(|suffix| families.get(labels[NAME].strip_suffix(suffix)?))
            .or(families.get(&labels[NAME]));
        *metadata = family.expect("metadata").clone();
    }
    series.checked()
}

fn read_2(page: &PrometheusPage) -> Series {
    let mut series = Series::default();
    for request in requests(page, ProtobufMessage::V2) {
        let message = protobuf::Request2::decode(&*plain(&request)).expect("a request");
        assert_eq!(message.symbols.first().map(String::as_str), Some(""));
        let text = |place: &u32| message.symbols[*place as usize].clone();
        let all = message.timeseries.iter().map(|one| {
            let pairs = one.labels_refs.chunks_exact(2);
            let labels = pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
            let metadata = one.metadata.as_ref().expect("metadata");
            let (help, unit) = (text(&metadata.help_ref), text(&metadata.unit_ref));
            let (samples, histograms) = (one.samples.clone(), one.histograms.clone());
            (labels, samples, histograms, (metadata.kind, help, unit))
        });
        series.add(&request, all);
    }
    series.checked()
}

/// A series as a message has it.
type Sent = (
    Vec<(String, String)>,
    Vec<protobuf::Sample>,
    Vec<protobuf::Histogram>,
    Metadata,
);

impl Series {
    /// Adds all that a request has.
    fn add(&mut self, request: &RemoteWriteRequest, all: impl Iterator<Item = Sent>) {
        let before = (self.samples.len(), self.natives.len());
        for (labels, samples, histograms, metadata) in all {
            assert!(labels.is_sorted_by(|a, b| a.0 < b.0), "{labels:?}");
            let is_empty = |(name, value): &(String, String)| name.is_empty() || value.is_empty();
            assert!(!labels.iter().any(is_empty), "{labels:?}");
            let labels: Labels = labels.into_iter().map(plain_bound).collect();
            match (&*samples, &*histograms) {
                ([sample], []) => {
                    assert_eq!(sample.timestamp, NOW.0.cast_signed() / 1_000_000);
                    let said = (model::float(sample.value), metadata);
                    assert_eq!(self.samples.insert(labels, said), None, "twice");
                }
                ([], [histogram]) => {
                    assert_eq!(histogram.timestamp, NOW.0.cast_signed() / 1_000_000);
                    let before = self.natives.insert(labels, counted(histogram));
                    assert_eq!(before, None, "twice");
                }
                other => panic!("nobody writes {other:?}"),
            }
        }
        let added = |now: usize, before: usize| (now - before) as u64;
        assert_eq!(
            request.count.samples,
            added(self.samples.len(), before.0),
            "samples"
        );
        assert_eq!(
            request.count.histograms,
            added(self.natives.len(), before.1),
            "histograms"
        );
    }

    /// A native histogram has counted what the classic one has.
    fn checked(self) -> Self {
        for (labels, count) in &self.natives {
            let mut labels = labels.clone();
            labels
                .entry(NAME.to_owned())
                .or_default()
                .push_str("_count");
            assert_eq!(self.samples[&labels].0, model::float(*count as f64));
        }
        self
    }

    /// Takes out what the page has beside the points: how many events are counted.
    fn take_counts(&mut self) -> f64 {
        let mut events = 0.0;
        self.samples
            .retain(|labels, (value, _)| match labels[NAME].as_str() {
                "target_info" => {
                    assert_eq!(*value, 1.0);
                    false
                }
                "eunomia_events_total" => {
                    events += value.as_f64().expect("a number");
                    false
                }
                _ => true,
            });
        events
    }
}

/// One form for a bound, whatever form a number has.
fn plain_bound((name, value): (String, String)) -> (String, String) {
    if name != BOUND {
        return (name, value);
    }
    let bound: f64 = value.parse().expect("a number");
    (name, format!("{bound:?}"))
}

/// How many a native histogram has counted.
fn counted(histogram: &protobuf::Histogram) -> u64 {
    let lengths = histogram.positive_spans.iter().map(|span| span.length);
    let buckets = histogram.positive_deltas.len();
    assert_eq!(lengths.sum::<u32>() as usize, buckets);
    let mut bucket = 0;
    let mut counted = histogram.zero_count;
    for delta in &histogram.positive_deltas {
        bucket += delta;
        counted += u64::try_from(bucket).expect("a count");
    }
    assert_eq!(counted, histogram.count);
    counted
}

/// The samples that points become under their own names.
fn expected(batch: &MetricBatch) -> BTreeMap<Labels, (Json, Metadata)> {
    let mut samples = BTreeMap::new();
    for point in &batch.points {
        let mut add = |suffix: &str, bound: Option<f64>, value: f64| {
            let mut labels = labels(point, suffix);
            labels.extend(bound.map(|bound| (BOUND.to_owned(), format!("{bound:?}"))));
            samples.insert(labels, (model::float(value), metadata(point)));
        };
        match &point.value {
            PointValue::Uint(value) => add("", None, *value as f64),
            PointValue::Int(value) => add("", None, *value as f64),
            PointValue::Float(value) => add("", None, *value),
            PointValue::Histogram(histogram) => add_histogram(histogram, add),
        }
    }
    samples
}

fn add_histogram(histogram: &Histogram, mut add: impl FnMut(&str, Option<f64>, f64)) {
    let mut below = 0;
    for (bound, count) in &histogram.buckets {
        below += count;
        add("_bucket", Some(*bound), below as f64);
    }
    let count = histogram.count as f64;
    add("_bucket", Some(f64::INFINITY), count);
    add("_count", None, count);
    if let Some(sum) = histogram.sum {
        add("_sum", None, sum);
    }
}

fn labels(point: &Point, suffix: &str) -> Labels {
    let host = support::host();
    let identity = [("job", "eunomia"), ("instance", &*host.id)];
    let mut labels: Labels = identity
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    for (key, value) in point.attributes.iter() {
        let text = model::plain(value);
        let text = text.as_str().expect("a text");
        // An empty label is none.
        if !text.is_empty() {
            labels.insert(unreserved(key.name()), text.to_owned());
        }
    }
    let name = format!("{}{suffix}", point.metric.name.name());
    labels.insert(NAME.to_owned(), name);
    labels
}

/// Two underscores in front are Prometheus's own.
fn unreserved(name: &str) -> String {
    match name.strip_prefix("__") {
        Some(rest) => format!("_{}", rest.trim_start_matches('_')),
        None => name.to_owned(),
    }
}

fn metadata(point: &Point) -> Metadata {
    let kind = match point.metric.kind {
        MetricKind::Counter => 1,
        MetricKind::Gauge => 2,
        MetricKind::Histogram => 3,
    };
    (kind, point.metric.description.to_string(), String::new())
}
