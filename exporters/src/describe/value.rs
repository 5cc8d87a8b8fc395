//! Values as people read them.

use std::fmt::Write as _;

use eunomia_core::batch::RowView;
use eunomia_core::value::{Item, List, Value};

use super::escape::{write_text, write_word};
use super::kind::{Detail, Form};
use crate::number::{push_signed, push_unsigned};

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListForm {
    /// Words with a blank between them, as a command line is typed.
    Words,
    /// Joined by bars, as flags are written in C; other lists in brackets.
    Value,
}

/// Appends `value`, harmless whatever is in it.
pub(crate) fn write_value(value: Value<'_>, form: ListForm, out: &mut String) {
    // Writing to memory cannot fail.
    match value {
        Value::Bool(value) => write!(out, "{value}").unwrap_or_default(),
        Value::Int(value) => push_signed(value, out),
        Value::Uint(value) => push_unsigned(value, out),
        Value::Float(value) => write!(out, "{value:?}").unwrap_or_default(),
        Value::Str(text) => write_text(text, out),
        // Of our own making: no text in it that anybody chose.
        Value::Short(text) => out.push_str(text.as_str()),
        Value::Text(bytes) => write_word(bytes, out),
        Value::Raw(bytes) => {
            for byte in bytes {
                write!(out, "{byte:02x}").unwrap_or_default();
            }
        }
        Value::List(list) | Value::RawList(list) => write_list(list, form, out),
    }
}

fn write_list(list: List<'_>, form: ListForm, out: &mut String) {
    let separator = match (form, list) {
        (ListForm::Words, _) => " ",
        (ListForm::Value, List::Flags { .. }) => "|",
        (ListForm::Value, List::Nul(_) | List::Integers { .. } | List::Owned(_)) => ",",
    };
    let mut first = true;
    list.for_each(|item| {
        if !first {
            out.push_str(separator);
        }
        first = false;
        match item {
            Item::Text(bytes) => write_word(bytes, out),
            Item::Short(text) => out.push_str(text.as_str()),
            Item::Int(value) => push_signed(value, out),
            Item::Uint(value) => push_unsigned(value, out),
        }
    });
}

/// Appends a time in the unit that leaves one to three digits before the point.
pub(crate) fn write_nanoseconds(nanos: u64, out: &mut String) {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let Some((size, unit)) = UNITS.iter().find(|(size, _)| nanos >= *size) else {
        push_unsigned(nanos, out);
        return out.push_str("ns");
    };
    push_unsigned(nanos / size, out);
    let thousandths = nanos % size / (size / 1000);
    out.push_str(match thousandths {
        0..10 => ".00",
        10..100 => ".0",
        _ => ".",
    });
    push_unsigned(thousandths, out);
    out.push_str(unit);
}

/// Appends the value of `detail`; says whether it exists.
pub(crate) fn write_detail(row: &RowView<'_>, detail: &Detail, out: &mut String) -> bool {
    let Some(value) = row.attribute(detail.position) else {
        return false;
    };
    match (detail.form, value) {
        (Form::Nanoseconds, Value::Uint(nanos)) => write_nanoseconds(nanos, out),
        (Form::Endpoint(port), _) => {
            write_endpoint(value, port.and_then(|at| row.attribute(at)), out)
        }
        (Form::Headline, _) => write_value(value, ListForm::Words, out),
        (Form::Nanoseconds | Form::Failure | Form::Plain, _) => {
            write_value(value, ListForm::Value, out);
        }
    }
    let attribute = row.schema().attributes.get(detail.position);
    if attribute.is_some_and(|attribute| attribute.field.is_truncated(row.record())) {
        out.push_str("...");
    }
    true
}

fn write_endpoint(address: Value<'_>, port: Option<Value<'_>>, out: &mut String) {
    let start = out.len();
    write_value(address, ListForm::Value, out);
    let Some(port) = port else { return };
    if out.get(start..).is_some_and(|text| text.contains(':')) {
        out.insert(start, '[');
        out.push(']');
    }
    out.push(':');
    write_value(port, ListForm::Value, out);
}
