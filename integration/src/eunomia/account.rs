//! The account: what became of every event, as the daemon logs it with `--log-format json`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Counts by reason.
type Reasons = BTreeMap<String, u64>;

/// One line of the account.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "account", rename_all = "snake_case")]
pub enum Account {
    /// What a probe saw of one kind of event.
    Probe {
        /// The probe.
        probe: String,
        /// The kind of event.
        event: String,
        /// Events that its programs met.
        seen: u64,
        /// Those that the filter kept out.
        filtered: u64,
        /// Those that were to be recorded and were not.
        lost: u64,
        /// The same by reason.
        lost_by: Reasons,
        /// Those that wait to be read.
        in_ring: u64,
        /// Those that were read.
        received: u64,
        /// Runs that the kernel skipped, where it tells.
        missed: Option<u64>,
    },
    /// What a processor did.
    Processor {
        /// The processor.
        processor: String,
        /// Events that came in.
        #[serde(rename = "in")]
        incoming: u64,
        /// Those that it made itself.
        made: u64,
        /// Those that went on.
        out: u64,
        /// Those that did not.
        dropped: u64,
        /// The same by reason.
        dropped_by: Reasons,
        /// Those that wait inside.
        held: u64,
    },
    /// What an exporter did.
    Exporter {
        /// The exporter.
        exporter: String,
        /// Events that it took.
        accepted: u64,
        /// Those that reached their end.
        delivered: u64,
        /// Those that did not.
        dropped: u64,
        /// The same by reason.
        dropped_by: Reasons,
        /// Those that wait in its queue.
        queued: u64,
    },
}

impl Account {
    /// Whether the line adds up, and the reasons with it.
    #[must_use]
    pub fn holds(&self) -> bool {
        let sum = |reasons: &Reasons| reasons.values().sum::<u64>();
        match self {
            Self::Probe {
                seen,
                filtered,
                lost,
                lost_by,
                in_ring,
                received,
                ..
            } => *seen == filtered + lost + in_ring + received && *lost == sum(lost_by),
            Self::Processor {
                incoming,
                made,
                out,
                dropped,
                dropped_by,
                held,
                ..
            } => incoming + made == out + dropped + held && *dropped == sum(dropped_by),
            Self::Exporter {
                accepted,
                delivered,
                dropped,
                dropped_by,
                queued,
                ..
            } => *accepted == delivered + dropped + queued && *dropped == sum(dropped_by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probe's line of the documentation, and one with a figure changed.
    #[test]
    fn a_line_that_does_not_add_up_is_told_apart() {
        let line = r#"{"account":"probe","probe":"open","event":"file.open","seen":9,"filtered":1,
            "lost":2,"lost_by":{"ring_full":2},"in_ring":0,"received":6,"missed":0}"#;
        let good: Account = serde_json::from_str(line).unwrap();
        assert!(good.holds());
        let bad: Account = serde_json::from_str(&line.replace(":9", ":10")).unwrap();
        assert!(!bad.holds());
        let bad: Account = serde_json::from_str(&line.replace("_full\":2", "_full\":1")).unwrap();
        assert!(!bad.holds());
    }

    /// The processor's and the exporter's lines of the documentation.
    #[test]
    fn the_other_lines_are_read_too() {
        for line in [
            r#"{"account":"processor","processor":"filter","in":6,"made":0,"out":5,"dropped":1,"dropped_by":{"condition":1},"held":0}"#,
            r#"{"account":"exporter","exporter":"json","accepted":5,"delivered":5,"dropped":0,"dropped_by":{},"queued":0}"#,
        ] {
            assert!(
                serde_json::from_str::<Account>(line).unwrap().holds(),
                "{line}"
            );
        }
    }
}
