//! The account of one component.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Events by the reason for which they went no further.
pub type ByReason = BTreeMap<Box<str>, u64>;

/// The reason for which a probe loses most: its ring had no room.
pub const RING_FULL: &str = "ring_full";
/// The reason for which an exporter drops most: its queue had no room.
pub const QUEUE_FULL: &str = "queue_full";

/// The account of one component, as it is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "account", rename_all = "lowercase")]
pub enum Account {
    /// Of one event kind of a probe.
    Probe(ProbeAccount),
    /// Of a processor in one pipeline.
    Processor(ProcessorAccount),
    /// Of an exporter.
    Exporter(ExporterAccount),
}

/// seen = filtered + lost + in ring + received.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeAccount {
    /// The probe.
    pub probe: Box<str>,
    /// The event kind.
    pub event: Box<str>,
    /// Counted first, by the program itself.
    pub seen: u64,
    /// Not wanted, decided in the kernel or, for containers that were not yet
    /// known there, in the receiver.
    pub filtered: u64,
    /// Wanted and not received.
    pub lost: u64,
    /// The same by reason.
    pub lost_by: ByReason,
    /// Submitted and not yet received.
    pub in_ring: u64,
    /// Received.
    pub received: u64,
    /// Runs that the kernel skipped, which no program can see: an upper bound,
    /// for they may have been for events that nobody wants.
    pub missed: u64,
}

/// in + made = out + dropped + held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcessorAccount {
    /// The processor's name in the configuration.
    pub processor: Box<str>,
    /// Events that came in.
    #[serde(rename = "in")]
    pub incoming: u64,
    /// Events that it made itself.
    pub made: u64,
    /// Events that it passed on.
    #[serde(rename = "out")]
    pub outgoing: u64,
    /// Events that it dropped.
    pub dropped: u64,
    /// The same by reason.
    pub dropped_by: ByReason,
    /// Events that it holds back.
    pub held: u64,
}

/// accepted = delivered + dropped + queued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExporterAccount {
    /// The exporter's name in the configuration.
    pub exporter: Box<str>,
    /// Events and metric points that reached its queue.
    pub accepted: u64,
    /// Handed over, and accepted by the other side where there is one.
    pub delivered: u64,
    /// Given up.
    pub dropped: u64,
    /// The same by reason.
    pub dropped_by: ByReason,
    /// Waiting or on the way.
    pub queued: u64,
    /// Bytes of memory that those keep busy.
    #[serde(skip)]
    pub queued_bytes: u64,
}

impl Account {
    /// Whether the account adds up.
    #[must_use]
    pub fn balances(&self) -> bool {
        let total = |by: &ByReason| by.values().sum::<u64>();
        match self {
            Self::Probe(a) => {
                a.seen == a.filtered + a.lost + a.in_ring + a.received
                    && a.lost == total(&a.lost_by)
            }
            Self::Processor(a) => {
                a.incoming + a.made == a.outgoing + a.dropped + a.held
                    && a.dropped == total(&a.dropped_by)
            }
            Self::Exporter(a) => {
                a.accepted == a.delivered + a.dropped + a.queued
                    && a.dropped == total(&a.dropped_by)
            }
        }
    }

    /// Adds the account of another component of the same name; says whether
    /// it is one.
    pub(super) fn absorb(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Probe(own), Self::Probe(other))
                if (&own.probe, &own.event) == (&other.probe, &other.event) =>
            {
                own.seen += other.seen;
                own.filtered += other.filtered;
                own.lost += other.lost;
                add_reasons(&mut own.lost_by, &other.lost_by);
                own.in_ring += other.in_ring;
                own.received += other.received;
                own.missed += other.missed;
            }
            (Self::Processor(own), Self::Processor(other)) if own.processor == other.processor => {
                own.incoming += other.incoming;
                own.made += other.made;
                own.outgoing += other.outgoing;
                own.dropped += other.dropped;
                add_reasons(&mut own.dropped_by, &other.dropped_by);
                own.held += other.held;
            }
            (Self::Exporter(own), Self::Exporter(other)) if own.exporter == other.exporter => {
                own.accepted += other.accepted;
                own.delivered += other.delivered;
                own.dropped += other.dropped;
                add_reasons(&mut own.dropped_by, &other.dropped_by);
                own.queued += other.queued;
                own.queued_bytes += other.queued_bytes;
            }
            (Self::Probe(_) | Self::Processor(_) | Self::Exporter(_), _) => return false,
        }
        true
    }
}

