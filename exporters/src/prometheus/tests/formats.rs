//! One page in every format that it is served in.

use std::sync::Arc;

use eunomia_core::account::Accounts;
use eunomia_core::key::Key;
use eunomia_core::metric::{
    Histogram, MetricBatch, MetricDescriptor, MetricKind, Point, PointValue,
};
use eunomia_core::signal::Signal;
use eunomia_core::subject::Attributes;
use eunomia_core::value::OwnedValue;
use proptest::collection::vec;
use proptest::prelude::*;

use super::model::{Histogram as Decoded, MetricFamily, decode};
use super::{NOW, accounts, page, render_for, shows_for, whole_page};
use crate::prometheus::config::PrometheusConfig;
use crate::prometheus::name::TranslationStrategy;
use crate::prometheus::page::Page;
use crate::support;

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";
const OPEN_METRICS_UTF8: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8";
const TEXT_UTF8: &str = "text/plain;version=1.0.0;escaping=allow-utf-8";
const PROTOBUF: &str = "application/vnd.google.protobuf;\
    proto=io.prometheus.client.MetricFamily;encoding=delimited";
const PROTOBUF_UTF8: &str = "application/vnd.google.protobuf;\
    proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8";

fn filled(config: &PrometheusConfig, accounts: Accounts) -> Page {
    let page = whole_page(config, accounts);
    for signal in [
        Signal::Events(support::sample()),
        Signal::Metrics(support::metrics()),
    ] {
        assert_eq!(page.update(&signal, NOW), 0);
    }
    page
}

fn with_strategy(translation_strategy: TranslationStrategy) -> PrometheusConfig {
    PrometheusConfig {
        translation_strategy,
        ..PrometheusConfig::default()
    }
}

fn families(page: &Page, accept: &str) -> Vec<MetricFamily> {
    decode(&page.render(accept, NOW).1)
}

/// Event counts, points and own metrics, as Prometheus reads them.
#[test]
fn the_page_as_text() {
    let page = filled(&PrometheusConfig::default(), accounts());
    insta::assert_snapshot!(render_for(&page, ""));
}

/// Families without `_total`, units, and an end.
#[test]
fn the_page_as_open_metrics() {
    let page = filled(&PrometheusConfig::default(), accounts());
    insta::assert_snapshot!(render_for(&page, OPEN_METRICS));
}

/// Names as OpenTelemetry has them, quoted.
#[test]
fn the_page_with_its_own_names() {
    let page = filled(
        &with_strategy(TranslationStrategy::NoTranslation),
        Accounts::default(),
    );
    insta::assert_snapshot!(render_for(&page, TEXT_UTF8));
}

/// The same for a reader that knows no such names.
#[test]
fn the_page_with_its_own_names_for_old_readers() {
    let page = filled(
        &with_strategy(TranslationStrategy::NoTranslation),
        Accounts::default(),
    );
    insta::assert_snapshot!(render_for(&page, OPEN_METRICS));
}

/// Everything that the format has, decoded by another.
#[test]
fn the_page_as_protobuf() {
    let page = filled(&PrometheusConfig::default(), accounts());
    insta::assert_debug_snapshot!(families(&page, PROTOBUF));
}

/// A counter whose name lacks `_total` keeps its name.
#[test]
fn counters_without_a_suffix_are_not_renamed() {
    let strategy = TranslationStrategy::UnderscoreEscapingWithoutSuffixes;
    let page = filled(&with_strategy(strategy), Accounts::default());
    shows_for(&page, OPEN_METRICS, "# TYPE eunomia_disk_io unknown");
    shows_for(
        &page,
        OPEN_METRICS,
        r#"eunomia_disk_io{system_device="vda"} 4096"#,
    );
    shows_for(&page, "", "# TYPE eunomia_disk_io counter");
    // Nor is a value converted whose name does not say so.
    shows_for(
        &page,
        "",
        r#"eunomia_disk_latency_sum{system_device="vda"} 9.5"#,
    );
}

/// Names that are the same to an old reader alone: it sees the first family.
#[test]
fn a_family_is_named_once_for_old_readers() {
    let page = page(&with_strategy(
        TranslationStrategy::NoUTF8EscapingWithSuffixes,
    ));
    let gauge = |name: &str| {
        let mut gauge = support::metrics().points.remove(1);
        let metric = MetricDescriptor {
            name: Key::new(name),
            unit: "".into(),
            ..(*gauge.metric).clone()
        };
        gauge.metric = Arc::new(metric);
        gauge
    };
    let mut batch = support::metrics();
    batch.points.push(gauge("eunomia_disk_io_bytes"));
    batch.points.push(gauge("eunomia_disk_io_bytes_created"));
    assert_eq!(page.update(&Signal::Metrics(batch), NOW), 0);
    let text = render_for(&page, OPEN_METRICS);
    let described = text.lines().filter(|line| line.starts_with("# TYPE"));
    let names = described.filter(|line| line.contains(" eunomia_disk_io_bytes"));
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["# TYPE eunomia_disk_io_bytes counter"]
    );
}

fn slots(counts: [u64; 4]) -> Signal {
    let bounds = [1.0, 3.0, 7.0, f64::INFINITY];
    let mut batch = support::metrics();
    batch.points.drain(..3);
    batch.points[0].value = PointValue::Histogram(Histogram {
        count: counts.iter().sum(),
        sum: Some(40.0),
        buckets: bounds.into_iter().zip(counts).collect(),
    });
    batch.points[0].metric = Arc::new(MetricDescriptor {
        unit: "{block}".into(),
        ..(*batch.points[0].metric).clone()
    });
    Signal::Metrics(batch)
}

