//! OpenTelemetry's names and units as Prometheus spells them.

use eunomia_core::metric::{MetricDescriptor, MetricKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use Scale::{Over, Same, Times};

/// How names are translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TranslationStrategy {
    /// Odd characters become underscores; the unit and `total` are added.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Odd characters become underscores; nothing is added.
    UnderscoreEscapingWithoutSuffixes,
    /// Characters stay as they are; the unit and `total` are added.
    NoUTF8EscapingWithSuffixes,
    /// Names stay as they are.
    NoTranslation,
}

/// What leads from a unit to its base unit. Dividing by a power of ten is exact
/// where multiplying by its inverse is not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Scale {
    #[default]
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
/// there: `promtool check metrics` accepts base units only.
const UNITS: [(&str, &str, Scale); 28] = [
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
    ("TiBy", "bytes", Times(1_099_511_627_776.0)),
    ("kBy", "bytes", Times(1e3)),
    ("KBy", "bytes", Times(1e3)),
    ("MBy", "bytes", Times(1e6)),
    ("GBy", "bytes", Times(1e9)),
    ("TBy", "bytes", Times(1e12)),
    ("bit", "bytes", Over(8.0)),
    ("m", "meters", Same),
    ("V", "volts", Same),
    ("A", "amperes", Same),
    ("J", "joules", Same),
    ("W", "watts", Same),
    ("g", "grams", Same),
    ("kg", "grams", Times(1e3)),
    ("Cel", "celsius", Same),
    ("Hz", "hertz", Same),
    ("%", "ratio", Over(100.0)),
];

/// Units behind the stroke.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// A metric as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetricName {
    pub(super) name: String,
    /// The unit's word where it is the end of the name, `_total` not counted;
    /// else empty.
    pub(super) unit: String,
    /// The way to that unit.
    pub(super) scale: Scale,
}

impl TranslationStrategy {
    /// Whether only letters, digits and underscores are left.
    pub(super) fn escapes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes
        )
    }

    fn adds_suffixes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::NoUTF8EscapingWithSuffixes
        )
    }

    /// The name of `metric`. Only where its unit is in the name are its values
    /// in the base unit: a name without one says nothing of another.
    pub(super) fn metric_name(self, metric: &MetricDescriptor) -> MetricName {
        let own = metric.name.name();
        let mut name = match own {
            "" => "_".to_owned(),
            own if self.escapes() => sanitize(own, true),
            own => own.to_owned(),
        };
        let mut unit = String::new();
        let mut scale = Same;
        if self.adds_suffixes() {
            let is_counter = metric.kind == MetricKind::Counter;
            if is_counter {
                trim_word(&mut name, "total");
            }
            (unit, scale) = words(&metric.unit, metric.kind);
            if !push_unit(&mut name, &unit) {
                unit.clear();
            }
            if is_counter {
                name.push_str("_total");
            }
        }
        MetricName { name, unit, scale }
    }

    /// The label that an attribute becomes. Two underscores in front are
    /// Prometheus's own.
    pub(super) fn label_name(self, attribute: &str) -> String {
        if self.escapes() || attribute.is_empty() {
            return sanitize(attribute, false);
        }
        let rest = attribute.trim_start_matches('_');
        if attribute.len() - rest.len() > 1 {
            return format!("_{rest}");
        }
        attribute.to_owned()
    }
}

/// The form in which attributes are compared with the labels that are
/// configured: dots or underscores, both are understood.
pub(super) fn matching_name(attribute: &str) -> String {
    sanitize(attribute, false)
}

/// Whether a name is one that every reader understands.
pub(super) fn is_legacy(name: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    name.bytes().all(is_fine) && !name.bytes().next().is_none_or(|byte| byte.is_ascii_digit())
}

/// A name for readers that understand no other: every odd character an
/// underscore.
pub(super) fn with_underscores(name: &str) -> String {
    let replace = |(index, c): (usize, char)| match c {
        '0'..='9' if index > 0 => c,
        'a'..='z' | 'A'..='Z' | '_' | ':' => c,
        _ => '_',
    };
    name.chars().enumerate().map(replace).collect()
}

/// The words of a unit, and the way to what they say.
fn words(unit: &str, kind: MetricKind) -> (String, Scale) {
    let plain = without_braces(unit);
    let (counted, per) = plain.split_once('/').unwrap_or((&plain, ""));
    let (mut words, scale) = match UNITS.iter().find(|(unit, ..)| *unit == counted) {
        Some((_, word, scale)) => ((*word).to_owned(), *scale),
        None if counted == "1" && per.is_empty() && kind == MetricKind::Gauge => {
            ("ratio".to_owned(), Same)
        }
        None if matches!(counted, "" | "1") => (String::new(), Same),
        None => (sanitize(counted, false), Same),
    };
    if !per.is_empty() {
        let known = PER.iter().find(|(unit, _)| *unit == per);
        let word = known.map_or_else(|| sanitize(per, false), |(_, word)| (*word).to_owned());
        let between = if words.is_empty() { "per_" } else { "_per_" };
        words.push_str(between);
        words.push_str(&word);
    }
    (words, scale)
}

/// The unit without what it says for people alone.
fn without_braces(unit: &str) -> String {
    let mut plain = String::with_capacity(unit.len());
    let mut depth = 0u32;
    for c in unit.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain.trim().to_owned()
}

