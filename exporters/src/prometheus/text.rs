//! The text formats: Prometheus's own, 0.0.4 and 1.0.0, and `OpenMetrics` 1.0.0.

use std::fmt::Write as _;
use std::iter;

use super::family::{Distribution, Head, Number, Series, Sink, Type, Value};
use super::labels::{Labels, push_escaped};
use super::name::is_legacy;
use crate::number::{push_signed, push_unsigned};

/// Which text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Prometheus,
    OpenMetrics,
}

/// Writes families as text.
#[derive(Debug)]
pub(super) struct TextWriter {
    dialect: Dialect,
    out: String,
}

/// The name of a sample, its suffix in it, up to where labels stand.
#[derive(Clone, Copy, Debug)]
struct Name<'a> {
    family: &'a str,
    suffix: &'a str,
    is_legacy: bool,
}

impl TextWriter {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            out: String::new(),
        }
    }

    /// The page.
    pub(super) fn finish(mut self) -> String {
        if self.dialect == Dialect::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    fn describe(&mut self, head: &Head<'_>) {
        match self.dialect {
            Dialect::Prometheus => {
                self.help(head.name, head.help);
                self.line("TYPE", head.name, plain_type(head.kind));
            }
            Dialect::OpenMetrics => {
                let (family, kind) = open_metrics(head);
                self.line("TYPE", family, kind);
                if !head.unit.is_empty() {
                    self.line("UNIT", family, head.unit);
                }
                self.help(family, head.help);
            }
        }
    }

    fn help(&mut self, name: &str, help: &str) {
        // Checkers want a word on every metric.
        let help = if help.is_empty() {
            "No description."
        } else {
            help
        };
        let mut escaped = String::with_capacity(help.len());
        push_escaped(help, &mut escaped);
        if self.dialect == Dialect::Prometheus {
            escaped = escaped.replace("\\\"", "\"");
        }
        self.line("HELP", name, &escaped);
    }

    fn line(&mut self, what: &str, name: &str, text: &str) {
        self.out.push_str("# ");
        self.out.push_str(what);
        self.out.push(' ');
        super::labels::push_name(name, &mut self.out);
        self.out.push(' ');
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn distribution(&mut self, name: Name<'_>, labels: &Labels, value: &Distribution) {
        let with = |suffix| Name { suffix, ..name };
        for (bound, count) in value.cumulative() {
            self.begin(with("_bucket"), labels, Some(bound));
            self.value(Number::Uint(count));
        }
        match value.shown_sum() {
            Some(sum) => {
                self.begin(with("_sum"), labels, None);
                self.value(Number::Float(sum));
            }
            // There the two come together or not at all.
            None if self.dialect == Dialect::OpenMetrics => return,
            None => {}
        }
        self.begin(with("_count"), labels, None);
        self.value(Number::Uint(value.count));
    }

    /// Writes name and labels; the label `le` is that of a bucket.
    fn begin(&mut self, name: Name<'_>, labels: &Labels, le: Option<f64>) {
        let out = &mut self.out;
        let labels = labels.as_str();
        if name.is_legacy {
            out.push_str(name.family);
            out.push_str(name.suffix);
            if labels.is_empty() && le.is_none() {
                return;
            }
            out.push('{');
        } else {
            out.push_str("{\"");
            push_escaped(name.family, out);
            out.push_str(name.suffix);
            out.push('"');
            if !labels.is_empty() || le.is_some() {
                out.push(',');
            }
        }
        out.push_str(labels);
        if let Some(bound) = le {
            if !labels.is_empty() {
                out.push(',');
            }
            out.push_str("le=\"");
            push_bound(bound, out);
            out.push('"');
        }
        out.push('}');
    }

    fn value(&mut self, value: Number) {
        self.out.push(' ');
        match value {
            Number::Uint(value) => push_unsigned(value, &mut self.out),
            Number::Int(value) => push_signed(value, &mut self.out),
            Number::Float(value) => push_float(value, &mut self.out),
        }
        self.out.push('\n');
    }
}

impl Sink for TextWriter {
    fn family<'a>(&mut self, head: &Head<'a>, series: &mut dyn Iterator<Item = Series<'a>>) {
        let Some(first) = series.next() else {
            return;
        };
        self.describe(head);
        let name = Name {
            family: head.name,
            suffix: "",
            is_legacy: is_legacy(head.name),
        };
        for one in iter::once(first).chain(series) {
            match one.value {
                Value::Number(number) => {
                    self.begin(name, one.labels, None);
                    self.value(number);
                }
                Value::Distribution(value) => self.distribution(name, one.labels, value),
            }
        }
    }
}

fn plain_type(kind: Type) -> &'static str {
    match kind {
        Type::Counter => "counter",
        Type::Gauge | Type::Info => "gauge",
        Type::Histogram => "histogram",
    }
}

/// Name and type of the family in `OpenMetrics`. A counter without `_total` would
/// be renamed by its format: it keeps its name, and its type is not told.
fn open_metrics<'a>(head: &Head<'a>) -> (&'a str, &'static str) {
    let family = head.kind.family_name(head.name);
    let kind = match head.kind {
        Type::Counter if family == head.name => "unknown",
        Type::Counter => "counter",
        Type::Gauge => "gauge",
        Type::Histogram => "histogram",
        Type::Info => "info",
    };
    (family, kind)
}

/// Appends a value.
pub(super) fn push_float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // Writing to memory cannot fail.
        write!(out, "{value:?}").unwrap_or_default();
    }
}

/// Appends the bound of a bucket as Prometheus writes those that it reads from
/// protobuf, so that a series is the same whatever format it came in.
pub(super) fn push_bound(bound: f64, out: &mut String) {
    let scientific = format!("{bound:e}");
    let parts = scientific.split_once('e').and_then(|(digits, exponent)| {
        let exponent: i32 = exponent.parse().ok()?;
        Some((digits, exponent))
    });
    match parts {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(out, "{digits}e{sign}{:02}", exponent.abs()).unwrap_or_default();
        }
        Some(_) | None => push_float(bound, out),
    }
}
