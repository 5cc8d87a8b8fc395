//! Line protocol, read by `influxdb-line-protocol`.

use std::collections::BTreeSet;

use eunomia_core::batch::RowView;
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::signal::Signal;
use eunomia_core::value::Value;
use eunomia_exporters::{LineEncoder, LinePushed, LineRequest, LineSettings};
use eunomia_exporters::{Precision, Schema, Unsigned};
use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};

use crate::input::Input;
use crate::support;

/// A line is one point, no two are the same to a server, and no text is lost.
pub fn line_protocol(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let [events, points] = input.signals();
    for schema in [Schema::Eunomia, Schema::OtelLogs] {
        let (request, has_line) = encode(&events, schema);
        let text = str::from_utf8(&request.body).expect("UTF-8");
        let lines = parse(text);
        assert_eq!(lines.len(), request.items());
        let rows = input.events.iter().zip(has_line);
        let rows = rows.filter_map(|(row, has_line)| has_line.then_some(row));
        for (line, row) in lines.iter().zip(rows) {
            has_texts(line, &row);
        }
    }
    for schema in [
        Schema::Eunomia,
        Schema::TelegrafPrometheusV1,
        Schema::TelegrafPrometheusV2,
        Schema::OtelLogs,
    ] {
        let (request, _) = encode(&points, schema);
        let text = str::from_utf8(&request.body).expect("UTF-8");
        let lines = parse(text);
        assert!(lines.len() >= request.items());
        if schema == Schema::TelegrafPrometheusV2 {
            let mut said: Vec<_> = lines.iter().flat_map(numbers).collect();
            let mut expected = input
                .points
                .points
                .iter()
                .flat_map(expected)
                .collect::<Vec<_>>();
            said.sort_unstable();
            expected.sort_unstable();
            assert_eq!(said, expected, "{text:?}");
        }
    }
}

/// A number, with the bound of the bucket that it is of.
type Number = (Option<String>, String);

/// The numbers of a line of Telegraf's second schema.
fn numbers(line: &ParsedLine<'_>) -> Vec<Number> {
    let mut tags = line.series.tag_set.iter().flatten();
    let bound = tags.find(|(key, _)| *key == "le");
    let bound = bound.map(|(_, bound)| plain(bound.parse().expect("a number")));
    let numbers = line
        .field_set
        .iter()
        .filter_map(|(key, value)| match value {
            FieldValue::F64(value) => Some((bound.clone(), plain(*value))),
            FieldValue::I64(_) if *key == "start_time_unix_nano" => None,
            other => panic!("{other:?} is no number"),
        });
    numbers.collect()
}

/// The numbers that a point has; infinities have no form.
fn expected(point: &Point) -> Vec<Number> {
    let one = |value: f64| vec![(None, plain(value))];
    match &point.value {
        PointValue::Float(value) if !value.is_finite() => Vec::new(),
        PointValue::Float(value) => one(*value),
        PointValue::Uint(value) => one(*value as f64),
        PointValue::Int(value) => one(*value as f64),
        PointValue::Histogram(histogram) => {
            let mut numbers = one(histogram.count as f64);
            numbers.extend(histogram.sum.map(|sum| (None, plain(sum))));
            let finite = histogram
                .buckets
                .iter()
                .filter(|(bound, _)| bound.is_finite());
            let mut below = 0;
            numbers.extend(finite.map(|(bound, count)| {
                below += count;
                (Some(plain(*bound)), plain(below as f64))
            }));
            numbers
        }
    }
}

fn plain(number: f64) -> String {
    format!("{number:?}")
}

/// The sentences about events, as the log records of `otel-logs` have them.
pub(crate) fn bodies(events: &Signal) -> Vec<String> {
    let (request, _) = encode(events, Schema::OtelLogs);
    let text = str::from_utf8(&request.body).expect("UTF-8");
    let bodies = parse(text).into_iter().map(|line| {
        let mut fields = line.field_set.iter();
        match fields.find(|(key, _)| *key == "body") {
            Some((_, FieldValue::String(body))) => body.to_string(),
            other => panic!("{other:?} is no body"),
        }
    });
    bodies.collect()
}

/// The request, and which events or points have a line in it: those that have a field.
fn encode(signal: &Signal, schema: Schema) -> (LineRequest, Vec<bool>) {
    let settings = LineSettings {
        schema,
        tags: vec!["fuzz.attribute1".to_owned()],
        precision: Precision::Ns,
        unsigned: Unsigned::Kept,
        max_lines: 5000,
        max_bytes: 4 << 20,
    };
    let mut encoder = LineEncoder::new(&support::host(), &settings);
    let mut has_line = Vec::new();
    encoder.push(signal, |pushed| match pushed {
        LinePushed::Added => has_line.push(true),
        LinePushed::Empty => has_line.push(false),
        other => panic!("{other:?}"),
    });
    (encoder.finish().unwrap_or_default(), has_line)
}

fn parse(text: &str) -> Vec<ParsedLine<'_>> {
    let lines = parse_lines(text).collect::<Result<Vec<_>, _>>();
    let lines = lines.unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let mut points = BTreeSet::new();
    for line in &lines {
        let series = format!("{}", line.series);
        let field: Vec<_> = line
            .field_set
            .iter()
            .map(|(key, _)| key.to_string())
            .collect();
        assert!(
            points.insert((series, field, line.timestamp)),
            "twice: {line:?}"
        );
    }
    lines
}

fn has_texts(line: &ParsedLine<'_>, row: &RowView<'_>) {
    row.visit(&mut |key, value| {
        if let Value::Text(bytes) = value
            && !key.name().starts_with("container.")
        {
            let text = String::from_utf8_lossy(bytes);
            assert!(
                has_text(line, &text),
                "{text:?} of {} is not in {line:?}",
                key.name()
            );
        }
    });
}

fn has_text(line: &ParsedLine<'_>, text: &str) -> bool {
    let tagged = line.series.tag_set.iter().flatten();
    let is_it = |value: &FieldValue<'_>| matches!(value, FieldValue::String(own) if *own == text);
    let is_field = line.field_set.iter().any(|(_, value)| is_it(value));
    is_field || tagged.into_iter().any(|(key, _)| *key == "fuzz.attribute1")
}