/// Appends the unit, unless the name has it somewhere; says whether the name
/// ends in it.
fn push_unit(name: &mut String, unit: &str) -> bool {
    if unit.is_empty() {
        return true;
    }
    if !trim_word(name, unit) && has_word(name, unit) {
        return false;
    }
    name.push('_');
    name.push_str(unit);
    true
}

/// Takes `word` and what stands before it off the end of the name.
fn trim_word(name: &mut String, word: &str) -> bool {
    let before = name.strip_suffix(word).filter(|before| before.len() > 1);
    let Some(before) = before.and_then(|before| before.strip_suffix(['_', '.'])) else {
        return false;
    };
    name.truncate(before.len());
    true
}

fn has_word(name: &str, word: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|one| one == word)
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
    use eunomia_core::metric::MetricDescriptor;
    use eunomia_core::metric::MetricKind::{self, Counter, Gauge, Histogram};

    use super::TranslationStrategy::{
        self, NoTranslation, NoUTF8EscapingWithSuffixes, UnderscoreEscapingWithSuffixes,
        UnderscoreEscapingWithoutSuffixes,
    };
    use super::{Scale, is_legacy, with_underscores};

    fn metric(name: &str, unit: &str, kind: MetricKind) -> MetricDescriptor {
        MetricDescriptor {
            name: Key::new(name),
            unit: unit.into(),
            description: "".into(),
            kind,
        }
    }

    /// Name, unit and kind, with the name and the unit that are shown.
    const NAMES: [(&str, &str, MetricKind, &str, &str); 18] = [
        (
            "eunomia.disk.io",
            "By",
            Counter,
            "eunomia_disk_io_bytes_total",
            "bytes",
        ),
        ("a.bytes", "By", Gauge, "a_bytes", "bytes"),
        ("a.bytes.used", "By", Gauge, "a_bytes_used", ""),
        ("a.total", "s", Counter, "a_seconds_total", "seconds"),
        ("a.latency", "us", Histogram, "a_latency_seconds", "seconds"),
        ("a.packets", "{packet}", Counter, "a_packets_total", ""),
        (
            "a.packets",
            "{packet}/s",
            Gauge,
            "a_packets_per_second",
            "per_second",
        ),
        ("a.load", "1", Gauge, "a_load_ratio", "ratio"),
        ("a.load", "%", Gauge, "a_load_ratio", "ratio"),
        ("a.hits", "1", Counter, "a_hits_total", ""),
        (
            "a.rate",
            "By/s",
            Gauge,
            "a_rate_bytes_per_second",
            "bytes_per_second",
        ),
        (
            "a.speed",
            "m/s",
            Gauge,
            "a_speed_meters_per_second",
            "meters_per_second",
        ),
        (
            "a.turns",
            "{turn}/m",
            Gauge,
            "a_turns_per_minute",
            "per_minute",
        ),
        (
            "a.odd",
            "foo/bar",
            Gauge,
            "a_odd_foo_per_bar",
            "foo_per_bar",
        ),
        ("a.fine", "", Gauge, "a_fine", ""),
        ("9..a-b\u{e9}", "", Gauge, "_9_a_b", ""),
        ("total", "", Counter, "total_total", ""),
        ("", "", Gauge, "_", ""),
    ];

    /// Unit before `_total`, nothing twice, odd characters replaced.
    #[test]
    fn names_follow_the_compatibility_rules() {
        for (name, unit, kind, expected, word) in NAMES {
            let found = UnderscoreEscapingWithSuffixes.metric_name(&metric(name, unit, kind));
            assert_eq!((&*found.name, &*found.unit), (expected, word), "{name}");
        }
    }

    /// What each strategy makes of one metric.
    #[test]
    fn strategies_translate_as_they_are_called() {
        let disk = metric("eunomia.disk.io", "KiBy", Counter);
        for (strategy, expected, scale) in [
            (
                UnderscoreEscapingWithSuffixes,
                "eunomia_disk_io_bytes_total",
                Scale::Times(1024.0),
            ),
            (
                UnderscoreEscapingWithoutSuffixes,
                "eunomia_disk_io",
                Scale::Same,
            ),
            (
                NoUTF8EscapingWithSuffixes,
                "eunomia.disk.io_bytes_total",
                Scale::Times(1024.0),
            ),
            (NoTranslation, "eunomia.disk.io", Scale::Same),
        ] {
            let found = strategy.metric_name(&disk);
            assert_eq!((&*found.name, found.scale), (expected, scale));
        }
    }

    /// Attributes become labels.
    #[test]
    fn labels_follow_the_strategy() {
        for (strategy, attribute, expected) in [
            (
                UnderscoreEscapingWithSuffixes,
                "container.name",
                "container_name",
            ),
            (UnderscoreEscapingWithoutSuffixes, "http:x", "http_x"),
            (
                NoUTF8EscapingWithSuffixes,
                "container.name",
                "container.name",
            ),
            (NoTranslation, "_a", "_a"),
            (NoTranslation, "___a", "_a"),
            (NoTranslation, "", "_"),
        ] {
            let strategy: TranslationStrategy = strategy;
            assert_eq!(strategy.label_name(attribute), expected);
        }
    }

    /// What old readers understand, and what is made for them of the rest.
    #[test]
    fn odd_names_are_escaped_for_old_readers() {
        assert!(is_legacy("a:b_9"));
        for (name, escaped) in [("", ""), ("9a", "_a"), ("a.b-c", "a_b_c"), ("\u{e9}", "_")] {
            assert!(!is_legacy(name), "{name}");
            assert_eq!(with_underscores(name), escaped);
        }
    }
}
