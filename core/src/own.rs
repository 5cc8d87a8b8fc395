//! The program's own metrics: what its components tell of themselves, as points.
//!
//! One list has their names, units and descriptions. Whoever shows them spells
//! the names its own way: with dots over OTLP, with underscores and the unit for
//! Prometheus.

use std::sync::Arc;

use crate::account::{
    Account, Accounts, ByReason, ExporterAccount, ProbeAccount, ProcessorAccount, QUEUE_FULL,
    RING_FULL,
};
use crate::key::Key;
use crate::metric::{MetricDescriptor, MetricKind, Point, PointValue};
use crate::subject::Attributes;
use crate::time::WallNanos;
use crate::value::OwnedValue;

/// An own metric and how it is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMetric {
    /// Its name, with dots.
    pub name: &'static str,
    /// Its unit in UCUM.
    pub unit: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// How its points add up.
    pub kind: MetricKind,
}

const fn counter(name: &'static str, unit: &'static str, description: &'static str) -> OwnMetric {
    OwnMetric {
        name,
        unit,
        description,
        kind: MetricKind::Counter,
    }
}

const fn gauge(name: &'static str, unit: &'static str, description: &'static str) -> OwnMetric {
    OwnMetric {
        kind: MetricKind::Gauge,
        ..counter(name, unit, description)
    }
}

const PROBE_SEEN: OwnMetric = counter(
    "eunomia.probe.events.seen",
    "{event}",
    "Events that a probe saw.",
);
const PROBE_FILTERED: OwnMetric = counter(
    "eunomia.probe.events.filtered",
    "{event}",
    "Events that a filter of the probe did not want.",
);
const PROBE_RECEIVED: OwnMetric = counter(
    "eunomia.probe.events.received",
    "{event}",
    "Events that reached user space.",
);
const PROBE_LOST: OwnMetric = counter(
    "eunomia.probe.events.lost",
    "{event}",
    "Events that were wanted and not received.",
);
const PROCESSOR_INCOMING: OwnMetric = counter(
    "eunomia.processor.incoming.events",
    "{event}",
    "Events that came into a processor.",
);
const PROCESSOR_OUTGOING: OwnMetric = counter(
    "eunomia.processor.outgoing.events",
    "{event}",
    "Events that a processor passed on.",
);
const EXPORTER_ACCEPTED: OwnMetric = counter(
    "eunomia.exporter.accepted.events",
    "{event}",
    "Events and metric points that reached an exporter's queue.",
);
const EXPORTER_DELIVERED: OwnMetric = counter(
    "eunomia.exporter.delivered.events",
    "{event}",
    "Events and metric points that an exporter delivered.",
);
const EXPORTER_DROPPED: OwnMetric = counter(
    "eunomia.exporter.dropped.events",
    "{event}",
    "Events and metric points that an exporter gave up.",
);
const QUEUE_EVENTS: OwnMetric = gauge(
    "eunomia.exporter.queue.events",
    "{event}",
    "Events and metric points that wait for an exporter or are on their way.",
);
const QUEUE_BYTES: OwnMetric = gauge(
    "eunomia.exporter.queue.bytes",
    "By",
    "Memory of what waits for an exporter or is on its way.",
);
/// Runs of a program that the kernel skipped.
pub const PROBE_MISSED_RUNS: OwnMetric = counter(
    "eunomia.probe.missed.runs",
    "{run}",
    "Runs of a BPF program that the kernel skipped because the program was already running on that CPU.",
);
/// Reloads of the configuration, by their `result`.
pub const CONFIG_RELOADS: OwnMetric = counter(
    "eunomia.config.reloads",
    "{reload}",
    "Reloads of the configuration.",
);
const TABLE_ENTRIES: OwnMetric = gauge(
    "eunomia.table.entries",
    "{entry}",
    "Programs of processes, or cgroups, that events can be named by.",
);
const TABLE_MEMORY: OwnMetric = gauge("eunomia.table.memory", "By", "Memory of a table.");
const TABLE_EVICTIONS: OwnMetric = counter(
    "eunomia.table.evictions",
    "{entry}",
    "Entries of a table that were forgotten for lack of room.",
);
/// What tables did not learn.
pub const TABLE_LOST: OwnMetric = counter(
    "eunomia.table.lost.records",
    "{record}",
    "Records that the tables should have learned from and that were lost, and processes for which a filtered tree had no room.",
);
/// CPU time of the program.
pub const PROCESS_CPU: OwnMetric = counter(
    "eunomia.process.cpu",
    "s",
    "CPU time that this program has used.",
);
/// Resident memory of the program.
pub const PROCESS_MEMORY: OwnMetric = gauge(
    "eunomia.process.memory.rss",
    "By",
    "Memory that this program keeps resident.",
);

/// Every own metric.
pub const OWN_METRICS: [OwnMetric; 19] = [
    PROBE_SEEN,
    PROBE_FILTERED,
    PROBE_RECEIVED,
    PROBE_LOST,
    PROBE_MISSED_RUNS,
    PROCESSOR_INCOMING,
    PROCESSOR_OUTGOING,
    EXPORTER_ACCEPTED,
    EXPORTER_DELIVERED,
    EXPORTER_DROPPED,
    QUEUE_EVENTS,
    QUEUE_BYTES,
    CONFIG_RELOADS,
    TABLE_ENTRIES,
    TABLE_MEMORY,
    TABLE_EVICTIONS,
    TABLE_LOST,
    PROCESS_CPU,
    PROCESS_MEMORY,
];

impl OwnMetric {
    /// What its points share.
    #[must_use]
    pub fn descriptor(&self) -> Arc<MetricDescriptor> {
        Arc::new(MetricDescriptor {
            name: Key::new(self.name),
            unit: self.unit.into(),
            description: self.description.into(),
            kind: self.kind,
        })
    }

