use std::sync::Arc;

use eunomia_core::component::Host;
use eunomia_core::signal::Signal;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::JsonEncoder;
use crate::sink::Lines;
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

/// A host without a name leaves the attribute out.
#[test]
fn what_does_not_exist_is_left_out() {
    let mut lines = Lines::default();
    let mut encoder = JsonEncoder::new(&Host::default());
    encoder.encode(&Signal::Events(support::sample()), &mut lines);
    assert!(!String::from_utf8_lossy(&lines.bytes).contains("host.name"));
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
