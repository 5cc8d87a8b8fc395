//! How each peer has an event and a point of the NDJSON.

use eunomia_integration::{Event, Signals};
use serde_json::{Map, Value, json};

use super::Told;

/// What servers add of the resource and the scope, and the NDJSON does not have.
const ADDED: [&str; 12] = [
    "_msg",
    "_stream",
    "_stream_id",
    "severity",
    "host.arch",
    "host.id",
    "os.type",
    "scope.name",
    "scope.version",
    "service.instance.id",
    "service.name",
    "service.version",
];

/// All that a receiver of OTLP wrote down.
pub(super) fn otlp(signals: &Signals) -> Told {
    let mut points = signals.points();
    for point in &mut points {
        // Of the resource and of the count, which a line of the NDJSON does not have.
        point
            .0
            .retain(|name, _| name != "host.name" && name != "start");
    }
    Told {
        events: signals.events(),
        points,
    }
}

/// In OTLP nothing is lost.
pub(super) fn in_otlp(one: &Event) -> Vec<Event> {
    vec![one.clone().in_nanoseconds()]
}

/// The records of `VictoriaLogs`.
pub(super) fn victoria_logs(records: Vec<Value>) -> Vec<Event> {
    let event = |record: Value| {
        let mut event = fields(&record);
        event.retain(|name, _| !is_added(name));
        let time = event.remove("_time").unwrap_or_default();
        let kind = event.remove("event_name").unwrap_or_default();
        event.insert("event".to_owned(), kind);
        event.insert("time".to_owned(), whole_time(&time).into());
        event.values_mut().for_each(|value| *value = as_text(value));
        Event(event).in_nanoseconds()
    };
    records.into_iter().map(event).collect()
}

/// Exact bytes are base64 there.
pub(super) fn in_victoria_logs(event: &Event) -> Vec<Event> {
    let exact = |(name, value): (&String, &Value)| (name.clone(), exact(name, value));
    in_texts(&Event(event.0.iter().map(exact).collect()))
}

/// Every value is text, and what is empty is not there.
pub(super) fn in_texts(event: &Event) -> Vec<Event> {
    let mut event = event.clone().in_nanoseconds();
    event
        .0
        .values_mut()
        .for_each(|value| *value = as_text(value));
    event.0.retain(|_, value| value != "");
    vec![event]
}

/// For a peer that has no points.
pub(super) fn nowhere(_: &Event) -> Vec<Event> {
    Vec::new()
}

/// Rows of CSV, lists as JSON.
pub(super) fn csv(rows: &[Value]) -> Told {
    let event = |row: &Value| in_texts(&Event(fields(row)));
    Told {
        events: rows.iter().flat_map(event).collect(),
        points: Vec::new(),
    }
}

/// The samples of `VictoriaMetrics`, one an event.
pub(super) fn victoria_metrics(series: &[Value]) -> Vec<Event> {
    let of_series = |series: &Value| -> Vec<_> {
        let mut labels = fields(&series["metric"]);
        labels.retain(|name, _| !is_added(name) && name != "host.name");
        let list = |name: &str| series[name].as_array().cloned().unwrap_or_default();
        let samples = list("timestamps").into_iter().zip(list("values"));
        let sample = |(time, value): (Value, Value)| {
            let mut sample = labels.clone();
            sample.insert("time".to_owned(), time);
            sample.insert("value".to_owned(), json!(value.as_f64()));
            Event(sample)
        };
        samples.map(sample).collect()
    };
    series.iter().flat_map(of_series).collect()
}

/// A sample for each number, times in milliseconds, buckets with all that is below them.
pub(super) fn in_victoria_metrics(point: &Event) -> Vec<Event> {
    let mut labels = point.0.clone();
    for name in ["time", "type", "unit", "value", "count", "sum", "buckets"] {
        labels.remove(name);
    }
    let metric = labels.remove("metric").unwrap_or_default();
    let metric = metric.as_str().unwrap_or_default();
    labels
        .values_mut()
        .for_each(|value| *value = as_text(value));
    let time = point.time().unwrap_or_default() / 1_000_000;
    let sample = |suffix: &str, bound: Option<&Value>, value: Option<f64>| {
        let mut sample = labels.clone();
        let bound = bound.map(|bound| match bound.as_f64() {
            Some(bound) => bound.to_string().into(),
            None => bound.clone(),
        });
        sample.extend(bound.map(|bound| ("le".to_owned(), bound)));
        sample.insert("__name__".to_owned(), format!("{metric}{suffix}").into());
        sample.insert("time".to_owned(), time.into());
        sample.insert("value".to_owned(), json!(value));
        Event(sample)
    };
    let number = |name: &str| point.get(name).and_then(Value::as_f64);
    if let Some(value) = number("value") {
        return vec![sample("", None, Some(value))];
    }
    let mut samples = vec![sample("_count", None, number("count"))];
    let mut below = 0.0;
    let buckets = point.get("buckets").and_then(Value::as_array);
    for bucket in buckets.into_iter().flatten() {
        below += bucket[1].as_f64().unwrap_or(f64::NAN);
        samples.push(sample("_bucket", Some(&bucket[0]), Some(below)));
    }
    samples
}