    /// A point of it that has counted since `start`.
    #[must_use]
    pub fn point(&self, labels: &[(&str, &str)], start: WallNanos, value: PointValue) -> Point {
        let mut attributes = Attributes::default();
        for (name, value) in labels {
            attributes.push(&Key::new(name), OwnedValue::Str((*value).into()));
        }
        Point {
            metric: self.descriptor(),
            attributes,
            cgroup: None,
            container: None,
            start,
            value,
        }
    }
}

/// What a table holds that is bounded in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSize {
    /// Entries that can be looked up.
    pub entries: usize,
    /// Their memory in bytes, with what others keep alive of it.
    pub bytes: usize,
    /// Entries forgotten for lack of room, since the start.
    pub evicted: u64,
}

impl TableSize {
    /// The table called `name` as points; it began at `start`.
    #[must_use]
    pub fn points(&self, name: &str, start: WallNanos) -> [Point; 3] {
        let point = |metric: OwnMetric, value| {
            metric.point(&[("table", name)], start, PointValue::Uint(value))
        };
        [
            point(TABLE_ENTRIES, self.entries as u64),
            point(TABLE_MEMORY, self.bytes as u64),
            point(TABLE_EVICTIONS, self.evicted),
        ]
    }
}

/// The own metrics as they stand. Points with the same attributes are meant to
/// be added up, for a processor runs once in each pipeline.
#[must_use]
pub fn points(accounts: &Accounts) -> Vec<Point> {
    let mut points = Points(Vec::new());
    for account in accounts.read() {
        match &account {
            Account::Probe(account) => points.add_probe(account),
            Account::Processor(account) => points.add_processor(account),
            Account::Exporter(account) => points.add_exporter(account),
        }
    }
    points.0.extend(accounts.points());
    points.0
}

struct Points(Vec<Point>);

impl Points {
    fn add(&mut self, metric: OwnMetric, labels: &[(&str, &str)], value: u64) {
        let point = metric.point(labels, WallNanos::default(), PointValue::Uint(value));
        self.0.push(point);
    }

    /// The counts by their reasons. That of the `usual` one is there from the
    /// beginning: the rate of a counter that begins above 0 misses its first
    /// events.
    fn add_by_reason(
        &mut self,
        metric: OwnMetric,
        labels: &[(&str, &str)],
        by: &ByReason,
        usual: &str,
    ) {
        let unheard = (!by.contains_key(usual)).then_some((usual, 0));
        let counted = by.iter().map(|(reason, count)| (&**reason, *count));
        for (reason, count) in unheard.into_iter().chain(counted) {
            let mut labels = labels.to_vec();
            labels.push(("reason", reason));
            self.add(metric, &labels, count);
        }
    }

    fn add_probe(&mut self, account: &ProbeAccount) {
        let labels = [("probe", &*account.probe), ("event", &*account.event)];
        self.add(PROBE_SEEN, &labels, account.seen);
        self.add(PROBE_FILTERED, &labels, account.filtered);
        self.add(PROBE_RECEIVED, &labels, account.received);
        self.add_by_reason(PROBE_LOST, &labels, &account.lost_by, RING_FULL);
    }

    fn add_processor(&mut self, account: &ProcessorAccount) {
        let labels = [("processor", &*account.processor)];
        self.add(PROCESSOR_INCOMING, &labels, account.incoming);
        self.add(PROCESSOR_OUTGOING, &labels, account.outgoing);
    }

    fn add_exporter(&mut self, account: &ExporterAccount) {
        let labels = [("exporter", &*account.exporter)];
        self.add(EXPORTER_ACCEPTED, &labels, account.accepted);
        self.add(EXPORTER_DELIVERED, &labels, account.delivered);
        self.add_by_reason(EXPORTER_DROPPED, &labels, &account.dropped_by, QUEUE_FULL);
        self.add(QUEUE_EVENTS, &labels, account.queued);
        self.add(QUEUE_BYTES, &labels, account.queued_bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::points;
    use crate::account::{Account, Accountable, Accounts, ExporterAccount, ProbeAccount};
    use crate::metric::PointValue;
    use crate::value::Value;

    struct Told(Vec<Account>);

    impl Accountable for Told {
        fn accounts(&self) -> Vec<Account> {
            self.0.clone()
        }
    }

    /// What nothing was lost for yet is there at 0, so that a rate sees the first loss; other reasons
    /// come with what they count.
    #[test]
    fn losses_are_told_before_there_are_any() {
        let losing = |lost_by: &[(&str, u64)]| {
            let lost_by = lost_by
                .iter()
                .map(|(reason, lost)| ((*reason).into(), *lost));
            Account::Probe(ProbeAccount {
                lost_by: lost_by.collect(),
                ..ProbeAccount::default()
            })
        };
        let exporter = Account::Exporter(ExporterAccount::default());
        for (account, expected) in [
            (losing(&[]), vec![("ring_full", 0)]),
            (losing(&[("ring_full", 3)]), vec![("ring_full", 3)]),
            (
                losing(&[("table_full", 2)]),
                vec![("ring_full", 0), ("table_full", 2)],
            ),
            (exporter, vec![("queue_full", 0)]),
        ] {
            let accounts = Accounts::default();
            accounts.register(Arc::new(Told(vec![account])));
            let points = points(&accounts);
            let told: Vec<_> = points
                .iter()
                .filter_map(|point| Some((point.attributes.get("reason")?, point.value.clone())))
                .collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(reason, lost)| (Value::Str(reason), PointValue::Uint(lost)))
                .collect();
            assert_eq!(told, expected);
        }
    }
}
