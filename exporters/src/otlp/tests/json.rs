//! JSON, read by a decoder that is not ours, says what protobuf says.

use eunomia_core::batch::Batch;
use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, MetricBatch, MetricDescriptor, MetricKind};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::subject::Attributes;
use eunomia_core::time::WallNanos;
use eunomia_core::value::OwnedValue;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::Value;

use super::encoding::{ROOMY, encode_as};
use crate::otlp::encode::{Format, Request, encode_points};
use crate::support;

/// The one request that a batch makes in each form.
fn both(batch: &Batch) -> (Request, Request) {
    let one = |format| {
        let (mut requests, too_large) = encode_as(batch, ROOMY, format);
        assert_eq!((requests.len(), too_large), (1, 0));
        requests.remove(0)
    };
    (one(Format::Protobuf), one(Format::Json))
}

fn both_of_points(batch: &MetricBatch) -> (Request, Request) {
    let one = |format| {
        let (mut requests, too_large) = encode_points(batch, &support::host(), ROOMY, format);
        assert_eq!((requests.len(), too_large), (1, 0));
        requests.remove(0)
    };
    (one(Format::Protobuf), one(Format::Json))
}

/// The JSON in lines, for people who compare snapshots.
fn pretty(request: &Request) -> String {
    let value: Value = serde_json::from_slice(&request.body).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

/// Every shape of value, resource and scope.
#[test]
fn events_are_json() {
    let (protobuf, json) = both(&support::sample());
    assert_eq!(protobuf.items, json.items);
    insta::assert_snapshot!(pretty(&json));
}

/// Sums, gauges and histograms.
#[test]
fn points_are_json() {
    let (protobuf, json) = both_of_points(&support::metrics());
    assert_eq!(protobuf.items, json.items);
    insta::assert_snapshot!(pretty(&json));
}

/// The other decoder sees no difference.
#[test]
fn both_forms_of_the_sample_are_equal() {
    let (protobuf, json) = both(&support::sample());
    let protobuf = ExportLogsServiceRequest::decode(&*protobuf.body).unwrap();
    let json: ExportLogsServiceRequest = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json, protobuf);
    let (protobuf, json) = both_of_points(&support::metrics());
    let protobuf = ExportMetricsServiceRequest::decode(&*protobuf.body).unwrap();
    let json: ExportMetricsServiceRequest = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json, protobuf);
}

/// The limit is that of the JSON, not of what it was made from.
#[test]
fn json_is_split_at_its_limit() {
    let kind = support::open_kind();
    let event = |path: &[u8]| (&kind, support::open(&kind, path));
    // A control character is one byte, and six in JSON.
    let mut events: Vec<_> = (0..50).map(|_| event(&[1; 100])).collect();
    events.push(event(&[1; 1000]));
    let batch = support::batch(&events, vec![support::subject(1, b"/bin/a")]);
    let (requests, too_large) = encode_as(&batch, 4096, Format::Json);
    assert_eq!(too_large, 1);
    for request in &requests {
        assert!(request.body.len() <= 4096, "{}", request.body.len());
    }
    let items: usize = requests.iter().map(|request| request.items).sum();
    assert_eq!(items, 50);
    let mut points = support::metrics();
    let some = points.points.clone();
    points.points.extend((0..20).flat_map(|_| some.clone()));
    let (requests, too_large) = encode_points(&points, &support::host(), 2500, Format::Json);
    assert_eq!(too_large, 0);
    assert!(requests.len() > 2 && requests.iter().all(|one| one.body.len() <= 2500));
}

fn descriptor(kind: MetricKind) -> std::sync::Arc<MetricDescriptor> {
    let text = "a \"b\" \u{1}\u{fffd}";
    std::sync::Arc::new(MetricDescriptor {
        name: Key::new(text),
        unit: text.into(),
        description: text.into(),
        kind,
    })
}

/// Finite, and with few digits: the other decoder reads no others exactly.
fn floats() -> impl Strategy<Value = f64> {
    any::<i32>().prop_map(|number| f64::from(number) / 16.0)
}

