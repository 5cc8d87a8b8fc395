//! What is encoded by hand decodes with prost to what was meant.

use std::fmt::Write as _;
use std::sync::Arc;

use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, PointValue};
use eunomia_core::subject::Container;
use eunomia_core::time::BootNanos;
use eunomia_core::value::OwnedValue;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use crate::otlp::encode::{Format, LogsEncoder, Pushed, Request, encode_points};
use crate::support;

pub(super) const ROOMY: usize = 4 << 20;

fn encode(batch: &Batch, max_bytes: usize) -> (Vec<Request>, usize) {
    encode_as(batch, max_bytes, Format::Protobuf)
}

pub(super) fn encode_as(batch: &Batch, max_bytes: usize, format: Format) -> (Vec<Request>, usize) {
    let mut encoder = LogsEncoder::new(&support::host(), max_bytes, format);
    let mut requests = Vec::new();
    let mut too_large = 0;
    encoder.push(batch, |pushed| match pushed {
        Pushed::Added => {}
        Pushed::Full(request) => requests.push(request),
        Pushed::TooLarge => too_large += 1,
    });
    requests.extend(encoder.finish());
    (requests, too_large)
}

fn decode(request: &Request) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(&*request.body).unwrap()
}

fn records(request: &Request) -> Vec<LogRecord> {
    let groups = decode(request).resource_logs;
    let scopes = groups.into_iter().flat_map(|group| group.scope_logs);
    scopes.flat_map(|scope| scope.log_records).collect()
}

