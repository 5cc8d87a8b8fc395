//! Everything that is shown, kept between scrapes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{iter, mem};

use eunomia_core::account::Accounts;
use eunomia_core::component::Host;
use eunomia_core::metric::{MetricBatch, Point, PointValue};
use eunomia_core::own::{OwnMetric, points};
use eunomia_core::signal::Signal;
use eunomia_core::time::WallNanos;
use rustc_hash::FxHashSet;

use super::config::PrometheusConfig;
use super::escape::Escaped;
use super::events::{EVENTS, EventCounts};
use super::family::{Head, Number, Series, Sink, Type, Value};
use super::gone::Gone;
use super::labels::Labels;
use super::negotiate::Format;
use super::own::{self, OVERFLOW, SERIES};
use super::points::Points;
use super::proto::ProtoWriter;
use super::rules::Rules;
use super::text::TextWriter;

/// The family that tells about the machine.
const TARGET: Head<'_> = Head {
    name: "target_info",
    help: "What is known of the machine and the program.",
    unit: "",
    kind: Type::Info,
};

/// Everything that is shown.
#[derive(Debug)]
pub struct Page {
    rules: Arc<Rules>,
    target: Labels,
    shown: Mutex<Shown>,
    native_histograms: bool,
    idle: Duration,
    /// Whether somebody asks which series are gone.
    tells_gone: bool,
    /// What own metrics are called, shown or not.
    own_names: FxHashSet<String>,
    /// The accounts, where own metrics are shown.
    own: Option<Accounts>,
}

#[derive(Debug)]
struct Shown {
    events: EventCounts,
    points: Points,
    gone: Gone,
}

impl Page {
    /// An empty page; with accounts, own metrics are on it.
    #[must_use]
    pub fn new(config: &PrometheusConfig, host: &Host, own: Option<Accounts>) -> Self {
        let rules = Arc::new(Rules::new(config, host));
        Self {
            target: rules.target(),
            shown: Mutex::new(Shown {
                events: EventCounts::new(&config.labels, Arc::clone(&rules)),
                points: Points::new(Arc::clone(&rules)),
                gone: Gone::default(),
            }),
            tells_gone: config.remote_write.is_some(),
            own_names: own::names(rules.strategy).collect(),
            native_histograms: config.native_histograms,
            idle: config.metric_expiration.0,
            rules,
            own,
        }
    }

    /// Shows `signal` too; gives the number of points whose name is taken.
    pub fn update(&self, signal: &Signal, now: WallNanos) -> usize {
        let mut shown = self.lock();
        match signal {
            Signal::Events(batch) => {
                shown.events.count(batch, now);
                0
            }
            Signal::Metrics(batch) => shown
                .points
                .update(batch, &|name: &str| self.is_taken(name)),
        }
    }

    pub(super) fn expire(&self, now: WallNanos) {
        let mut shown = self.lock();
        let mut gone = mem::take(&mut shown.gone);
        shown.events.expire(now, &mut gone);
        shown.points.expire(now, self.idle, &mut gone);
        if self.tells_gone {
            shown.gone = gone;
        }
    }

    /// The page at `now` in the format that an `Accept` header likes best, behind
    /// its `Content-Type`.
    #[must_use]
    pub fn render(&self, accept: &str, now: WallNanos) -> (String, Vec<u8>) {
        let format = Format::negotiated(accept, self.rules.strategy);
        let page = match format.dialect() {
            Some(dialect) => {
                let mut writer = TextWriter::new(dialect);
                self.show(format.utf8, now, &mut writer);
                writer.finish().into_bytes()
            }
            None => {
                let mut writer = ProtoWriter::new(self.native_histograms);
                self.show(format.utf8, now, &mut writer);
                writer.finish()
            }
        };
        (format.content_type(), page)
    }

    /// Shows everything; odd names only where `utf8` says that they are understood.
    pub(super) fn show(&self, utf8: bool, now: WallNanos, sink: &mut dyn Sink) {
        self.understood(utf8, sink, |sink| self.visit(now, sink));
    }

    /// Shows what is gone since the last time.
    pub(super) fn show_gone(&self, utf8: bool, sink: &mut dyn Sink) {
        let gone = mem::take(&mut self.lock().gone);
        self.understood(utf8, sink, |sink| gone.show(sink));
    }

    /// Labels that tell this target from others.
    pub(super) fn identity(&self) -> Vec<(String, String)> {
        let identity = self.rules.identity();
        identity
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn understood(&self, utf8: bool, sink: &mut dyn Sink, give: impl FnOnce(&mut dyn Sink)) {
        if utf8 || self.rules.strategy.escapes() {
            return give(sink);
        }
        let mut escaped = Escaped::default();
        give(&mut escaped);
        escaped.give(sink);
    }

    /// Shows everything under its own name.
    fn visit(&self, now: WallNanos, sink: &mut dyn Sink) {
        // No component is asked under the lock.
        let own = self.own.as_ref().map(points);
        let target = Series {
            labels: &self.target,
            value: Value::Number(Number::Uint(1)),
            start: None,
        };
        sink.family(&TARGET, &mut iter::once(target));
        let shown = self.lock();
        shown.events.show(sink);
        shown.points.show(sink);
        let Some(mut points) = own else {
            return;
        };
        shown.add_sizes(&mut points);
        let mut own = Points::new(Arc::clone(&self.rules));
        let is_taken = |name: &str| is_fixed(name) || shown.points.has_name(name);
        let refused = own.update(&MetricBatch { time: now, points }, &is_taken);
        if refused > 0 {
            tracing::debug!(refused, "own points have the name of another metric");
        }
        own.show(sink);
    }

    /// Whether something else on the page has this name.
    fn is_taken(&self, name: &str) -> bool {
        is_fixed(name) || self.own_names.contains(name)
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn add_sizes(&self, own: &mut Vec<Point>) {
        let (series, overflow) = self.events.size();
        let events = (EVENTS.name, series, overflow);
        for (metric, series, overflow) in self.points.sizes().chain([events]) {
            let labels = [("metric", metric)];
            let point = |own: &OwnMetric, value| {
                own.point(&labels, WallNanos::default(), PointValue::Uint(value))
            };
            own.extend([point(&SERIES, series as u64), point(&OVERFLOW, overflow)]);
        }
    }
}

/// Whether a family that is always there, or a sample of it, has this name.
fn is_fixed(name: &str) -> bool {
    let mut fixed = [EVENTS, TARGET].into_iter();
    fixed.any(|head| head.kind.names(head.name).any(|taken| taken == name))
}
