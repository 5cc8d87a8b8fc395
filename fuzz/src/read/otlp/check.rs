//! What requests must say.

use eunomia_core::batch::Batch;
use eunomia_core::metric::{Histogram, MetricBatch, MetricKind, Point, PointValue};
use eunomia_core::signal::Signal;
use eunomia_exporters::{Format, LogsEncoder, Pushed, Request, encode_points};
use serde_json::{Value as Json, json};

use crate::input::Input;
use crate::model::{self, Attributes};
use crate::read::line_protocol;
use crate::support;

/// A request is split where it is larger.
const MAX_BYTES: usize = 2048;
/// What the resource says beside what an event carries.
const OF_HOST: [&str; 7] = [
    "host.name",
    "host.id",
    "host.arch",
    "os.type",
    "service.name",
    "service.version",
    "service.instance.id",
];

/// An event or a metric's point.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// Of the event, or the metric.
    pub(super) name: String,
    /// Its own and its resource's, without the host's.
    pub(super) attributes: Attributes,
    /// Body, times and severity; times, value and what the metric says of itself.
    pub(super) rest: Json,
}

impl Said {
    /// An item with what its resource says of the container.
    pub(super) fn new(resource: &Attributes, name: String, own: Attributes, rest: Json) -> Self {
        let mut attributes = resource.clone();
        attributes.retain(|name, _| !OF_HOST.contains(&name.as_str()));
        attributes.extend(own);
        Self {
            name,
            attributes,
            rest,
        }
    }
}

/// What a request says.
type Read = fn(&[u8]) -> Vec<Said>;

/// Every event and every point comes back.
pub(super) fn check(data: &[u8], format: Format, logs: Read, metrics: Read) {
    let Some(Input { events, points }) = Input::new(data) else {
        return;
    };
    let (requests, too_large) = encode(&events, format);
    are_in(requests, too_large, logs, of_events(events));
    let (requests, too_large) = encode_points(&points, &support::host(), MAX_BYTES, format);
    are_in(requests, too_large, metrics, of_points(&points));
}

fn encode(events: &Batch, format: Format) -> (Vec<Request>, usize) {
    let mut encoder = LogsEncoder::new(&support::host(), MAX_BYTES, format);
    let mut requests = Vec::new();
    let mut too_large = 0;
    encoder.push(events, |pushed| match pushed {
        Pushed::Added => {}
        Pushed::Full(request) => requests.push(request),
        Pushed::TooLarge => too_large += 1,
    });
    requests.extend(encoder.finish());
    (requests, too_large)
}

/// The requests say what is expected, all but so many, in any order.
fn are_in(requests: Vec<Request>, too_large: usize, read: Read, mut expected: Vec<Said>) {
    let mut missing = expected.len();
    for request in requests {
        assert!(
            request.body.len() <= MAX_BYTES,
            "{} bytes",
            request.body.len()
        );
        let said = read(&request.body);
        assert_eq!(said.len(), request.items);
        missing -= said.len();
        for one in said {
            let found = expected.iter().position(|other| *other == one);
            let found = found.unwrap_or_else(|| panic!("{one:?} is not in {expected:#?}"));
            expected.swap_remove(found);
        }
    }
    assert_eq!(missing, too_large);
}

fn of_events(events: Batch) -> Vec<Said> {
    let signal = Signal::Events(events.clone());
    let bodies = line_protocol::bodies(&signal);
    let said = events.iter().zip(bodies).map(|(row, body)| {
        assert!(!body.contains(char::is_control), "{body:?}");
        let rest = json!({
            "body": body,
            "time": row.time().0,
            "observed": events.observed.0,
            "severity": [9, "INFO"],
        });
        said(row.schema().name.name(), model::of_event(&row), rest)
    });
    said.collect()
}

fn of_points(batch: &MetricBatch) -> Vec<Said> {
    let said = batch.points.iter().map(|point| {
        let rest = json!({
            "metric": metric(point),
            // A gauge has no beginning.
            "start": match point.metric.kind {
                MetricKind::Gauge => 0,
                MetricKind::Counter | MetricKind::Histogram => point.start.0,
            },
            "time": batch.time.0,
            "value": value(&point.value),
        });
        said(point.metric.name.name(), model::of_point(point), rest)
    });
    said.collect()
}

/// An integer beyond 63 bits is decimal text.
fn said(name: &str, mut attributes: Attributes, rest: Json) -> Said {
    for value in attributes.values_mut() {
        match value {
            Json::Array(items) => items.iter_mut().for_each(shorten),
            other => shorten(other),
        }
    }
    Said::new(&Attributes::new(), name.to_owned(), attributes, rest)
}

fn shorten(value: &mut Json) {
    if value.is_u64() && !value.is_i64() {
        *value = value.to_string().into();
    }
}

/// What a metric says of itself; counters are cumulative and never fall.
fn metric(point: &Point) -> Json {
    let metric = &point.metric;
    let kind = match metric.kind {
        MetricKind::Counter => json!(["sum", 2, true]),
        MetricKind::Gauge => json!(["gauge"]),
        MetricKind::Histogram => json!(["histogram", 2]),
    };
    json!([kind, &*metric.unit, &*metric.description])
}

fn value(value: &PointValue) -> Json {
    match value {
        PointValue::Uint(value) => (*value).min(i64::MAX.unsigned_abs()).into(),
        PointValue::Int(value) => (*value).into(),
        PointValue::Float(value) => model::float(*value),
        PointValue::Histogram(histogram) => of_histogram(histogram),
    }
}

/// The last bucket is the one without a bound.
fn of_histogram(histogram: &Histogram) -> Json {
    let (finite, open): (Vec<_>, Vec<_>) = histogram
        .buckets
        .iter()
        .partition(|(bound, _)| bound.is_finite());
    let bounds: Vec<_> = finite.iter().map(|(bound, _)| *bound).collect();
    let mut counts: Vec<_> = finite.iter().map(|(_, count)| *count).collect();
    counts.push(open.iter().map(|(_, count)| count).sum());
    json!({
        "count": histogram.count,
        "sum": histogram.sum,
        "bounds": bounds,
        "counts": counts,
    })
}
