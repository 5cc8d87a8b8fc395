//! Line protocol, read by `influxdb-line-protocol`.

use std::collections::BTreeSet;

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
    let request = encode(&events, Schema::Eunomia);
    let text = str::from_utf8(&request.body).expect("UTF-8");
    let lines = parse(text);
    assert_eq!(lines.len(), request.items());
    for (line, row) in lines.iter().zip(input.events.iter()) {
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
    for schema in [Schema::Eunomia, Schema::TelegrafPrometheusV1] {
        let request = encode(&points, schema);
        let text = str::from_utf8(&request.body).expect("UTF-8");
        assert!(parse(text).len() >= request.items());
    }
}

fn encode(signal: &Signal, schema: Schema) -> LineRequest {
    let settings = LineSettings {
        schema,
        tags: vec!["fuzz.attribute1".to_owned()],
        precision: Precision::Ns,
        unsigned: Unsigned::Kept,
        max_lines: 5000,
        max_bytes: 4 << 20,
    };
    let mut encoder = LineEncoder::new(&support::host(), &settings);
    encoder.push(signal, |pushed| {
        let is_kept = matches!(pushed, LinePushed::Added | LinePushed::Empty);
        assert!(is_kept, "{pushed:?}");
    });
    encoder.finish().unwrap_or_default()
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

fn has_text(line: &ParsedLine<'_>, text: &str) -> bool {
    let tagged = line.series.tag_set.iter().flatten();
    let is_it = |value: &FieldValue<'_>| matches!(value, FieldValue::String(own) if *own == text);
    let is_field = line.field_set.iter().any(|(_, value)| is_it(value));
    is_field || tagged.into_iter().any(|(key, _)| *key == "fuzz.attribute1")
}
