//! What the points of each schema look like.

use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::metric::PointValue;
use eunomia_core::signal::Signal;
use eunomia_core::subject::Attributes;
use eunomia_core::value::OwnedValue;

use super::{encode, encode_on, parse, settings, tagged, visible};
use crate::influxdb::encode::{LineSettings, Unsigned};
use crate::influxdb::{Precision, Schema};
use crate::support;

fn events() -> Signal {
    Signal::Events(support::sample())
}

fn points() -> Signal {
    Signal::Metrics(support::metrics())
}

fn with(schema: Schema) -> LineSettings {
    LineSettings {
        schema,
        ..settings()
    }
}

/// Every shape of value, text that is not UTF-8, a list that breaks.
#[test]
fn an_event_is_a_point_of_its_kind() {
    insta::assert_snapshot!(visible(&encode(&events(), &settings())));
}

/// Sums, gauges and histograms, attributes as fields.
#[test]
fn a_metric_point_is_a_point_of_its_metric() {
    insta::assert_snapshot!(visible(&encode(&points(), &settings())));
}

/// A measurement for each metric, all attributes tags, all numbers floats.
#[test]
fn telegraf_has_a_measurement_for_each_metric() {
    let settings = with(Schema::TelegrafPrometheusV1);
    insta::assert_snapshot!(visible(&encode(&points(), &settings)));
    assert_eq!(
        encode(&events(), &settings),
        encode(&events(), &with(Schema::Eunomia))
    );
}

/// One measurement, a field for each metric, a line for each bucket.
#[test]
fn telegraf_has_one_measurement_for_all() {
    let settings = with(Schema::TelegrafPrometheusV2);
    insta::assert_snapshot!(visible(&encode(&points(), &settings)));
    assert_eq!(
        encode(&events(), &settings),
        encode(&events(), &with(Schema::Eunomia))
    );
}

/// Log records with body and severity; everything but the service is a field.
#[test]
fn otel_logs_are_log_records() {
    let settings = with(Schema::OtelLogs);
    insta::assert_snapshot!(visible(&encode(&events(), &settings)));
    let telegraf = with(Schema::TelegrafPrometheusV1);
    assert_eq!(encode(&points(), &settings), encode(&points(), &telegraf));
}

/// Servers of version 1 have no unsigned integers.
#[test]
fn unsigned_integers_are_signed_where_they_must() {
    let settings = LineSettings {
        unsigned: Unsigned::AsSigned,
        ..settings()
    };
    let text = encode(&events(), &settings);
    assert!(text.contains("odd.big=9223372036854775807i,"), "{text}");
    assert!(text.contains("process.pid=812i,"), "{text}");
}

/// Named attributes are tags and no fields, sorted among the others, whether
/// they are of the actor, of the event or of the container.
#[test]
fn named_attributes_are_tags() {
    let settings = tagged(&[
        "process.executable.name",
        "error.type",
        "eunomia.process.comm",
    ]);
    let points = parse(&encode(&events(), &settings));
    let names: Vec<_> = points[4].tags.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        [
            "container.id",
            "container.runtime.name",
            "error.type",
            "eunomia.process.comm",
            "host.name",
            "process.executable.name",
        ]
    );
    for point in &points {
        let is_both = |(name, _): &(String, _)| point.fields.contains_key(name);
        assert!(!point.tags.iter().any(is_both), "{point:?}");
    }
}

/// A unit is kept, and what would meet in it is kept apart.
#[test]
fn times_are_in_the_unit_and_never_meet() {
    let settings = LineSettings {
        precision: Precision::Ms,
        ..settings()
    };
    let points = parse(&encode(&events(), &settings));
    let times_of = |name: &str| {
        let own = points.iter().filter(|point| point.measurement == name);
        own.map(|point| point.time).collect::<Vec<_>>()
    };
    let first = 1_795_334_400_123;
    assert_eq!(times_of("process.exec"), [first, first + 1]);
    assert_eq!(times_of("file.open"), [first, first + 1, first + 2]);
}

/// A host without a name has no such tag: InfluxDB has no empty ones.
#[test]
fn what_does_not_exist_is_left_out() {
    let text = encode_on(&Host::default(), &events(), &settings());
    assert!(!text.contains("host.name"), "{text}");
}

/// A tag stands once, whoever else brings one of its name, as it is written: the machine's own goes first,
/// then a bucket's bound, then what a point has in its order. InfluxDB refuses or reads on its own which
/// of two counts.
#[test]
fn no_tag_stands_twice() {
    let names = ["host.name", "le", "a\nb", "a\rb"];
    let mut attributes = Attributes::default();
    for name in names {
        attributes.push(
            &Key::new(name),
            OwnedValue::Str(format!("of {name:?}").into()),
        );
    }
    let mut metrics = support::metrics();
    metrics
        .points
        .retain(|point| matches!(point.value, PointValue::Histogram(_)));
    metrics.points[0].attributes = attributes;
    let settings = with(Schema::TelegrafPrometheusV2);
    let points = parse(&encode(&Signal::Metrics(metrics), &settings));
    let bounds = ["of \"le\"", "1", "2"];
    assert_eq!(points.len(), bounds.len());
    for (point, bound) in points.iter().zip(bounds) {
        let tags: Vec<_> = point
            .tags
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let own = |name| {
            tags.iter()
                .filter(|(tag, _)| *tag == name)
                .map(|(_, value)| *value)
                .collect::<Vec<_>>()
        };
        assert_eq!(own("host.name"), [&*support::host().name], "{tags:?}");
        assert_eq!(own("le"), [bound], "{tags:?}");
        assert_eq!(own("a\u{fffd}b"), ["of \"a\\nb\""], "{tags:?}");
    }
}
