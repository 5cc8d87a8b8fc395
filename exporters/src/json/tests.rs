use std::sync::Arc;

use eunomia_core::component::Host;
use eunomia_core::schema::{IntegerSize, Shape};
use eunomia_core::signal::Signal;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::JsonEncoder;
use super::otlp::OtlpLines;
use crate::sink::{Encoder as _, Lines, Pages, Target};
use crate::support;

fn encode(signal: &Signal) -> String {
    let mut lines = Lines::default();
    JsonEncoder::new(&support::host()).encode(signal, &mut lines);
    String::from_utf8_lossy(&lines.bytes).into_owned()
}

/// Only ASCII, as the files of this project are.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | ' '..='~' => c.to_string(),
            _ => format!("<U+{:04X}>", u32::from(c)),
        })
        .collect()
}

/// Every shape of value, text that is not UTF-8 and a list that breaks.
#[test]
fn events_are_objects_with_flat_attributes() {
    insta::assert_snapshot!(visible(&encode(&Signal::Events(support::sample()))));
}

/// Sums, gauges and histograms.
#[test]
fn points_are_objects_too() {
    insta::assert_snapshot!(visible(&encode(&Signal::Metrics(support::metrics()))));
}

/// What stands for a number is the same the first time, again, and where there
/// are more numbers than are remembered.
#[test]
fn what_numbers_spell_does_not_depend_on_other_events() {
    let (all, alone) = support::numbers::events_of_many_numbers();
    let alone = alone.into_iter().map(Signal::Events);
    let alone: String = alone.map(|signal| encode(&signal)).collect();
    assert_eq!(encode(&Signal::Events(all)), alone);
}

/// A host without a name leaves the attribute out.
#[test]
fn what_does_not_exist_is_left_out() {
    let mut lines = Lines::default();
    let mut encoder = JsonEncoder::new(&Host::default());
    encoder.encode(&Signal::Events(support::sample()), &mut lines);
    assert!(!String::from_utf8_lossy(&lines.bytes).contains("host.name"));
}

/// Infinite numbers are text, and what is no number is null.
#[test]
fn floats_that_json_lacks_are_written() {
    let size = IntegerSize::Eight;
    let kind = support::Kind::new("x").field("x.float", Shape::Float { size }, 8);
    let kind = kind.schema();
    for (value, expected) in [
        (2.5, Json::from(2.5)),
        (f64::INFINITY, "+Inf".into()),
        (f64::NEG_INFINITY, "-Inf".into()),
        (f64::NAN, Json::Null),
    ] {
        let record = support::record(&kind, &[support::Cell::F64(value)]);
        let batch = support::batch(&[(&kind, record)], Vec::new());
        let line: Json = serde_json::from_str(&encode(&Signal::Events(batch))).unwrap();
        assert_eq!(line["x.float"], expected, "{value}");
    }
}

/// What a line says of a path with these bytes.
fn path_in_json(path: &[u8]) -> Json {
    let kind = support::open_kind();
    let batch = support::batch(&[(&kind, support::open(&kind, path))], Vec::new());
    let text = encode(&Signal::Events(batch));
    assert_eq!(text.matches('\n').count(), 1, "{text:?}");
    serde_json::from_str(&text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

proptest! {
    /// Any bytes come back from a JSON reader: as text, or as hex beside it.
    #[test]
    fn any_text_survives(path in vec(any::<u8>(), 0..64)) {
        let json = path_in_json(&path);
        prop_assert_eq!(&json["file.path"], &Json::from(String::from_utf8_lossy(&path)));
        match str::from_utf8(&path) {
            Ok(_) => prop_assert!(json.get("file.path_raw").is_none()),
            Err(_) => prop_assert_eq!(&json["file.path_raw"], &Json::from(hex(&path))),
        }
    }

    /// So do strings full of what JSON escapes.
    #[test]
    fn any_characters_survive(path in "[\\x00-\\x1f\"\\\\\u{7f}-\u{ff}\u{2028}a]{0,40}") {
        prop_assert_eq!(&path_in_json(path.as_bytes())["file.path"], &Json::from(path));
    }
}

/// Every line ends where the sink thinks it does.
#[test]
fn every_event_is_one_line() {
    let signal = Arc::new(Signal::Events(support::sample()));
    let mut lines = Lines::default();
    JsonEncoder::new(&support::host()).encode(&signal, &mut lines);
    assert_eq!(
        lines.complete(lines.bytes.len()),
        (signal.len(), lines.bytes.len())
    );
}

/// The one line that `signal` is in OTLP's files, and where it goes.
fn otlp(signal: &Signal) -> (String, Json) {
    let target = Target::parse("{signal}.jsonl").unwrap();
    let mut pages = Pages::new(&target, &support::host());
    let mut encoder = OtlpLines::new(&support::host());
    // What is left of one batch is not in the next.
    for _ in 0..2 {
        pages.clear();
        encoder.encode(signal, &mut pages);
    }
    let mut files = pages.files();
    assert_eq!(files.len(), 1);
    let (path, text) = files.remove(0);
    let line = str::from_utf8(&text).unwrap().strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'));
    (path, serde_json::from_str(line).unwrap())
}

/// The items of the only scope of each resource.
fn items<'a>(data: &'a Json, resources: &str, scopes: &str, items: &str) -> Vec<&'a Json> {
    let resources = data[resources].as_array().unwrap().iter();
    resources
        .flat_map(|resource| resource[scopes][0][items].as_array().unwrap())
        .collect()
}

/// A batch of events is one `LogsData`, with every event in it.
#[test]
fn events_are_a_line_of_logs_data() {
    let batch = support::sample();
    let kinds: Vec<_> = batch
        .iter()
        .map(|row| row.schema().name.name().to_owned())
        .collect();
    let (path, data) = otlp(&Signal::Events(batch));
    assert_eq!(path, "events.jsonl");
    assert_eq!(data.as_object().unwrap().len(), 1);
    let records = items(&data, "resourceLogs", "scopeLogs", "logRecords");
    let names: Vec<_> = records
        .iter()
        .map(|record| record["eventName"].as_str().unwrap())
        .collect();
    assert_eq!(names, kinds);
}

/// A batch of points is one `MetricsData`, in a file of its own.
#[test]
fn points_are_a_line_of_metrics_data() {
    let (path, data) = otlp(&Signal::Metrics(support::metrics()));
    assert_eq!(path, "metrics.jsonl");
    assert_eq!(data.as_object().unwrap().len(), 1);
    let metrics = items(&data, "resourceMetrics", "scopeMetrics", "metrics");
    assert_eq!(metrics.len(), 4);
}

/// A line is as many items as its batch has: all are delivered or none.
#[test]
fn a_line_counts_as_its_batch() {
    let signal = Signal::Events(support::sample());
    let mut pages = Pages::new(&Target::new("x"), &support::host());
    OtlpLines::new(&support::host()).encode(&signal, &mut pages);
    let lines = pages.only();
    let length = lines.bytes.len();
    assert_eq!(lines.complete(length - 1), (0, 0));
    assert_eq!(lines.complete(length), (signal.len(), length));
}
