//! OTLP, read by `opentelemetry-proto` and, as JSON, by `serde_json`.

use eunomia_core::batch::Batch;
use eunomia_exporters::{Format, LogsEncoder, Pushed, Request, encode_points};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;
use serde_json::Value as Json;

use crate::input::Input;
use crate::model::{self, Attributes};
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

/// A name with attributes: an event or a metric's point.
type Said = (String, Attributes);

/// Every event and every point comes back with all its attributes.
pub fn otlp_protobuf(data: &[u8]) {
    check(
        data,
        Format::Protobuf,
        logs_of_protobuf,
        metrics_of_protobuf,
    );
}

/// The same in JSON.
pub fn otlp_json(data: &[u8]) {
    let logs = |body: &[u8]| of_json(body, ["resourceLogs", "scopeLogs", "logRecords"], record);
    let metrics =
        |body: &[u8]| of_json(body, ["resourceMetrics", "scopeMetrics", "metrics"], metric);
    check(data, Format::Json, logs, metrics);
}

fn check(
    data: &[u8],
    format: Format,
    logs: fn(&[u8]) -> Vec<Said>,
    metrics: fn(&[u8]) -> Vec<Said>,
) {
    let Some(Input { events, points }) = Input::new(data) else {
        return;
    };
    let (requests, too_large) = encode(&events, format);
    let rows = events.iter();
    let rows = rows.map(|row| said(row.schema().name.name(), model::of_event(&row)));
    are_in(requests, too_large, logs, rows.collect());
    let (requests, too_large) = encode_points(&points, &support::host(), MAX_BYTES, format);
    let rows = points.points.iter();
    let rows = rows.map(|point| said(point.metric.name.name(), model::of_point(point)));
    are_in(requests, too_large, metrics, rows.collect());
}

/// An integer beyond 63 bits is decimal text.
fn said(name: &str, mut attributes: Attributes) -> Said {
    for value in attributes.values_mut() {
        match value {
            Json::Array(items) => items.iter_mut().for_each(shorten),
            other => shorten(other),
        }
    }
    (name.to_owned(), attributes)
}

fn shorten(value: &mut Json) {
    if value.is_u64() && !value.is_i64() {
        *value = value.to_string().into();
    }
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
fn are_in(
    requests: Vec<Request>,
    too_large: usize,
    read: fn(&[u8]) -> Vec<Said>,
    mut expected: Vec<Said>,
) {
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

/// An item with what its resource says of the container.
fn with(resource: &Attributes, name: String, own: Attributes) -> Said {
    let mut all = resource.clone();
    all.retain(|name, _| !OF_HOST.contains(&name.as_str()));
    all.extend(own);
    (name, all)
}

fn logs_of_protobuf(body: &[u8]) -> Vec<Said> {
    let request = ExportLogsServiceRequest::decode(body).expect("a request");
    let mut said = Vec::new();
    for group in request.resource_logs {
        let resource = attributes(&group.resource.expect("a resource").attributes);
        for record in group
            .scope_logs
            .into_iter()
            .flat_map(|scope| scope.log_records)
        {
            said.push(with(
                &resource,
                record.event_name,
                attributes(&record.attributes),
            ));
        }
    }
    said
}

fn metrics_of_protobuf(body: &[u8]) -> Vec<Said> {
    let request = ExportMetricsServiceRequest::decode(body).expect("a request");
    let mut said = Vec::new();
    for group in request.resource_metrics {
        let resource = attributes(&group.resource.expect("a resource").attributes);
        for metric in group
            .scope_metrics
            .into_iter()
            .flat_map(|scope| scope.metrics)
        {
            let points: Vec<_> = match metric.data.expect("points") {
                Data::Sum(sum) => sum.data_points.into_iter().map(|p| p.attributes).collect(),
                Data::Gauge(gauge) => gauge
                    .data_points
                    .into_iter()
                    .map(|p| p.attributes)
                    .collect(),
                Data::Histogram(of) => of.data_points.into_iter().map(|p| p.attributes).collect(),
                other => panic!("nobody writes {other:?}"),
            };
            let point = |own: Vec<KeyValue>| with(&resource, metric.name.clone(), attributes(&own));
            said.extend(points.into_iter().map(point));
        }
    }
    said
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

fn of_json(body: &[u8], [groups, scopes, items]: [&str; 3], read: Read) -> Vec<Said> {
    let request: Json = serde_json::from_slice(body).expect("a request");
    let mut said = Vec::new();
    for group in list(&request, groups) {
        let resource = json_attributes(&group["resource"]);
        for item in list(group, scopes)
            .iter()
            .flat_map(|scope| list(scope, items))
        {
            said.extend(
                read(item)
                    .into_iter()
                    .map(|(name, own)| with(&resource, name, own)),
            );
        }
    }
    said
}

/// What an item of a scope says.
type Read = fn(&Json) -> Vec<Said>;

fn record(record: &Json) -> Vec<Said> {
    vec![(text(&record["eventName"]), json_attributes(record))]
}

fn metric(metric: &Json) -> Vec<Said> {
    let of_kind = |kind: &str| list(&metric[kind], "dataPoints");
    let points = ["sum", "gauge", "histogram"].into_iter().flat_map(of_kind);
    points
        .map(|point| (text(&metric["name"]), json_attributes(point)))
        .collect()
}

fn list<'a>(of: &'a Json, name: &str) -> &'a [Json] {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(json: &Json) -> String {
    json.as_str().expect("a text").to_owned()
}

fn json_attributes(of: &Json) -> Attributes {
    let pairs = list(of, "attributes").iter();
    pairs
        .map(|pair| (text(&pair["key"]), of_any(&pair["value"])))
        .collect()
}

fn of_any(any: &Json) -> Json {
    let Some((kind, value)) = any.as_object().and_then(|object| object.iter().next()) else {
        return Json::Null;
    };
    match kind.as_str() {
        "stringValue" | "boolValue" => value.clone(),
        "intValue" => text(value).parse::<i64>().expect("a number").into(),
        "doubleValue" => match value.as_str() {
            Some(text) => model::float(text.parse().expect("a number")),
            None => model::float(value.as_f64().expect("a number")),
        },
        "bytesValue" => model::hex(&base64(&text(value))).into(),
        "arrayValue" => list(value, "values").iter().map(of_any).collect(),
        other => panic!("nobody writes {other}"),
    }
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(text.len() % 4, 0, "{text:?} lacks padding");
    let digits = text.trim_end_matches('=').chars();
    let bits: String = digits
        .map(|digit| format!("{:06b}", DIGITS.find(digit).expect("a digit")))
        .collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes
        .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')))
        .collect()
}