fn add_reasons(own: &mut ByReason, other: &ByReason) {
    for (reason, count) in other {
        *own.entry(reason.clone()).or_default() += count;
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probe(a) => {
                let ProbeAccount {
                    probe,
                    event,
                    seen,
                    filtered,
                    in_ring,
                    received,
                    missed,
                    ..
                } = a;
                write!(
                    f,
                    "probe {probe} {event}: seen {seen} = filtered {filtered} + "
                )?;
                write_reasons(f, "lost", a.lost, &a.lost_by)?;
                write!(
                    f,
                    " + in ring {in_ring} + received {received}; missed {missed}"
                )
            }
            Self::Processor(a) => {
                let ProcessorAccount {
                    processor,
                    incoming,
                    made,
                    outgoing,
                    held,
                    ..
                } = a;
                write!(
                    f,
                    "processor {processor}: in {incoming} + made {made} = out {outgoing} + "
                )?;
                write_reasons(f, "dropped", a.dropped, &a.dropped_by)?;
                write!(f, " + held {held}")
            }
            Self::Exporter(a) => {
                let ExporterAccount {
                    exporter,
                    accepted,
                    delivered,
                    queued,
                    ..
                } = a;
                write!(
                    f,
                    "exporter {exporter}: accepted {accepted} = delivered {delivered} + "
                )?;
                write_reasons(f, "dropped", a.dropped, &a.dropped_by)?;
                write!(f, " + queued {queued}")
            }
        }
    }
}

fn write_reasons(f: &mut fmt::Formatter<'_>, what: &str, total: u64, by: &ByReason) -> fmt::Result {
    write!(f, "{what} {total}")?;
    if by.is_empty() {
        return Ok(());
    }
    let reasons: Vec<_> = by
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    write!(f, " ({})", reasons.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Account, ExporterAccount, ProbeAccount, ProcessorAccount};

    fn probe(seen: u64) -> Account {
        Account::Probe(ProbeAccount {
            probe: "open".into(),
            event: "file.open".into(),
            seen,
            filtered: 1,
            lost: 2,
            lost_by: [("ring_full".into(), 2)].into(),
            in_ring: 0,
            received: 6,
            missed: 0,
        })
    }

    /// The JSON form is the one the interface promises.
    #[test]
    fn accounts_are_logged_as_promised() {
        let json = |account: &Account| serde_json::to_string(account).unwrap();
        assert_eq!(
            json(&probe(9)),
            r#"{"account":"probe","probe":"open","event":"file.open","seen":9,"filtered":1,"lost":2,"lost_by":{"ring_full":2},"in_ring":0,"received":6,"missed":0}"#
        );
        let processor = Account::Processor(ProcessorAccount {
            processor: "filter".into(),
            incoming: 6,
            outgoing: 5,
            dropped: 1,
            dropped_by: [("condition".into(), 1)].into(),
            ..ProcessorAccount::default()
        });
        assert_eq!(
            json(&processor),
            r#"{"account":"processor","processor":"filter","in":6,"made":0,"out":5,"dropped":1,"dropped_by":{"condition":1},"held":0}"#
        );
        let exporter = Account::Exporter(ExporterAccount {
            exporter: "json".into(),
            accepted: 5,
            delivered: 5,
            queued_bytes: 7,
            ..ExporterAccount::default()
        });
        assert_eq!(
            json(&exporter),
            r#"{"account":"exporter","exporter":"json","accepted":5,"delivered":5,"dropped":0,"dropped_by":{},"queued":0}"#
        );
        assert_eq!(
            exporter.to_string(),
            "exporter json: accepted 5 = delivered 5 + dropped 0 + queued 0"
        );
    }

    /// One event counted twice or not at all shows.
    #[test]
    fn a_miscounted_account_does_not_balance() {
        assert!(probe(9).balances());
        assert!(!probe(8).balances());
        assert!(!probe(10).balances());
    }
}
