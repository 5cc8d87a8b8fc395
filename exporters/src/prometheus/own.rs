//! The program's own metrics: the accounts of its components, in Prometheus's
//! form.

use eunomia_core::account::{Account, ByReason, ExporterAccount, ProbeAccount, ProcessorAccount};

use super::encode::{Family, Labels, Number, Sample, Type};

/// A family of own metrics and how it is described.
type Described = (&'static str, Type, &'static str);

const PROBE_SEEN: Described = (
    "eunomia_probe_events_seen_total",
    Type::Counter,
    "Events that a probe saw.",
);
const PROBE_FILTERED: Described = (
    "eunomia_probe_events_filtered_total",
    Type::Counter,
    "Events that a filter of the probe did not want.",
);
const PROBE_RECEIVED: Described = (
    "eunomia_probe_events_received_total",
    Type::Counter,
    "Events that reached user space.",
);
const PROBE_LOST: Described = (
    "eunomia_probe_events_lost_total",
    Type::Counter,
    "Events that were wanted and not received.",
);
const PROCESSOR_INCOMING: Described = (
    "eunomia_processor_incoming_events_total",
    Type::Counter,
    "Events that came into a processor.",
);
const PROCESSOR_OUTGOING: Described = (
    "eunomia_processor_outgoing_events_total",
    Type::Counter,
    "Events that a processor passed on.",
);
const EXPORTER_ACCEPTED: Described = (
    "eunomia_exporter_accepted_events_total",
    Type::Counter,
    "Events and metric points that reached an exporter's queue.",
);
const EXPORTER_DELIVERED: Described = (
    "eunomia_exporter_delivered_events_total",
    Type::Counter,
    "Events and metric points that an exporter delivered.",
);
const EXPORTER_DROPPED: Described = (
    "eunomia_exporter_dropped_events_total",
    Type::Counter,
    "Events and metric points that an exporter gave up.",
);
const QUEUE_EVENTS: Described = (
    "eunomia_exporter_queue_events",
    Type::Gauge,
    "Events and metric points that wait for an exporter or are on their way.",
);
const QUEUE_BYTES: Described = (
    "eunomia_exporter_queue_bytes",
    Type::Gauge,
    "Memory of what waits for an exporter or is on its way.",
);
/// Series that a metric of the page has.
pub(super) const SERIES: Described = (
    "eunomia_prometheus_series",
    Type::Gauge,
    "Series of a metric on this page.",
);
/// What found no room in a metric.
pub(super) const OVERFLOW: Described = (
    "eunomia_prometheus_overflow_total",
    Type::Counter,
    "Events and points counted in the overflow series of a metric.",
);

/// Every own metric, in the order of the page.
const ALL: [Described; 13] = [
    PROBE_SEEN,
    PROBE_FILTERED,
    PROBE_RECEIVED,
    PROBE_LOST,
    PROCESSOR_INCOMING,
    PROCESSOR_OUTGOING,
    EXPORTER_ACCEPTED,
    EXPORTER_DELIVERED,
    EXPORTER_DROPPED,
    QUEUE_EVENTS,
    QUEUE_BYTES,
    SERIES,
    OVERFLOW,
];

/// Whether an own metric has this name.
pub(super) fn is_own(name: &str) -> bool {
    ALL.iter().any(|(own, ..)| *own == name)
}

/// Collects own metrics; what has the same labels adds up, for a processor runs
/// once in each pipeline.
#[derive(Debug)]
pub(super) struct OwnMetrics(Vec<Family>);

impl OwnMetrics {
    pub(super) fn new(accounts: &[Account]) -> Self {
        let families = ALL
            .iter()
            .map(|(name, kind, help)| Family::new(name, help, *kind));
        let mut own = Self(families.collect());
        for account in accounts {
            match account {
                Account::Probe(account) => own.add_probe(account),
                Account::Processor(account) => own.add_processor(account),
                Account::Exporter(account) => own.add_exporter(account),
            }
        }
        own
    }

    /// Adds to the series of `metric` with these labels.
    pub(super) fn add(&mut self, metric: Described, labels: &[(&str, &str)], value: Number) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels = Labels::new(labels.iter().map(own));
        if let Some(family) = self.0.iter_mut().find(|family| *family.name == *metric.0) {
            family.add(labels, Sample::Number(value));
        }
    }

    pub(super) fn families(&self) -> &[Family] {
        &self.0
    }

    fn add_probe(&mut self, account: &ProbeAccount) {
        let labels = [("probe", &*account.probe), ("event", &*account.event)];
        self.add(PROBE_SEEN, &labels, Number::Uint(account.seen));
        self.add(PROBE_FILTERED, &labels, Number::Uint(account.filtered));
        self.add(PROBE_RECEIVED, &labels, Number::Uint(account.received));
        self.add_by_reason(PROBE_LOST, &labels, &account.lost_by);
    }

    fn add_processor(&mut self, account: &ProcessorAccount) {
        let labels = [("processor", &*account.processor)];
        self.add(PROCESSOR_INCOMING, &labels, Number::Uint(account.incoming));
        self.add(PROCESSOR_OUTGOING, &labels, Number::Uint(account.outgoing));
    }

    fn add_exporter(&mut self, account: &ExporterAccount) {
        let labels = [("exporter", &*account.exporter)];
        self.add(EXPORTER_ACCEPTED, &labels, Number::Uint(account.accepted));
        self.add(EXPORTER_DELIVERED, &labels, Number::Uint(account.delivered));
        self.add_by_reason(EXPORTER_DROPPED, &labels, &account.dropped_by);
        self.add(QUEUE_EVENTS, &labels, Number::Uint(account.queued));
        self.add(QUEUE_BYTES, &labels, Number::Uint(account.queued_bytes));
    }

    fn add_by_reason(&mut self, metric: Described, labels: &[(&str, &str)], by: &ByReason) {
        for (reason, count) in by {
            let mut labels = labels.to_vec();
            labels.push(("reason", reason));
            self.add(metric, &labels, Number::Uint(*count));
        }
    }
}
