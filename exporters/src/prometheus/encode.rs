//! The text format: families of series, each with its type and help.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::name::Scale;

/// What a family's series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
}

/// A value as it is printed: integers stay exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Uint(u64),
    Int(i64),
    Float(f64),
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sample {
    Number(Number),
    Distribution(Distribution),
}

/// A histogram; the buckets count what is in them alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) sum: f64,
    pub(super) count: u64,
}

/// Labels as they stand in the braces, escaped and in order: what tells one
/// series from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Labels(Box<str>);

/// All series of one metric.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) name: Box<str>,
    pub(super) help: Box<str>,
    pub(super) kind: Type,
    pub(super) series: BTreeMap<Labels, Sample>,
}

impl Labels {
    /// The labels of these names and values. Several values of one name are
    /// joined by semicolons; empty values are as good as none.
    pub(super) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut by_name = BTreeMap::<String, String>::new();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            by_name
                .entry(name)
                .and_modify(|known| {
                    known.push(';');
                    known.push_str(&value);
                })
                .or_insert(value);
        }
        let mut text = String::new();
        for (name, value) in by_name {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(&name);
            text.push_str("=\"");
            write_escaped(&value, &mut text);
            text.push('"');
        }
        Self(text.into())
    }

    /// The labels of the series that holds what is beyond a limit.
    pub(super) fn overflow() -> Self {
        Self("otel_metric_overflow=\"true\"".into())
    }
}

impl Number {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Uint(a), Self::Uint(b)) => Self::Uint(a.saturating_add(b)),
            (Self::Int(a), Self::Int(b)) => Self::Int(a.saturating_add(b)),
            (a, b) => Self::Float(a.as_float() + b.as_float()),
        }
    }

    fn as_float(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "where it meets a float it becomes one"
        )]
        match self {
            Self::Uint(value) => value as f64,
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// The value in its base unit; an integer stays one where it is that already.
    pub(super) fn scaled(self, scale: Scale) -> Self {
        match scale {
            Scale::Same => self,
            Scale::Times(_) | Scale::Over(_) => Self::Float(scale.apply(self.as_float())),
        }
    }
}

impl Sample {
    /// Adds what has the same labels.
    pub(super) fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Number(own), Self::Number(other)) => *own = own.plus(other),
            (Self::Distribution(own), Self::Distribution(other)) => own.add(&other),
            // A family has one kind of samples.
            (Self::Number(_), Self::Distribution(_)) | (Self::Distribution(_), Self::Number(_)) => {
            }
        }
    }
}

impl Distribution {
    fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        self.count += other.count;
        for (bound, count) in &other.buckets {
            self.add_bucket(*bound, *count);
        }
    }

    fn add_bucket(&mut self, bound: f64, count: u64) {
        let found = self
            .buckets
            .binary_search_by(|(own, _)| own.total_cmp(&bound));
        match found.map(|at| self.buckets.get_mut(at)) {
            Ok(Some((_, own))) => *own += count,
            Ok(None) => {}
            Err(at) => self.buckets.insert(at, (bound, count)),
        }
    }
}

impl Family {
    pub(super) fn new(name: &str, help: &str, kind: Type) -> Self {
        Self {
            name: name.into(),
            help: help.into(),
            kind,
            series: BTreeMap::new(),
        }
    }

    /// Adds to the series with these labels.
    pub(super) fn add(&mut self, labels: Labels, sample: Sample) {
        match self.series.get_mut(&labels) {
            Some(known) => known.add(sample),
            None => drop(self.series.insert(labels, sample)),
        }
    }

    /// Appends the family to a page; one without series is left out.
    pub(super) fn write(&self, out: &mut String) {
        if self.series.is_empty() {
            return;
        }
        let kind = match self.kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
        };
        let name = &self.name;
        out.push_str("# HELP ");
        out.push_str(name);
        out.push(' ');
        // Checkers want a word on every metric.
        let help = if self.help.is_empty() {
            "No description."
        } else {
            &self.help
        };
        write_help(help, out);
        // Writing to memory cannot fail, here and below.
        write!(out, "\n# TYPE {name} {kind}\n").unwrap_or_default();
        for (labels, sample) in &self.series {
            match sample {
                Sample::Number(number) => write_sample(out, name, &labels.0, *number),
                Sample::Distribution(distribution) => {
                    write_distribution(out, name, labels, distribution);
                }
            }
        }
    }
}

fn write_distribution(out: &mut String, name: &str, labels: &Labels, value: &Distribution) {
    let comma = if labels.0.is_empty() { "" } else { "," };
    let mut bucket = |bound: f64, count: u64| {
        let labels = format!("{}{comma}le=\"{}\"", labels.0, float(bound));
        write_sample(out, &format!("{name}_bucket"), &labels, Number::Uint(count));
    };
    let mut below = 0;
    for (bound, count) in value.buckets.iter().filter(|(bound, _)| bound.is_finite()) {
        below += count;
        bucket(*bound, below);
    }
    bucket(f64::INFINITY, value.count);
    write_sample(
        out,
        &format!("{name}_sum"),
        &labels.0,
        Number::Float(value.sum),
    );
    write_sample(
        out,
        &format!("{name}_count"),
        &labels.0,
        Number::Uint(value.count),
    );
}

fn write_sample(out: &mut String, name: &str, labels: &str, value: Number) {
    out.push_str(name);
    if !labels.is_empty() {
        write!(out, "{{{labels}}}").unwrap_or_default();
    }
    match value {
        Number::Uint(value) => writeln!(out, " {value}"),
        Number::Int(value) => writeln!(out, " {value}"),
        Number::Float(value) => writeln!(out, " {}", float(value)),
    }
    .unwrap_or_default();
}

fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.into()
    } else {
        format!("{value:?}")
    }
}

fn write_escaped(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

fn write_help(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
