//! How series are called, which labels all of them have, and how many there
//! may be.

use std::time::Duration;

use eunomia_core::component::Host;
use eunomia_core::expression::Glob;
use eunomia_core::metric::{MetricKind, Point};
use eunomia_core::time::WallNanos;

use super::config::{PrometheusConfig, ResourceConstantLabels};
use super::labels::Labels;
use super::name::{MetricName, TranslationStrategy};
use super::value::text;
use crate::resource::{SERVICE_INSTANCE_ID, SERVICE_NAME, host_attributes};

/// The label of a bucket's bound, which no attribute may have.
const BOUND: &str = "le";
/// What a label is called that a format has for itself.
const EXPORTED_BOUND: &str = "exported_le";

/// Which attributes of a resource are labels.
#[derive(Clone, Debug)]
struct Selection {
    included: Vec<Glob>,
    excluded: Vec<Glob>,
}

impl Selection {
    fn new(settings: &ResourceConstantLabels) -> Self {
        let globs = |patterns: &[String]| {
            let patterns = patterns.iter();
            patterns.map(|pattern| Glob::new(pattern, false)).collect()
        };
        Self {
            included: globs(&settings.included),
            excluded: globs(&settings.excluded),
        }
    }

    /// Without a pattern of either kind none is; what is excluded from nothing
    /// is excluded from all.
    fn includes(&self, attribute: &str) -> bool {
        let matches = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(attribute.as_bytes()));
        let is_included = match (&*self.included, &*self.excluded) {
            ([], []) => false,
            ([], _) => true,
            (included, _) => matches(included),
        };
        is_included && !matches(&self.excluded)
    }
}

/// What holds for every series of a page.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) strategy: TranslationStrategy,
    /// Series of a metric.
    pub(super) limit: usize,
    /// How long a series outlives its container.
    grace: Duration,
    selection: Selection,
    /// Attributes of the host's resource that are labels of every series.
    constant: Vec<(&'static str, String)>,
    /// All attributes of the host's resource.
    resource: Vec<(&'static str, String)>,
}

impl Rules {
    pub(super) fn new(config: &PrometheusConfig, host: &Host) -> Self {
        let selection = Selection::new(&config.resource_constant_labels);
        let resource: Vec<_> = host_attributes(host)
            .map(|(key, value)| (key, value.to_owned()))
            .collect();
        let is_constant = |(key, _): &(&str, String)| selection.includes(key);
        Self {
            strategy: config.translation_strategy,
            limit: usize::try_from(config.series_limit).unwrap_or(usize::MAX),
            grace: config.container_expiration.0,
            constant: resource
                .iter()
                .filter(|one| is_constant(one))
                .cloned()
                .collect(),
            selection,
            resource,
        }
    }

    pub(super) fn metric_name(&self, point: &Point) -> MetricName {
        self.strategy.metric_name(&point.metric)
    }

    /// These labels, with those that every series has.
    pub(super) fn labels<'a>(&'a self, own: impl Iterator<Item = (&'a str, String)>) -> Labels {
        let name = |key: &str| self.strategy.label_name(key);
        Labels::new(name, self.constant().chain(own))
    }

    /// The labels of a point: its attributes, and those of its resource that are
    /// asked for.
    pub(super) fn point_labels(&self, point: &Point) -> Labels {
        let is_histogram = point.metric.kind == MetricKind::Histogram;
        let name = |key: &str| match self.strategy.label_name(key) {
            name if is_histogram && name == BOUND => EXPORTED_BOUND.to_owned(),
            name => name,
        };
        let own = point.attributes.iter();
        let container = point.container.iter().flat_map(|one| one.attributes.iter());
        let container = container.filter(|(key, _)| self.selection.includes(key.name()));
        let attributes = own.chain(container);
        let attributes = attributes.map(|(key, value)| (key.name(), text(value)));
        Labels::new(name, self.constant().chain(attributes))
    }

    /// The labels of the series that holds what is beyond the limit.
    pub(super) fn overflow(&self) -> Labels {
        self.labels([("otel.metric.overflow", "true".to_owned())].into_iter())
    }

    /// The labels of `target_info`: who the target is, and the rest of the
    /// host's resource.
    pub(super) fn target(&self) -> Labels {
        let rest = self.resource.iter().filter(|(key, _)| !is_identity(key));
        let rest = rest.map(|(key, value)| (*key, value.clone()));
        let name = |key: &str| self.strategy.label_name(key);
        Labels::new(name, self.identity().chain(rest))
    }

    /// `job` and `instance`, by which targets are told apart.
    pub(super) fn identity(&self) -> impl Iterator<Item = (&str, String)> {
        let value = |wanted: &str| {
            let found = self.resource.iter().find(|(key, _)| *key == wanted);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        [
            ("job", value(SERVICE_NAME)),
            ("instance", value(SERVICE_INSTANCE_ID)),
        ]
        .into_iter()
    }

    /// What ended at this moment or before is not shown any more at `now`.
    pub(super) fn last_end(&self, now: WallNanos) -> WallNanos {
        let grace = u64::try_from(self.grace.as_nanos()).unwrap_or(u64::MAX);
        WallNanos(now.0.saturating_sub(grace))
    }

    fn constant(&self) -> impl Iterator<Item = (&str, String)> {
        self.constant
            .iter()
            .map(|(key, value)| (*key, value.clone()))
    }
}

fn is_identity(key: &str) -> bool {
    [SERVICE_NAME, SERVICE_INSTANCE_ID].contains(&key)
}