fn values() -> impl Strategy<Value = PointValue> {
    let count = 0_u64..1 << 60;
    let buckets = vec((floats(), 0_u64..1 << 50), 0..5);
    let histogram = (count, option::of(floats()), buckets);
    prop_oneof![
        any::<u64>().prop_map(PointValue::Uint),
        any::<i64>().prop_map(PointValue::Int),
        floats().prop_map(PointValue::Float),
        histogram.prop_map(|(count, sum, buckets)| {
            PointValue::Histogram(Histogram {
                count,
                sum,
                buckets,
            })
        }),
    ]
}

fn point(value: PointValue, text: &[u8], kind: MetricKind) -> Point {
    let kind = match value {
        PointValue::Histogram(_) => MetricKind::Histogram,
        PointValue::Uint(_) | PointValue::Int(_) | PointValue::Float(_) => kind,
    };
    let mut attributes = Attributes::default();
    attributes.push(&Key::new("a\"\\b"), OwnedValue::text(text));
    attributes.push(&Key::new("n"), OwnedValue::Float(-1.5));
    Point {
        metric: descriptor(kind),
        attributes,
        cgroup: None,
        container: None,
        start: WallNanos(1),
        value,
    }
}

fn first_metric(request: &ExportMetricsServiceRequest) -> &Metric {
    &request.resource_metrics[0].scope_metrics[0].metrics[0]
}

fn numbers(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref() {
        Some(Data::Sum(sum)) => &sum.data_points,
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        _ => panic!("{metric:?} has no numbers"),
    }
}

proptest! {
    /// Any bytes anywhere: both forms of a log record say the same.
    #[test]
    fn any_event_is_the_same_in_both_forms(
        path in vec(any::<u8>(), 0..300),
        arguments in vec(any::<u8>(), 0..60),
    ) {
        let (open_kind, exec_kind) = (support::open_kind(), support::exec_kind());
        let batch = support::batch(
            &[
                (&open_kind, support::open(&open_kind, &path)),
                (&exec_kind, support::exec(&exec_kind, &arguments)),
            ],
            vec![support::subject(1, &path)],
        );
        let (protobuf, json) = both(&batch);
        let protobuf = ExportLogsServiceRequest::decode(&*protobuf.body).unwrap();
        let json: ExportLogsServiceRequest = serde_json::from_slice(&json.body).unwrap();
        prop_assert_eq!(json, protobuf);
    }

    /// Any value and any text: a point is in protobuf what it is in memory, and
    /// in JSON what it is in protobuf.
    #[test]
    fn any_point_is_the_same_in_both_forms(
        value in values(),
        text in vec(any::<u8>(), 0..40),
        is_counter in any::<bool>(),
    ) {
        let kind = if is_counter { MetricKind::Counter } else { MetricKind::Gauge };
        let batch = MetricBatch {
            time: WallNanos(u64::MAX),
            points: vec![point(value.clone(), &text, kind)],
        };
        let (protobuf, json) = both_of_points(&batch);
        let protobuf = ExportMetricsServiceRequest::decode(&*protobuf.body).unwrap();
        let json: ExportMetricsServiceRequest = serde_json::from_slice(&json.body).unwrap();
        prop_assert_eq!(&json, &protobuf);
        let metric = first_metric(&protobuf);
        prop_assert_eq!(&metric.name, "a \"b\" \u{1}\u{fffd}");
        let number = |expected| assert_eq!(numbers(metric)[0].value, Some(expected));
        match value {
            PointValue::Uint(value) => {
                number(Number::AsInt(i64::try_from(value).unwrap_or(i64::MAX)));
            }
            PointValue::Int(value) => number(Number::AsInt(value)),
            PointValue::Float(value) => number(Number::AsDouble(value)),
            PointValue::Histogram(histogram) => {
                let Some(Data::Histogram(data)) = &metric.data else {
                    panic!("{metric:?} is no histogram");
                };
                let point = &data.data_points[0];
                prop_assert_eq!(point.count, histogram.count);
                prop_assert_eq!(point.sum, histogram.sum);
                prop_assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                return Ok(());
            }
        }
        let shown = &numbers(metric)[0].attributes[0].value.as_ref().unwrap().value;
        let lossy = String::from_utf8_lossy(&text).into_owned();
        prop_assert_eq!(shown.as_ref(), Some(&Any::StringValue(lossy)));
    }
}
