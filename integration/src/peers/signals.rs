//! What a receiver of OTLP wrote down of the requests it was sent.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::http::json_lines;
use crate::{Bytes, Error, Event, Result};

/// What the resource says besides what an event carries.
const RESOURCE_ONLY: [&str; 6] = [
    "host.id",
    "host.arch",
    "os.type",
    "service.name",
    "service.version",
    "service.instance.id",
];

/// All requests of a file, each a line of OTLP in JSON.
#[derive(Debug, Default)]
pub struct Signals {
    /// `ResourceLogs` of all requests.
    pub logs: Vec<Value>,
    /// `ResourceMetrics` of all requests.
    pub metrics: Vec<Value>,
}

impl Signals {
    /// Reads such a file.
    ///
    /// # Errors
    /// There is none, or a line is no JSON.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
        let mut signals = Self::default();
        for request in json_lines(&text)? {
            signals
                .logs
                .extend(list(&request, "resourceLogs").iter().cloned());
            signals
                .metrics
                .extend(list(&request, "resourceMetrics").iter().cloned());
        }
        Ok(signals)
    }

    /// The log records as NDJSON has the events, times in nanoseconds.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let of_resource = |one| in_scopes(one, "scopeLogs", "logRecords", event);
        self.logs.iter().flat_map(of_resource).collect()
    }

    /// The points of all metrics as NDJSON has them, times in nanoseconds; besides, `start` is
    /// since when they count.
    #[must_use]
    pub fn points(&self) -> Vec<Event> {
        let of_resource = |one| in_scopes(one, "scopeMetrics", "metrics", points);
        self.metrics
            .iter()
            .flat_map(of_resource)
            .flatten()
            .collect()
    }
}

/// What `read` makes of each item of a resource.
fn in_scopes<T>(
    resource: &Value,
    scopes: &str,
    items: &str,
    read: impl Fn(&Map<String, Value>, &Value) -> T,
) -> Vec<T> {
    let mut shared = attributes(&resource["resource"]);
    shared.retain(|name, _| !RESOURCE_ONLY.contains(&name.as_str()));
    let scopes = list(resource, scopes).iter();
    let items = scopes.flat_map(|scope| list(scope, items));
    items.map(|item| read(&shared, item)).collect()
}

fn event(shared: &Map<String, Value>, record: &Value) -> Event {
    let mut event = shared.clone();
    event.insert("time".to_owned(), record["timeUnixNano"].clone());
    event.insert("event".to_owned(), record["eventName"].clone());
    event.extend(attributes(record));
    Event(event)
}

fn points(shared: &Map<String, Value>, metric: &Value) -> Vec<Event> {
    let kinds = ["sum", "gauge", "histogram"];
    let of_kind = kinds.iter().flat_map(|kind| {
        let points = list(&metric[*kind], "dataPoints").iter();
        points.map(|point| {
            let mut event = shared.clone();
            event.insert("metric".to_owned(), metric["name"].clone());
            event.insert("type".to_owned(), (*kind).into());
            let named = [
                ("unit", &metric["unit"]),
                ("start", &point["startTimeUnixNano"]),
            ];
            let named = named.into_iter().filter(|(_, value)| !value.is_null());
            event.extend(named.map(|(name, value)| (name.to_owned(), value.clone())));
            event.insert("time".to_owned(), point["timeUnixNano"].clone());
            event.extend(value_of(point));
            event.extend(attributes(point));
            Event(event)
        })
    });
    of_kind.collect()
}

