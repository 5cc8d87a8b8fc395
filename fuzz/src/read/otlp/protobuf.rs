//! OTLP, read by `opentelemetry-proto`.

use eunomia_exporters::Format;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint};
use prost::Message as _;
use serde_json::{Value as Json, json};

use super::check::{Said, check};
use crate::model::{self, Attributes};

/// Every event and every point comes back with all that it says.
pub fn otlp_protobuf(data: &[u8]) {
    check(data, Format::Protobuf, logs, metrics);
}

fn logs(body: &[u8]) -> Vec<Said> {
    let request = ExportLogsServiceRequest::decode(body).expect("a request");
    let mut said = Vec::new();
    for group in request.resource_logs {
        let resource = attributes(&group.resource.expect("a resource").attributes);
        let scopes = group.scope_logs.into_iter();
        for record in scopes.flat_map(|scope| scope.log_records) {
            let (own, rest) = (attributes(&record.attributes), of_record(&record));
            said.push(Said::new(&resource, record.event_name, own, rest));
        }
    }
    said
}

fn of_record(record: &LogRecord) -> Json {
    json!({
        "body": record.body.as_ref().map(of_proto),
        "time": record.time_unix_nano,
        "observed": record.observed_time_unix_nano,
        "severity": [record.severity_number, record.severity_text],
    })
}

fn metrics(body: &[u8]) -> Vec<Said> {
    let request = ExportMetricsServiceRequest::decode(body).expect("a request");
    let mut said = Vec::new();
    for group in request.resource_metrics {
        let resource = attributes(&group.resource.expect("a resource").attributes);
        let scopes = group.scope_metrics.into_iter();
        for metric in scopes.flat_map(|scope| scope.metrics) {
            let points = points(&metric).into_iter();
            said.extend(
                points.map(|(own, rest)| Said::new(&resource, metric.name.clone(), own, rest)),
            );
        }
    }
    said
}

/// The points of a metric, with what it says of itself.
fn points(metric: &Metric) -> Vec<(Attributes, Json)> {
    let (kind, points): (_, Vec<_>) = match metric.data.as_ref().expect("points") {
        Data::Sum(sum) => (
            json!(["sum", sum.aggregation_temporality, sum.is_monotonic]),
            sum.data_points.iter().map(of_number).collect(),
        ),
        Data::Gauge(gauge) => (
            json!(["gauge"]),
            gauge.data_points.iter().map(of_number).collect(),
        ),
        Data::Histogram(all) => (
            json!(["histogram", all.aggregation_temporality]),
            all.data_points.iter().map(of_histogram).collect(),
        ),
        other => panic!("nobody writes {other:?}"),
    };
    let metric = json!([kind, metric.unit, metric.description]);
    let with_metric = |(own, mut rest): (Attributes, Json)| {
        rest["metric"] = metric.clone();
        (own, rest)
    };
    points.into_iter().map(with_metric).collect()
}

fn of_number(point: &NumberDataPoint) -> (Attributes, Json) {
    let value: Json = match point.value.expect("a value") {
        Number::AsInt(value) => value.into(),
        Number::AsDouble(value) => model::float(value),
    };
    let rest = json!({
        "start": point.start_time_unix_nano,
        "time": point.time_unix_nano,
        "value": value,
    });
    (attributes(&point.attributes), rest)
}

fn of_histogram(point: &HistogramDataPoint) -> (Attributes, Json) {
    let rest = json!({
        "start": point.start_time_unix_nano,
        "time": point.time_unix_nano,
        "value": {
            "count": point.count,
            "sum": point.sum,
            "bounds": point.explicit_bounds,
            "counts": point.bucket_counts,
        },
    });
    (attributes(&point.attributes), rest)
}

fn attributes(pairs: &[KeyValue]) -> Attributes {
    let all: Attributes = pairs
        .iter()
        .map(|pair| {
            (
                pair.key.clone(),
                pair.value.as_ref().map_or(Json::Null, of_proto),
            )
        })
        .collect();
    assert_eq!(all.len(), pairs.len(), "a name is there twice");
    all
}

fn of_proto(value: &AnyValue) -> Json {
    value.value.as_ref().map_or(Json::Null, plain)
}

fn plain(any: &Any) -> Json {
    match any {
        Any::StringValue(text) => text.as_str().into(),
        Any::BoolValue(value) => (*value).into(),
        Any::IntValue(value) => (*value).into(),
        Any::DoubleValue(value) => model::float(*value),
        Any::BytesValue(bytes) => model::hex(bytes).into(),
        Any::ArrayValue(array) => {
            let items = array.values.iter();
            items
                .map(|item| item.value.as_ref().map_or(Json::Null, plain))
                .collect()
        }
        other => panic!("nobody writes {other:?}"),
    }
}
