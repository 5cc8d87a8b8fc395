//! CSV, read by the `csv` crate.

use std::collections::BTreeMap;

use eunomia_core::batch::RowView;
use eunomia_core::metric::Point;
use eunomia_core::time::WallNanos;
use eunomia_exporters::{CsvEncoder, Lines, Outlet, Sheet};
use serde_json::Value as Json;

use crate::input::Input;
use crate::model::{self, Attributes};
use crate::support;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// A file for each head, and which rows are in it.
#[derive(Default)]
struct Files {
    lines: BTreeMap<Vec<u8>, Lines>,
    rows: BTreeMap<Vec<u8>, Vec<Attributes>>,
}

impl Outlet for Files {
    fn of_event(&mut self, row: &RowView<'_>, sheet: &Sheet) -> &mut Lines {
        let mut attributes = model::of_event(row);
        let kind = row.schema().name.name().to_owned();
        attributes.insert("event".to_owned(), kind.into());
        self.rows
            .entry(sheet.head().to_vec())
            .or_default()
            .push(attributes);
        self.lines.entry(sheet.head().to_vec()).or_default()
    }

    fn of_point(&mut self, _point: &Point, _time: WallNanos) -> &mut Lines {
        unreachable!("metric points are not carried")
    }
}

/// Each cell is the attribute in the head above it, and no text a formula.
pub fn csv(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let mut encoder = CsvEncoder::new(&support::host(), true);
    let mut files = Files::default();
    for signal in input.signals() {
        encoder.encode(&signal, &mut files);
    }
    let rows: usize = files.rows.values().map(Vec::len).sum();
    assert_eq!(rows, input.events.len());
    for (head, lines) in &files.lines {
        let text = [head, &*lines.bytes].concat();
        let mut reader = ::csv::Reader::from_reader(&*text);
        let columns = reader.headers().expect("a head").clone();
        let records: Vec<_> = reader
            .records()
            .map(|record| record.expect("as long as its head"))
            .collect();
        assert_eq!(records.len(), files.rows[head].len());
        for (record, attributes) in records.iter().zip(&files.rows[head]) {
            says(columns.iter().zip(record), attributes);
        }
    }
}

/// Every attribute is in a column of its own, or in the last.
fn says<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>, attributes: &Attributes) {
    let mut cells: BTreeMap<_, _> = cells.collect();
    cells.remove("time");
    cells.remove("host.name");
    let others = cells.remove("attributes").unwrap_or_default();
    let others: Attributes = if others.is_empty() {
        Attributes::new()
    } else {
        serde_json::from_str(others).expect("an object")
    };
    for (name, value) in attributes {
        match cells.remove(name.as_str()) {
            Some(cell) => assert!(is(cell, value), "{name}: {cell:?} is not {value}"),
            None => assert_eq!(others.get(name), Some(value), "{name} in {others:?}"),
        }
    }
    assert!(
        cells.values().all(|cell| cell.is_empty()),
        "nobody said {cells:?}"
    );
}

fn is(cell: &str, value: &Json) -> bool {
    match value {
        Json::String(text) => {
            assert!(!cell.starts_with(FORMULA) || is_infinite(text), "{cell:?}");
            cell.strip_prefix('\'').unwrap_or(cell) == text || is_infinite(text)
        }
        // No number has no form in JSON.
        Json::Null => cell == "NaN",
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            serde_json::from_str(cell).is_ok_and(|cell: Json| cell == *value)
        }
    }
}

fn is_infinite(text: &str) -> bool {
    ["+Inf", "-Inf"].contains(&text)
}
