//! Which attributes are tags, and a point's tags in order.

use std::ops::Range;

use eunomia_core::key::Key;
use eunomia_core::line::{IN_NAME, write_unquoted};
use eunomia_core::value::{Item, Value};

use crate::number::{write_hex, write_signed, write_unsigned};

/// The attributes that are tags: few, for each value of a tag is a series more.
#[derive(Clone, Debug)]
pub(super) struct TagNames(Vec<Box<str>>);

impl TagNames {
    pub(super) fn new<'a, I: Iterator<Item = &'a str>>(names: I) -> Self {
        let mut names: Vec<Box<str>> = names.map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.0
            .binary_search_by(|name| (**name).cmp(key.name()))
            .is_ok()
    }
}

/// The tags of one point, collected.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    tags: Vec<(Key, Range<usize>)>,
    /// Their values, escaped.
    values: Vec<u8>,
    /// A value before it is escaped.
    text: Vec<u8>,
}

impl Tags {
    pub(super) fn clear(&mut self) {
        self.tags.clear();
        self.values.clear();
    }

    /// Adds a tag, unless its value is empty: InfluxDB has no empty ones.
    pub(super) fn add(&mut self, key: &Key, value: Value<'_>) {
        self.text.clear();
        write_text(value, &mut self.text);
        let start = self.values.len();
        write_unquoted(&self.text, IN_NAME, &mut self.values);
        if self.values.len() > start {
            self.tags.push((key.clone(), start..self.values.len()));
        }
    }

    /// Appends `,key=value` of each, sorted by name; of two with one name the
    /// one that was added first.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        self.tags
            .sort_unstable_by(|(a, at), (b, bt)| (a.line(), at.start).cmp(&(b.line(), bt.start)));
        self.tags.dedup_by(|(b, _), (a, _)| a.line() == b.line());
        for (key, value) in &self.tags {
            out.push(b',');
            out.extend_from_slice(key.line());
            out.extend_from_slice(self.values.get(value.clone()).unwrap_or_default());
        }
    }
}

/// Appends a value as text.
fn write_text(value: Value<'_>, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing to memory cannot fail.
    match value {
        Value::Bool(value) => write!(out, "{value}").unwrap_or_default(),
        Value::Int(value) => write_signed(value, out),
        Value::Uint(value) => write_unsigned(value, out),
        Value::Float(value) => write!(out, "{value:?}").unwrap_or_default(),
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        Value::Short(text) => out.extend_from_slice(text.as_bytes()),
        Value::Text(bytes) => out.extend_from_slice(bytes),
        Value::Raw(bytes) => write_hex(bytes, out),
        Value::List(list) | Value::RawList(list) => list.for_each(|item| {
            if !out.is_empty() {
                out.push(b' ');
            }
            match item {
                Item::Text(bytes) => out.extend_from_slice(bytes),
                Item::Short(text) => out.extend_from_slice(text.as_bytes()),
                Item::Int(value) => write_signed(value, out),
                Item::Uint(value) => write_unsigned(value, out),
            }
        }),
    }
}
