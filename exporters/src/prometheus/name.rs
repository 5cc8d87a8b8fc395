//! OpenTelemetry's names and units as Prometheus spells them.

use eunomia_core::metric::{MetricDescriptor, MetricKind};

use Scale::{Over, Same, Times};

/// What leads from a unit to its base unit. Dividing by a power of ten is exact
/// where multiplying by its inverse is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    Same,
    Times(f64),
    Over(f64),
}

impl Scale {
    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Same => value,
            Self::Times(factor) => value * factor,
            Self::Over(divisor) => value / divisor,
        }
    }
}

/// Units with the word that Prometheus has for their base unit, and the way
/// there. `promtool check metrics` accepts base units only.
const UNITS: &[(&str, &str, Scale)] = &[
    ("d", "seconds", Times(86_400.0)),
    ("h", "seconds", Times(3_600.0)),
    ("min", "seconds", Times(60.0)),
    ("s", "seconds", Same),
    ("ms", "seconds", Over(1e3)),
    ("us", "seconds", Over(1e6)),
    ("ns", "seconds", Over(1e9)),
    ("By", "bytes", Same),
    ("KiBy", "bytes", Times(1024.0)),
    ("MiBy", "bytes", Times(1_048_576.0)),
    ("GiBy", "bytes", Times(1_073_741_824.0)),
    ("kBy", "bytes", Times(1e3)),
    ("MBy", "bytes", Times(1e6)),
    ("GBy", "bytes", Times(1e9)),
    ("m", "meters", Same),
    ("V", "volts", Same),
    ("A", "amperes", Same),
    ("J", "joules", Same),
    ("W", "watts", Same),
    ("g", "grams", Same),
    ("Cel", "celsius", Same),
    ("Hz", "hertz", Same),
    ("%", "ratio", Over(100.0)),
];

/// A metric's name, with the way to its base unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetricName {
    pub(super) name: String,
    pub(super) scale: Scale,
}

/// The name of `metric`, its unit in it.
pub(super) fn metric_name(metric: &MetricDescriptor) -> MetricName {
    let mut name = sanitize(metric.name.name(), true);
    let mut scale = Same;
    let (counted, per) = metric.unit.split_once('/').unwrap_or((&metric.unit, ""));
    if let Some((_, word, way)) = UNITS.iter().find(|(unit, ..)| *unit == counted) {
        scale = *way;
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
    MetricName { name, scale }
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
