use eunomia_core::metric::{Histogram, MetricKind, Point, PointValue};
use eunomia_core::subject::CgroupKey;
use eunomia_core::time::WallNanos;
use eunomia_core::value::OwnedValue;

use super::{object, text};
use crate::object::{Metric, Object};

#[track_caller]
fn metric<'a>(object: &'a Object, map: &str) -> &'a Metric {
    let mut metrics = object.metrics.iter();
    metrics.find(|metric| &*metric.map.name == map).unwrap()
}

fn points(metric: &Metric, key: &[u8], values: &[&[u8]]) -> Vec<Point> {
    let mut points = Vec::new();
    metric.points(key, values, WallNanos(5), |point| points.push(point));
    points
}

fn attributes(point: &Point) -> Vec<(String, OwnedValue)> {
    let all = point.attributes.iter();
    all.map(|(key, value)| (key.name().to_owned(), OwnedValue::from(value)))
        .collect()
}

/// Keys of a struct are attributes; the cgroup in them is found by its roles.
#[test]
fn a_hash_has_a_point_for_each_key() {
    let object = object("metrics");
    assert_eq!(object.events.len(), 0);
    let calls = metric(&object, "calls");
    let mut key = 77u64.to_le_bytes().to_vec();
    key.extend_from_slice(&3u32.to_le_bytes());
    key.extend_from_slice(&257u32.to_le_bytes());
    key.extend_from_slice(b"cat\0\0\0\0\0");
    let points = points(calls, &key, &[&12u64.to_le_bytes()]);
    assert_eq!(points.len(), 1);
    let descriptor = &points[0].metric;
    assert_eq!(descriptor.name.name(), "sample.calls");
    assert_eq!(
        (&*descriptor.unit, descriptor.kind),
        ("{call}", MetricKind::Counter)
    );
    assert_eq!(&*descriptor.description, "Calls by cgroup");
    assert_eq!(points[0].value, PointValue::Uint(12));
    assert_eq!(points[0].start, WallNanos(5));
    assert_eq!(
        attributes(&points[0]),
        [
            ("sample.call".to_owned(), OwnedValue::Uint(257)),
            ("sample.comm".to_owned(), text("cat")),
        ]
    );
    let cgroup = CgroupKey {
        id: 77,
        hierarchy: 3,
    };
    assert_eq!(calls.cgroup(&key), Some(cgroup));
    assert_eq!(metric(&object, "level").cgroup(&key), None);
}

/// Each member of a value is a metric; what the CPUs counted is added up, and
/// what nobody counted is left out.
#[test]
fn values_of_all_cpus_are_added_up() {
    let object = object("metrics");
    let traffic = metric(&object, "traffic");
    let value = |sent: u64, lost: u64| [sent.to_le_bytes(), lost.to_le_bytes()].concat();
    let (one, two) = (value(3, 0), value(4, 1));
    let found = points(traffic, &1u32.to_le_bytes(), &[&one, &two]);
    let summary: Vec<_> = found
        .iter()
        .map(|point| {
            (
                point.metric.name.name(),
                &*point.metric.unit,
                point.value.clone(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            ("sample.traffic.sent", "By", PointValue::Uint(7)),
            ("sample.lost", "{packet}", PointValue::Uint(1)),
        ]
    );
    assert_eq!(found[1].metric.kind, MetricKind::Gauge);
    let device = [("sample.device".to_owned(), text("NET"))];
    assert_eq!(attributes(&found[0]), device);
    let nothing = value(0, 0);
    assert_eq!(points(traffic, &[0; 4], &[&nothing, &nothing]).len(), 0);
}

/// The only entry of an array is there from the beginning and has no attribute.
#[test]
fn an_array_of_one_is_a_single_point() {
    let object = object("metrics");
    let level = metric(&object, "level");
    let found = points(level, &[0; 4], &[&(-5i64).to_le_bytes()]);
    assert_eq!(found[0].value, PointValue::Int(-5));
    assert_eq!(attributes(&found[0]), []);
    let found = points(level, &[0; 4], &[&[0; 8]]);
    assert_eq!(found[0].value, PointValue::Int(0));
}

/// Slots of powers of two become buckets with inclusive upper bounds.
#[test]
fn log2_slots_become_a_histogram() {
    let object = object("metrics");
    let latency = metric(&object, "latency");
    let value = |slots: [u64; 5]| slots.map(u64::to_le_bytes).concat();
    let (one, two) = (value([1, 2, 0, 4, 50]), value([0, 1, 0, 0, 3]));
    let found = points(latency, &9u32.to_le_bytes(), &[&one, &two]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].metric.name.name(), "sample.latency");
    let expected = Histogram {
        count: 8,
        sum: Some(53.0),
        buckets: vec![(1.0, 1), (3.0, 3), (7.0, 0), (f64::INFINITY, 4)],
    };
    assert_eq!(found[0].value, PointValue::Histogram(expected));
    let queue = [("eunomia.metrics.queue".to_owned(), OwnedValue::Uint(9))];
    assert_eq!(attributes(&found[0]), queue);
}

/// Keys and values that are too short give what is whole.
#[test]
fn short_keys_and_values_are_read_within_their_bounds() {
    let object = object("metrics");
    for metric in &object.metrics {
        for length in 0..24 {
            let bytes = vec![1; length];
            let found = points(metric, &bytes, &[&bytes]);
            assert!(found.len() <= metric.values.len());
            assert!(length >= 8 || metric.cgroup(&bytes).is_none());
        }
    }
}
