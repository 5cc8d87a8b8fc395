//! Metrics that have one name.

use std::sync::Arc;

use eunomia_core::key::Key;
use eunomia_core::metric::{MetricDescriptor, Point};
use eunomia_core::signal::Signal;

use super::{NOW, page, render, shows, with_label};
use crate::prometheus::config::PrometheusConfig;
use crate::prometheus::name::TranslationStrategy;
use crate::support;

/// The gauge of the sample under another name or with other help.
fn gauge(name: &str, help: &str) -> Point {
    let gauge = support::metrics().points.remove(1);
    let metric = MetricDescriptor {
        name: Key::new(name),
        description: help.into(),
        ..(*gauge.metric).clone()
    };
    Point {
        metric: Arc::new(metric),
        ..with_label(&gauge, 5)
    }
}

/// Of two metrics of one name and different types the first stays; a histogram has the names of its
/// series too, and the page has names of its own.
#[test]
fn a_name_has_one_type() {
    for name in [
        "eunomia_disk_io_bytes_total",
        // What the counter's family is called in OpenMetrics, and a sample that it may have.
        "eunomia_disk_io_bytes",
        "eunomia_disk_io_bytes_created",
        "eunomia_events",
        "target",
        "eunomia_exporter_accepted_events",
        "eunomia_disk_latency_seconds",
        "eunomia_disk_latency_seconds_bucket",
        "eunomia_disk_latency_seconds_sum",
        "eunomia_disk_latency_seconds_count",
        "eunomia_events_total",
        "target_info",
        "eunomia_exporter_queue_bytes",
    ] {
        let page = page(&PrometheusConfig::default());
        let mut batch = support::metrics();
        batch.points.push(gauge(name, "Another."));
        assert_eq!(page.update(&Signal::Metrics(batch), NOW), 1, "{name}");
        assert!(!render(&page).contains("Another."), "{name}");
    }
    // The histogram may be the later one.
    let page = page(&PrometheusConfig::default());
    let mut batch = support::metrics();
    let first = gauge("eunomia_disk_latency_seconds_count", "Another.");
    batch.points.insert(0, first);
    assert_eq!(page.update(&Signal::Metrics(batch), NOW), 1);
    shows(&page, r#"eunomia_disk_latency_seconds_count{n="5"} 5"#);
    // So may the counter.
    let page = super::page(&PrometheusConfig::default());
    let mut batch = support::metrics();
    batch
        .points
        .insert(0, gauge("eunomia_disk_io_bytes", "Another."));
    assert_eq!(page.update(&Signal::Metrics(batch), NOW), 1);
    shows(&page, r#"eunomia_disk_io_bytes{n="5"} 5"#);
}

/// A gauge in this unit; its label is its value.
fn fuel(unit: &str, help: &str, value: i64) -> Point {
    let point = gauge("fuel", help);
    let metric = MetricDescriptor {
        unit: unit.into(),
        ..(*point.metric).clone()
    };
    Point {
        metric: Arc::new(metric),
        ..with_label(&point, value)
    }
}

/// Of two metrics of one name, and other help or another unit, the first's are shown, and all
/// points count, in the unit that the name has.
#[test]
fn other_help_and_another_unit_are_no_conflict() {
    use TranslationStrategy::{UnderscoreEscapingWithSuffixes, UnderscoreEscapingWithoutSuffixes};
    for (translation_strategy, [first, later], name, shown) in [
        (UnderscoreEscapingWithSuffixes, ["L", "L"], "fuel_L", "3000"),
        (
            UnderscoreEscapingWithSuffixes,
            ["{can}", "{barrel}"],
            "fuel",
            "3000",
        ),
        (
            UnderscoreEscapingWithSuffixes,
            ["g", "kg"],
            "fuel_grams",
            "3000000.0",
        ),
        (
            UnderscoreEscapingWithoutSuffixes,
            ["g", "kg"],
            "fuel",
            "3000",
        ),
    ] {
        let page = page(&PrometheusConfig {
            translation_strategy,
            ..PrometheusConfig::default()
        });
        let mut batch = support::metrics();
        batch.points = vec![
            fuel(first, "The first's.", 2),
            fuel(later, "Another.", 3000),
        ];
        assert_eq!(page.update(&Signal::Metrics(batch), NOW), 0, "{name}");
        let text = render(&page);
        assert!(!text.contains("Another."), "{text}");
        assert_eq!(text.matches(&format!("# TYPE {name} gauge")).count(), 1);
        shows(&page, &format!("# HELP {name} The first's."));
        shows(&page, &format!("{name}{{n=\"2\"}} 2"));
        shows(&page, &format!("{name}{{n=\"3000\"}} {shown}"));
    }
}
