//! Metrics as Prometheus has them: values by name and labels.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Event;

/// Values by name and labels.
pub type Series = BTreeMap<(String, Labels), f64>;
/// The labels of a series.
pub type Labels = BTreeMap<String, String>;

/// What a point says besides its attributes.
const OF_POINTS: [&str; 8] = [
    "time", "metric", "type", "unit", "value", "count", "sum", "buckets",
];

/// The latest point of each series as Prometheus has it. Units other than `1` and notes in braces
/// would be words of the name, and are not known here.
#[must_use]
pub fn latest(points: &[Event]) -> Series {
    let mut latest = Series::new();
    for point in points {
        let name = point.text("metric").unwrap_or_default().replace('.', "_");
        let mut labels = labels(&point.0);
        labels.retain(|name, _| !OF_POINTS.contains(&name.as_str()));
        let number = |name: &str| point.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let mut set = |suffix: &str, labels: &Labels, value: f64| {
            latest.insert((format!("{name}{suffix}"), labels.clone()), value);
        };
        match point.text("type") {
            Some("sum") => set("_total", &labels, number("value")),
            Some("gauge") => set("_ratio", &labels, number("value")),
            _ => {
                set("_count", &labels, number("count"));
                for (bound, below) in cumulative(point) {
                    labels.insert("le".to_owned(), bound.to_string());
                    set("_bucket", &labels, below);
                }
            }
        }
    }
    latest
}

/// The same as `OpenMetrics` has it, which a server asks for: a histogram without a sum, as those of
/// points here are, has no count.
#[must_use]
pub fn in_open_metrics(mut series: Series) -> Series {
    series.retain(|(name, _), _| !name.ends_with("_count"));
    series
}

/// How many values of a histogram are at most each bound.
fn cumulative(point: &Event) -> Vec<(f64, f64)> {
    let buckets = point.get("buckets").and_then(Value::as_array);
    let mut below = 0.0;
    let each = buckets.into_iter().flatten().map(|bucket| {
        below += bucket[1].as_f64().unwrap_or(f64::NAN);
        (bucket[0].as_f64().unwrap_or(f64::INFINITY), below)
    });
    each.collect()
}

/// One series of an answer, without what the scrape says of its target.
pub(super) fn series(labels: &Value, value: &str) -> ((String, Labels), f64) {
    let mut labels = labels.as_object().map(self::labels).unwrap_or_default();
    labels.retain(|name, _| name != "job" && name != "instance");
    if let Some(bound) = labels.get_mut("le")
        && let Ok(number) = bound.parse::<f64>()
    {
        *bound = number.to_string();
    }
    let name = labels.remove("__name__").unwrap_or_default();
    ((name, labels), value.parse().unwrap_or(f64::NAN))
}

fn labels(of: &Map<String, Value>) -> Labels {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let labels = of.iter();
    labels
        .map(|(name, value)| (name.replace('.', "_"), text(value)))
        .collect()
}