fn value(any: Option<&AnyValue>) -> String {
    match any.and_then(|any| any.value.as_ref()) {
        None => "null".into(),
        Some(Any::ArrayValue(array)) => {
            let items: Vec<_> = array.values.iter().map(|item| value(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Some(Any::StringValue(text)) => format!("{:?}", text.escape_unicode_only()),
        Some(Any::BytesValue(bytes)) => format!("bytes {bytes:02x?}"),
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::DoubleValue(number)) => format!("{number:?}"),
        Some(Any::BoolValue(yes)) => yes.to_string(),
        Some(other) => panic!("nobody writes {other:?}"),
    }
}

/// Text in ASCII, for snapshots.
trait EscapeUnicodeOnly {
    fn escape_unicode_only(&self) -> String;
}

impl EscapeUnicodeOnly for String {
    fn escape_unicode_only(&self) -> String {
        let escape = |c: char| match c {
            ' '..='~' => c.to_string(),
            _ => format!("<U+{:04X}>", u32::from(c)),
        };
        self.chars().map(escape).collect()
    }
}

fn pairs(attributes: &[KeyValue]) -> String {
    let pair = |pair: &KeyValue| format!("  {} = {}\n", pair.key, value(pair.value.as_ref()));
    attributes.iter().map(pair).collect()
}

fn resource(resource: Option<&Resource>) -> String {
    format!("resource\n{}", pairs(&resource.unwrap().attributes))
}

fn show(request: &Request) -> String {
    let mut text = String::new();
    for group in decode(request).resource_logs {
        text += &resource(group.resource.as_ref());
        for scope in &group.scope_logs {
            let about = scope.scope.as_ref().unwrap();
            writeln!(text, "scope {} {}", about.name, about.version).unwrap();
            for record in &scope.log_records {
                let (time, observed) = (record.time_unix_nano, record.observed_time_unix_nano);
                let severity = (record.severity_number, &record.severity_text);
                writeln!(
                    text,
                    "{} {severity:?} at {time}, {observed}",
                    record.event_name
                )
                .unwrap();
                writeln!(text, "  body {}", value(record.body.as_ref())).unwrap();
                text += &pairs(&record.attributes);
            }
        }
    }
    text
}

/// Attributes and body say the same of a number the first time, again, and where
/// there are more numbers than are remembered.
#[test]
fn what_numbers_spell_does_not_depend_on_other_events() {
    let of = |batch: &Batch| records(&encode(batch, ROOMY).0[0]);
    let (all, alone) = support::numbers::events_of_many_numbers();
    let all = of(&all);
    assert_eq!(all.len(), alone.len());
    for (one, alone) in all.iter().zip(&alone) {
        assert_eq!(std::slice::from_ref(one), of(alone));
    }
}

/// Resource, scope, and every shape of value.
#[test]
fn events_are_log_records() {
    let (requests, too_large) = encode(&support::sample(), ROOMY);
    assert_eq!((requests.len(), too_large), (1, 0));
    assert_eq!(requests[0].items, support::sample().len());
    insta::assert_snapshot!(show(&requests[0]));
}

/// One resource for each container and one for the host, whatever the order.
#[test]
fn events_are_grouped_by_container() {
    let kind = support::open_kind();
    let event = || support::open(&kind, b"/a");
    let mut inside = support::subject(1, b"/bin/a");
    let mut batch = support::batch(&[], vec![inside.clone()]);
    inside.container = Some(support::container());
    batch.subjects.push(inside);
    let (one, same, host) = (SubjectIndex(0), SubjectIndex(1), SubjectIndex::NONE);
    for actor in [one, same, host, one, host] {
        batch.push(&kind, &event(), BootNanos(1), actor);
    }
    let (requests, _) = encode(&batch, ROOMY);
    let groups = decode(&requests[0]).resource_logs;
    let sizes: Vec<_> = groups
        .iter()
        .map(|g| g.scope_logs[0].log_records.len())
        .collect();
    assert_eq!(sizes, [3, 2]);
}

/// No request is larger than it may be; what cannot fit is told.
#[test]
fn requests_are_split_at_their_limit() {
    let kind = support::open_kind();
    let long = vec![b'x'; 4000];
    let event = |path: &[u8]| (&kind, support::open(&kind, path));
    let mut events: Vec<_> = (0..50).map(|_| event(b"/etc/passwd")).collect();
    events.insert(7, event(&long));
    let batch = support::batch(&events, vec![support::subject(1, b"/bin/a")]);
    let (requests, too_large) = encode(&batch, 4096);
    assert_eq!(too_large, 1);
    assert!(requests.len() > 2);
    for request in &requests {
        assert!(request.body.len() <= 4096, "{}", request.body.len());
        assert_eq!(records(request).len(), request.items);
    }
    assert_eq!(
        requests.iter().map(|request| request.items).sum::<usize>(),
        50
    );
}

/// Sums, gauges and histograms, the unit and what they are about.
#[test]
fn points_are_metrics() {
    let (requests, too_large) = encode_points(
        &support::metrics(),
        &support::host(),
        ROOMY,
        Format::Protobuf,
    );
    assert_eq!((requests.len(), too_large), (1, 0));
    let request = ExportMetricsServiceRequest::decode(&*requests[0].body).unwrap();
    let mut text = String::new();
    for group in request.resource_metrics {
        text += &resource(group.resource.as_ref());
        for metric in group.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            writeln!(text, "{metric:#?}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// Counts that a kernel may have let run over break nothing.
#[test]
fn a_histogram_may_be_as_full_as_can_be() {
    let mut batch = support::metrics();
    let full = |bounds: &[f64]| {
        PointValue::Histogram(Histogram {
            count: u64::MAX,
            sum: None,
            buckets: bounds.iter().map(|bound| (*bound, u64::MAX)).collect(),
        })
    };
    let histogram = batch.points.iter_mut();
    for point in histogram.filter(|point| matches!(point.value, PointValue::Histogram(_))) {
        point.value = full(&[1.0, 2.0]);
    }
    let (requests, _) = encode_points(&batch, &support::host(), ROOMY, Format::Protobuf);
    let request = ExportMetricsServiceRequest::decode(&*requests[0].body).unwrap();
    let text = format!("{request:?}");
    let counts = format!("bucket_counts: [{0}, {0}, 0]", u64::MAX);
    assert!(text.contains(&counts), "{text}");
}

/// Points are split like events.
#[test]
fn points_are_split_at_their_limit() {
    let mut batch = support::metrics();
    let points = batch.points.clone();
    batch.points.extend((0..20).flat_map(|_| points.clone()));
    let (requests, too_large) = encode_points(&batch, &support::host(), 1500, Format::Protobuf);
    assert_eq!(too_large, 0);
    assert!(requests.len() > 1);
    assert!(requests.iter().all(|request| request.body.len() <= 1500));
    let items: usize = requests.iter().map(|request| request.items).sum();
    assert_eq!(items, batch.points.len());
    let (requests, too_large) = encode_points(&batch, &support::host(), 100, Format::Protobuf);
    assert_eq!((requests.len(), too_large), (0, batch.points.len()));
}

fn attribute<'a>(record: &'a LogRecord, key: &str) -> Option<&'a Any> {
    let pair = record.attributes.iter().find(|pair| pair.key == key)?;
    pair.value.as_ref()?.value.as_ref()
}

proptest! {
    /// Any bytes anywhere: the request decodes, text is lossy and bytes exact.
    #[test]
    fn any_text_survives(
        path in vec(any::<u8>(), 0..300),
        arguments in vec(vec(1_u8.., 0..9), 0..9),
    ) {
        let (open_kind, exec_kind) = (support::open_kind(), support::exec_kind());
        let list: Vec<u8> = arguments.iter().flat_map(|a| [a, &b"\0"[..]].concat()).collect();
        let batch = support::batch(
            &[
                (&open_kind, support::open(&open_kind, &path)),
                (&exec_kind, support::exec(&exec_kind, &list)),
            ],
            vec![support::subject(1, &path)],
        );
        let (requests, _) = encode(&batch, ROOMY);
        let records = records(&requests[0]);
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for key in ["file.path", "process.executable.path"] {
            let record = &records[0];
            prop_assert_eq!(attribute(record, key), Some(&Any::StringValue(lossy(&path))));
            let raw = attribute(record, &format!("{key}_raw"));
            match str::from_utf8(&path) {
                Ok(_) => prop_assert_eq!(raw, None),
                Err(_) => prop_assert_eq!(raw, Some(&Any::BytesValue(path.clone()))),
            }
        }
        let Some(Any::ArrayValue(shown)) = attribute(&records[1], "process.command_args") else {
            panic!("arguments are a list");
        };
        let shown: Vec<_> = shown.values.iter().map(|any| any.value.clone()).collect();
        let meant: Vec<_> = arguments.iter().map(|a| Some(Any::StringValue(lossy(a)))).collect();
        prop_assert_eq!(shown, meant);
    }
}

/// What is known of a container may change between two batches.
#[test]
fn a_container_that_got_a_name_is_another_resource() {
    let kind = support::open_kind();
    let before = support::subject(1, b"/bin/a");
    let mut after = before.clone();
    let plain = support::container();
    let mut named = Container {
        id: plain.id.clone(),
        attributes: plain.attributes.clone(),
    };
    named
        .attributes
        .push(&Key::new("container.name"), OwnedValue::Str("web".into()));
    after.container = Some(Arc::new(named));
    let mut batch = support::batch(&[], vec![before, after]);
    for actor in [0, 1] {
        let actor = SubjectIndex(actor);
        let record = support::open(&kind, b"/a");
        batch.push(&kind, &record, BootNanos(1), actor);
    }
    let (requests, _) = encode(&batch, ROOMY);
    assert_eq!(decode(&requests[0]).resource_logs.len(), 2);
}
