//! What the page tells of itself, beside what all components tell.

use eunomia_core::metric::MetricKind;
use eunomia_core::own::{OWN_METRICS, OwnMetric};

use super::family::Type;
use super::name::TranslationStrategy;

/// Series that a metric of the page has.
pub(super) const SERIES: OwnMetric = OwnMetric {
    name: "eunomia.prometheus.series",
    unit: "{series}",
    description: "Series of a metric on this page.",
    kind: MetricKind::Gauge,
};
/// What found no room in a metric.
pub(super) const OVERFLOW: OwnMetric = OwnMetric {
    name: "eunomia.prometheus.overflow",
    unit: "{point}",
    description: "Events and points counted in the overflow series of a metric.",
    kind: MetricKind::Counter,
};
/// What the receiver of remote write took.
pub(super) const WRITTEN: OwnMetric = OwnMetric {
    name: "eunomia.prometheus.remote_write.written_samples",
    unit: "{sample}",
    description: "Samples that the receiver of remote write took.",
    kind: MetricKind::Counter,
};
/// What it did not take.
pub(super) const DROPPED: OwnMetric = OwnMetric {
    name: "eunomia.prometheus.remote_write.dropped_samples",
    unit: "{sample}",
    description: "Samples that the receiver of remote write did not take.",
    kind: MetricKind::Counter,
};

/// The names that own metrics and their samples have on the page.
pub(super) fn names(strategy: TranslationStrategy) -> impl Iterator<Item = String> {
    let page = [SERIES, OVERFLOW, WRITTEN, DROPPED];
    let all = OWN_METRICS.into_iter().chain(page);
    all.flat_map(move |metric| {
        let name = strategy.metric_name(&metric.descriptor()).name;
        Type::from(metric.kind).names(&name).collect::<Vec<_>>()
    })
}