#[track_caller]
fn only_histogram(page: &Page) -> Decoded {
    let families = families(page, PROTOBUF);
    let mut found = families.into_iter().flat_map(|family| family.metric);
    found.find_map(|metric| metric.histogram).unwrap()
}

/// A histogram by powers of two is a native one beside the classic one.
#[test]
fn histograms_by_powers_of_two_are_native() {
    let page = page(&PrometheusConfig::default());
    page.update(&slots([5, 0, 2, 1]), NOW);
    let histogram = only_histogram(&page);
    assert_eq!(
        (histogram.schema, histogram.zero_threshold),
        (Some(0), Some(1.0))
    );
    assert_eq!((histogram.count, histogram.zero_count), (Some(8), Some(5)));
    let span = histogram.positive_span.first().unwrap();
    // Bucket 3 is above 4 up to 8.
    assert_eq!((span.offset, span.length), (Some(3), Some(2)));
    assert_eq!(histogram.positive_delta, [2, -1]);
    let classic: Vec<_> = histogram
        .bucket
        .iter()
        .map(|bucket| {
            (
                bucket.upper_bound.unwrap(),
                bucket.cumulative_count.unwrap(),
            )
        })
        .collect();
    assert_eq!(classic, [(1.0, 5), (3.0, 5), (7.0, 7), (f64::INFINITY, 8)]);
}

/// Whoever does not want them gets classic ones alone.
#[test]
fn native_histograms_can_be_left_out() {
    let config = PrometheusConfig {
        native_histograms: false,
        ..PrometheusConfig::default()
    };
    let page = page(&config);
    page.update(&slots([5, 0, 2, 1]), NOW);
    let histogram = only_histogram(&page);
    assert_eq!((histogram.schema, histogram.zero_threshold), (None, None));
    assert_eq!(histogram.bucket.len(), 4);
}

/// A histogram whose sum was not kept has none; protobuf cannot say so, and `OpenMetrics` has a
/// count with a sum alone.
#[test]
fn a_sum_that_was_not_kept_is_not_zero() {
    let page = page(&PrometheusConfig::default());
    let Signal::Metrics(mut batch) = slots([1; 4]) else {
        unreachable!("slots makes points");
    };
    let PointValue::Histogram(histogram) = &mut batch.points[0].value else {
        unreachable!("slots makes a histogram");
    };
    histogram.sum = None;
    page.update(&Signal::Metrics(batch), NOW);
    for (accept, has_count) in [("", true), (OPEN_METRICS, false)] {
        let text = render_for(&page, accept);
        assert!(!text.contains("_sum"), "{text}");
        assert_eq!(text.contains("_count"), has_count, "{text}");
    }
    assert!(only_histogram(&page).sum.unwrap().is_nan());
}

fn point((name, unit): (&str, &str), attributes: &[(String, String)], value: u64) -> Point {
    let mut own = Attributes::default();
    for (key, value) in attributes {
        own.push(&Key::new(key), OwnedValue::Str(value.as_str().into()));
    }
    Point {
        metric: Arc::new(MetricDescriptor {
            name: Key::new(name),
            unit: unit.into(),
            description: "a\\b\n\"c\"".into(),
            kind: MetricKind::Counter,
        }),
        attributes: own,
        cgroup: None,
        container: None,
        start: NOW,
        value: PointValue::Uint(value),
    }
}

/// Every sample line of a page in text: all that is before the value, and the value.
fn samples(text: &str) -> Vec<(&str, &str)> {
    let lines = text
        .split('\n')
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).collect()
}

proptest! {
    /// Whatever metrics and attributes are called and hold, each format has every
    /// count once, no name or label set twice, and no line that anybody forged.
    #[test]
    fn nothing_is_forged_or_lost(
        points in vec((".{0,8}", "[xyz{}/1]{0,4}", vec((".{0,6}", ".{0,6}"), 0..3)), 1..6),
        strategy in prop_oneof![
            Just(TranslationStrategy::UnderscoreEscapingWithSuffixes),
            Just(TranslationStrategy::UnderscoreEscapingWithoutSuffixes),
            Just(TranslationStrategy::NoUTF8EscapingWithSuffixes),
            Just(TranslationStrategy::NoTranslation),
        ],
    ) {
        let page = page(&with_strategy(strategy));
        let points: Vec<_> = points
            .iter()
            .map(|(name, unit, attributes)| point((name, unit), attributes, 1))
            .collect();
        let sent = points.len();
        let batch = Signal::Metrics(MetricBatch { time: NOW, points });
        prop_assert_eq!(page.update(&batch, NOW), 0);
        for accept in ["", TEXT_UTF8, OPEN_METRICS, OPEN_METRICS_UTF8] {
            let text = render_for(&page, accept);
            let samples = samples(&text);
            let counts = samples.iter().map(|(_, value)| value.parse::<f64>().unwrap());
            // One of them is `target_info`.
            prop_assert_eq!(counts.sum::<f64>(), sent as f64 + 1.0, "{}", text);
            let mut series: Vec<_> = samples.iter().map(|(series, _)| series).collect();
            series.sort_unstable();
            let all = series.len();
            series.dedup();
            prop_assert_eq!(all, series.len(), "{}", text);
        }
        for accept in [PROTOBUF, PROTOBUF_UTF8] {
            let families = families(&page, accept);
            let counters = families.iter().flat_map(|family| &family.metric);
            let counts = counters.filter_map(|metric| metric.counter.as_ref()?.value);
            prop_assert_eq!(counts.sum::<f64>(), sent as f64);
        }
    }
}