/// The value of a number's point, or count, sum and buckets of a histogram's.
fn value_of(point: &Value) -> Vec<(String, Value)> {
    let named = |name: &str, value| (name.to_owned(), value);
    let counts = list(point, "bucketCounts");
    if counts.is_empty() {
        let value = point.get("asDouble").cloned();
        return vec![named(
            "value",
            value.unwrap_or_else(|| integer(&point["asInt"])),
        )];
    }
    let bounds = list(point, "explicitBounds").iter();
    let bounds = bounds
        .map(|bound| json!(bound.as_f64()))
        .chain([json!("+Inf")]);
    let buckets = bounds
        .zip(counts)
        .map(|(bound, count)| json!([bound, integer(count)]));
    let mut value = vec![
        named("buckets", buckets.collect()),
        // Zero is left out.
        named("count", point.get("count").map_or(json!(0), integer)),
    ];
    if !point["sum"].is_null() {
        value.push(named("sum", point["sum"].clone()));
    }
    value
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn attributes(of: &Value) -> Map<String, Value> {
    let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), plain(&pair["value"])));
    list(of, "attributes").iter().filter_map(pair).collect()
}

/// A value of OTLP in JSON as NDJSON has it.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => integer(inner),
        "bytesValue" => Bytes(base64(inner.as_str().unwrap_or_default()))
            .to_hex()
            .into(),
        "arrayValue" => list(inner, "values").iter().map(plain).collect(),
        _ => inner.clone(),
    }
}

/// An integer, which OTLP in JSON has as text.
fn integer(text: &Value) -> Value {
    let number = text.as_str().and_then(|text| text.parse::<i64>().ok());
    number.map_or_else(|| text.clone(), Value::from)
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.chars().map_while(|digit| DIGITS.find(digit));
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0, 0_usize);
    for digit in digits {
        held = (held << 6 | digit) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.extend(u8::try_from(held >> bits & 0xff));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record with its resource, and every kind of value.
    #[test]
    fn a_record_is_read_as_ndjson_has_it() {
        let record = json!({ "timeUnixNano": "7", "eventName": "e", "attributes": [
            { "key": "number", "value": { "intValue": "-1" } },
            { "key": "raw", "value": { "bytesValue": "/w8=" } },
            { "key": "list", "value": { "arrayValue": { "values": [
                { "stringValue": "a" }, {}, { "boolValue": true }] } } },
        ] });
        let resource = json!({ "attributes": [
            { "key": "host.name", "value": { "stringValue": "h" } },
            { "key": "os.type", "value": { "stringValue": "linux" } }] });
        let logs = json!({ "resource": resource, "scopeLogs": [{ "logRecords": [record] }] });
        let signals = Signals {
            logs: vec![logs],
            metrics: Vec::new(),
        };
        let expected = json!({ "time": "7", "event": "e", "host.name": "h", "number": -1,
            "raw": "ff0f", "list": ["a", null, true] });
        assert_eq!(json!(signals.events()), json!([expected]));
    }

    /// A counter, a gauge and a histogram.
    #[test]
    fn points_are_read_as_ndjson_has_them() {
        let point = |value: Value| {
            let mut point = json!({ "timeUnixNano": "9" });
            point
                .as_object_mut()
                .unwrap()
                .extend(value.as_object().unwrap().clone());
            json!({ "dataPoints": [point] })
        };
        let metrics = json!([
            { "name": "c", "unit": "By", "sum": point(json!({ "asInt": "3", "startTimeUnixNano": "5" })) },
            { "name": "g", "gauge": point(json!({ "asDouble": 0.5 })) },
            { "name": "h", "histogram": point(json!({
                "count": "3", "bucketCounts": ["1", "2"], "explicitBounds": [1] })) },
        ]);
        let metrics = json!({ "scopeMetrics": [{ "metrics": metrics }] });
        let signals = Signals {
            logs: Vec::new(),
            metrics: vec![metrics],
        };
        assert_eq!(
            json!(signals.points()),
            json!([
                { "time": "9", "metric": "c", "type": "sum", "unit": "By", "start": "5", "value": 3 },
                { "time": "9", "metric": "g", "type": "gauge", "value": 0.5 },
                { "time": "9", "metric": "h", "type": "histogram", "count": 3,
                  "buckets": [[1.0, 1], ["+Inf", 2]] },
            ])
        );
    }
}