/// The points of InfluxDB: those that are events have no value and no count.
pub(super) fn influxdb(mut all: Vec<Event>) -> Told {
    for one in &mut all {
        // Of two at the same time the later has the next: each was compared by peer_influxdb.rs.
        one.0.remove("time");
        list_as_text(one);
    }
    let is_point = |one: &Event| one.get("value").or_else(|| one.get("count")).is_some();
    let (mut points, events) = all.into_iter().partition::<Vec<_>, _>(is_point);
    for point in &mut points {
        point.0.remove("host.name");
    }
    Told { events, points }
}

/// As InfluxDB 2 answers, in CSV: carriage returns are left out of texts.
pub(super) fn in_influxdb(one: &Event) -> Vec<Event> {
    let mut point = as_fields(one);
    for value in point.0.values_mut() {
        if let Value::String(text) = value {
            text.retain(|c| c != '\r');
        }
    }
    vec![point]
}

/// As InfluxDB 1 answers, in JSON: a float without a fraction is an integer.
pub(super) fn in_influxdb1(one: &Event) -> Vec<Event> {
    let mut point = as_fields(one);
    for value in point.0.values_mut() {
        if let Some(float) = value.as_f64().filter(|_| value.is_f64()) {
            *value = serde_json::from_str(&float.to_string()).unwrap_or_default();
        }
    }
    vec![point]
}

/// A list is its text, and what a bucket and those below it count a field under its bound.
fn as_fields(one: &Event) -> Event {
    let mut one = one.clone();
    for name in ["time", "type", "unit"] {
        one.0.remove(name);
    }
    let name = one.0.remove("event").or_else(|| one.0.remove("metric"));
    one.0
        .insert("measurement".to_owned(), name.unwrap_or_default());
    if let Some(Value::Array(buckets)) = one.0.remove("buckets") {
        let mut below = 0;
        for bucket in &buckets {
            below += bucket[1].as_u64().unwrap_or_default();
            if let Some(bound) = bucket[0].as_f64() {
                one.0.insert(bound.to_string(), below.into());
            }
        }
    }
    list_as_text(&mut one);
    one
}

fn list_as_text(one: &mut Event) {
    for value in one.0.values_mut() {
        let is_list = value.is_array() || value.as_str().is_some_and(|text| text.starts_with('['));
        if is_list {
            *value = as_text(value);
        }
    }
}

fn is_added(name: &str) -> bool {
    ADDED.contains(&name)
}

fn fields(of: &Value) -> Map<String, Value> {
    of.as_object().cloned().unwrap_or_default()
}

/// A time with all its nine digits, of which a server leaves out zeros at the end.
fn whole_time(time: &Value) -> String {
    let time = time.as_str().unwrap_or_default().trim_end_matches('Z');
    let (seconds, digits) = time.split_once('.').unwrap_or((time, ""));
    format!("{seconds}.{digits:0<9}Z")
}

/// A value as text: a list as JSON, whatever its blanks. `VictoriaLogs` writes control characters
/// in a list as Go does, not as JSON does.
fn as_text(value: &Value) -> Value {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let list = |text: &str| serde_json::from_str::<Vec<Value>>(text).ok();
    match list(&text).or_else(|| list(&text.replace("\\x", "\\u00"))) {
        Some(list) => Value::from(list).to_string().into(),
        None => text.into(),
    }
}

/// Exact bytes in base64, as OTLP in JSON has them, in place of hexadecimal digits.
fn exact(name: &str, value: &Value) -> Value {
    if let Some(list) = value.as_array() {
        return list.iter().map(|value| exact(name, value)).collect();
    }
    let hex = value.as_str().filter(|_| name.ends_with("_raw"));
    hex.map_or_else(|| value.clone(), |hex| base64(hex).into())
}

fn base64(hex: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let nibbles: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let mut text = String::new();
    // Six hexadecimal digits are four of base64.
    for group in nibbles.chunks(6) {
        let bits =
            group.iter().fold(0, |bits, nibble| bits << 4 | nibble) << (4 * (6 - group.len()));
        let digits = group.len() * 2 / 3 + usize::from(group.len() < 6);
        for place in 0..digits {
            let index = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or_default();
            text.push(char::from(DIGITS[index]));
        }
        text.push_str(&"=".repeat(4 - digits));
    }
    text
}
