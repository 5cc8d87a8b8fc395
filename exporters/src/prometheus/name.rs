//! OpenTelemetry's names and units as Prometheus spells them.

use eunomia_core::metric::{MetricDescriptor, MetricKind};

/// Units with the word that Prometheus has for their base unit, and the factor
/// that leads there. `promtool check metrics` accepts base units only.
const UNITS: &[(&str, &str, f64)] = &[
    ("d", "seconds", 86_400.0),
    ("h", "seconds", 3_600.0),
    ("min", "seconds", 60.0),
    ("s", "seconds", 1.0),
    ("ms", "seconds", 1e-3),
    ("us", "seconds", 1e-6),
    ("ns", "seconds", 1e-9),
    ("By", "bytes", 1.0),
    ("KiBy", "bytes", 1024.0),
    ("MiBy", "bytes", 1_048_576.0),
    ("GiBy", "bytes", 1_073_741_824.0),
    ("kBy", "bytes", 1e3),
    ("MBy", "bytes", 1e6),
    ("GBy", "bytes", 1e9),
    ("m", "meters", 1.0),
    ("V", "volts", 1.0),
    ("A", "amperes", 1.0),
    ("J", "joules", 1.0),
    ("W", "watts", 1.0),
    ("g", "grams", 1.0),
    ("Cel", "celsius", 1.0),
    ("Hz", "hertz", 1.0),
    ("%", "ratio", 0.01),
];

/// A metric's name, with the factor for its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetricName {
    pub(super) name: String,
    pub(super) factor: f64,
}

/// The name of `metric`, its unit in it.
pub(super) fn metric_name(metric: &MetricDescriptor) -> MetricName {
    let mut name = sanitize(metric.name.name(), true);
    let mut factor = 1.0;
    let (counted, per) = metric.unit.split_once('/').unwrap_or((&metric.unit, ""));
    if let Some((_, word, scale)) = UNITS.iter().find(|(unit, ..)| *unit == counted) {
        factor = *scale;
        push_word(&mut name, word);
    } else if counted == "1" && metric.kind == MetricKind::Gauge {
        push_word(&mut name, "ratio");
    }
    if per == "s" {
        push_word(&mut name, "per_second");
    }
    if metric.kind == MetricKind::Counter {
        push_word(&mut name, "total");
    }
    MetricName { name, factor }
}

/// The label that an attribute becomes.
pub(super) fn label_name(attribute: &str) -> String {
    sanitize(attribute, false)
}

/// Appends `word`; where the name has it already, it moves to the end.
fn push_word(name: &mut String, word: &str) {
    if let Some(before) = name
        .strip_suffix(word)
        .and_then(|name| name.strip_suffix('_'))
    {
        *name = before.to_owned();
    }
    name.push('_');
    name.push_str(word);
}

/// Letters, digits and single underscores, not beginning with a digit; a colon
/// in names of metrics only.
fn sanitize(text: &str, colon: bool) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        let is_fine = c.is_ascii_alphanumeric() || (colon && c == ':');
        if is_fine {
            name.push(c);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    while name.ends_with('_') {
        name.truncate(name.len() - 1);
    }
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use eunomia_core::key::Key;
    use eunomia_core::metric::{MetricDescriptor, MetricKind};

    use super::{label_name, metric_name};

    #[track_caller]
    fn named(name: &str, unit: &str, kind: MetricKind, expected: &str) {
        let metric = MetricDescriptor {
            name: Key::new(name),
            unit: unit.into(),
            description: "".into(),
            kind,
        };
        assert_eq!(metric_name(&metric).name, expected);
    }

    /// Unit before `_total`, nothing twice, odd characters replaced.
    #[test]
    fn names_follow_the_compatibility_rules() {
        use MetricKind::{Counter, Gauge, Histogram};
        named(
            "eunomia.disk.io",
            "By",
            Counter,
            "eunomia_disk_io_bytes_total",
        );
        named("a.bytes", "By", Gauge, "a_bytes");
        named("a.total", "s", Counter, "a_total_seconds_total");
        named("a.latency", "us", Histogram, "a_latency_seconds");
        named("a.packets", "{packet}", Counter, "a_packets_total");
        named("a.load", "1", Gauge, "a_load_ratio");
        named("a.hits", "1", Counter, "a_hits_total");
        named("a.rate", "By/s", Gauge, "a_rate_bytes_per_second");
        named("9..a-b\u{e9}", "", Gauge, "_9_a_b");
        named("", "", Gauge, "_");
    }

    /// Attributes become labels.
    #[test]
    fn labels_have_underscores() {
        assert_eq!(label_name("container.name"), "container_name");
        assert_eq!(label_name("http:x"), "http_x");
    }
}
