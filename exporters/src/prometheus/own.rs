//! The program's own metrics: the accounts of its components, in Prometheus's
//! form.

use std::collections::BTreeMap;

use eunomia_core::account::{Account, ByReason, ExporterAccount, ProbeAccount, ProcessorAccount};

use super::family::{Head, Number, Sample, Series, Sink, Type};
use super::labels::Labels;
use super::rules::Rules;

const PROBE_SEEN: Head<'_> = Head {
    name: "eunomia_probe_events_seen_total",
    help: "Events that a probe saw.",
    unit: "",
    kind: Type::Counter,
};
const PROBE_FILTERED: Head<'_> = Head {
    name: "eunomia_probe_events_filtered_total",
    help: "Events that a filter of the probe did not want.",
    unit: "",
    kind: Type::Counter,
};
const PROBE_RECEIVED: Head<'_> = Head {
    name: "eunomia_probe_events_received_total",
    help: "Events that reached user space.",
    unit: "",
    kind: Type::Counter,
};
const PROBE_LOST: Head<'_> = Head {
    name: "eunomia_probe_events_lost_total",
    help: "Events that were wanted and not received.",
    unit: "",
    kind: Type::Counter,
};
const PROCESSOR_INCOMING: Head<'_> = Head {
    name: "eunomia_processor_incoming_events_total",
    help: "Events that came into a processor.",
    unit: "",
    kind: Type::Counter,
};
const PROCESSOR_OUTGOING: Head<'_> = Head {
    name: "eunomia_processor_outgoing_events_total",
    help: "Events that a processor passed on.",
    unit: "",
    kind: Type::Counter,
};
const EXPORTER_ACCEPTED: Head<'_> = Head {
    name: "eunomia_exporter_accepted_events_total",
    help: "Events and metric points that reached an exporter's queue.",
    unit: "",
    kind: Type::Counter,
};
const EXPORTER_DELIVERED: Head<'_> = Head {
    name: "eunomia_exporter_delivered_events_total",
    help: "Events and metric points that an exporter delivered.",
    unit: "",
    kind: Type::Counter,
};
const EXPORTER_DROPPED: Head<'_> = Head {
    name: "eunomia_exporter_dropped_events_total",
    help: "Events and metric points that an exporter gave up.",
    unit: "",
    kind: Type::Counter,
};
const QUEUE_EVENTS: Head<'_> = Head {
    name: "eunomia_exporter_queue_events",
    help: "Events and metric points that wait for an exporter or are on their way.",
    unit: "",
    kind: Type::Gauge,
};
const QUEUE_BYTES: Head<'_> = Head {
    name: "eunomia_exporter_queue_bytes",
    help: "Memory of what waits for an exporter or is on its way.",
    unit: "bytes",
    kind: Type::Gauge,
};
/// Series that a metric of the page has.
pub(super) const SERIES: Head<'_> = Head {
    name: "eunomia_prometheus_series",
    help: "Series of a metric on this page.",
    unit: "",
    kind: Type::Gauge,
};
/// What found no room in a metric.
pub(super) const OVERFLOW: Head<'_> = Head {
    name: "eunomia_prometheus_overflow_total",
    help: "Events and points counted in the overflow series of a metric.",
    unit: "",
    kind: Type::Counter,
};

/// Every own metric, in the order of the page.
const ALL: [Head<'_>; 13] = [
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
    ALL.iter().any(|own| own.name == name)
}

/// Collects own metrics; what has the same labels adds up, for a processor runs
/// once in each pipeline.
#[derive(Debug)]
pub(super) struct OwnMetrics<'a> {
    rules: &'a Rules,
    families: Vec<(Head<'static>, BTreeMap<Labels, Sample>)>,
}

impl<'a> OwnMetrics<'a> {
    pub(super) fn new(rules: &'a Rules, accounts: &[Account]) -> Self {
        let mut own = Self {
            rules,
            families: ALL.iter().map(|head| (*head, BTreeMap::new())).collect(),
        };
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
    pub(super) fn add(&mut self, metric: Head<'_>, labels: &[(&str, &str)], value: Number) {
        let own = labels
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let labels = self.rules.labels(own);
        let mut families = self.families.iter_mut();
        let Some((_, series)) = families.find(|(head, _)| head.name == metric.name) else {
            return;
        };
        match series.get_mut(&labels) {
            Some(known) => known.add(Sample::Number(value)),
            None => drop(series.insert(labels, Sample::Number(value))),
        }
    }

    /// Shows every metric.
    pub(super) fn show(&self, sink: &mut dyn Sink) {
        for (head, series) in &self.families {
            let mut series = series.iter().map(|(labels, sample)| Series {
                labels,
                value: sample.value(),
                start: None,
            });
            sink.family(head, &mut series);
        }
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

    fn add_by_reason(&mut self, metric: Head<'_>, labels: &[(&str, &str)], by: &ByReason) {
        for (reason, count) in by {
            let mut labels = labels.to_vec();
            labels.push(("reason", reason));
            self.add(metric, &labels, Number::Uint(*count));
        }
    }
}
