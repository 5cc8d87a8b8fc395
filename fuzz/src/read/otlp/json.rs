//! OTLP as JSON, read by `serde_json`.

use eunomia_exporters::Format;
use serde_json::{Value as Json, json};

use super::check::{Said, check};
use crate::model::{self, Attributes};

/// Every event and every point comes back with all that it says.
pub fn otlp_json(data: &[u8]) {
    let logs = |body: &[u8]| of_json(body, ["resourceLogs", "scopeLogs", "logRecords"], record);
    let metrics =
        |body: &[u8]| of_json(body, ["resourceMetrics", "scopeMetrics", "metrics"], metric);
    check(data, Format::Json, logs, metrics);
}

/// What an item of a scope says, and its name.
type Read = fn(&Json) -> Vec<(Attributes, Json)>;

fn of_json(body: &[u8], [groups, scopes, items]: [&str; 3], read: Read) -> Vec<Said> {
    let request: Json = serde_json::from_slice(body).expect("a request");
    let mut said = Vec::new();
    for group in list(&request, groups) {
        let resource = attributes(&group["resource"]);
        let scopes = list(group, scopes).iter();
        for item in scopes.flat_map(|scope| list(scope, items)) {
            let name = item.get("eventName").or(item.get("name")).map(text);
            let name = name.expect("a name");
            let all = read(item).into_iter();
            said.extend(all.map(|(own, rest)| Said::new(&resource, name.clone(), own, rest)));
        }
    }
    said
}

fn record(record: &Json) -> Vec<(Attributes, Json)> {
    let rest = json!({
        "body": of_any(&record["body"]),
        "time": number(&record["timeUnixNano"]),
        "observed": number(&record["observedTimeUnixNano"]),
        "severity": [record["severityNumber"], record["severityText"]],
    });
    vec![(attributes(record), rest)]
}

fn metric(metric: &Json) -> Vec<(Attributes, Json)> {
    let kinds = ["sum", "gauge", "histogram"];
    let kind = kinds.into_iter().find(|kind| !metric[kind].is_null());
    let kind = kind.expect("points");
    let data = &metric[kind];
    let beside = ["aggregationTemporality", "isMonotonic"].map(|name| data[name].clone());
    let kind: Vec<_> = [kind.into()]
        .into_iter()
        .chain(beside.into_iter().filter(|value| !value.is_null()))
        .collect();
    // What is empty is left out.
    let [unit, description] = ["unit", "description"].map(|name| metric[name].as_str());
    let metric = json!([
        kind,
        unit.unwrap_or_default(),
        description.unwrap_or_default()
    ]);
    let points = list(data, "dataPoints").iter().map(|point| {
        let rest = json!({
            "metric": metric,
            "start": point.get("startTimeUnixNano").map_or(0, number),
            "time": number(&point["timeUnixNano"]),
            "value": value(point),
        });
        (attributes(point), rest)
    });
    points.collect()
}

fn value(point: &Json) -> Json {
    if let Some(int) = point.get("asInt") {
        return text(int).parse::<i64>().expect("a number").into();
    }
    if let Some(double) = point.get("asDouble") {
        return of_double(double);
    }
    let counts: Vec<_> = list(point, "bucketCounts").iter().map(number).collect();
    json!({
        "count": number(&point["count"]),
        "sum": point.get("sum").map(of_double),
        "bounds": list(point, "explicitBounds").iter().map(of_double).collect::<Vec<_>>(),
        "counts": counts,
    })
}

fn list<'a>(of: &'a Json, name: &str) -> &'a [Json] {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(json: &Json) -> String {
    json.as_str().expect("a text").to_owned()
}

fn attributes(of: &Json) -> Attributes {
    let pairs = list(of, "attributes").iter();
    pairs
        .map(|pair| (text(&pair["key"]), of_any(&pair["value"])))
        .collect()
}

/// A number of 64 bit, which is text.
fn number(json: &Json) -> u64 {
    text(json).parse().expect("a number")
}

fn of_double(json: &Json) -> Json {
    match json.as_str() {
        Some(text) => model::float(text.parse().expect("a number")),
        None => model::float(json.as_f64().expect("a number")),
    }
}

fn of_any(any: &Json) -> Json {
    let Some((kind, value)) = any.as_object().and_then(|object| object.iter().next()) else {
        return Json::Null;
    };
    match kind.as_str() {
        "stringValue" | "boolValue" => value.clone(),
        "intValue" => text(value).parse::<i64>().expect("a number").into(),
        "doubleValue" => of_double(value),
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
