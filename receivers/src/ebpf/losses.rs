//! Loss as an event in the stream.

use std::sync::Arc;

use eunomia_core::account::ByReason;
use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::key::Key;
use eunomia_core::schema::{Attribute, EventSchema, Field, IntegerSize, Part, Render, Shape};
use eunomia_core::time::BootNanos;

use super::backlog::Backlog;
use super::clock;
use super::drain::Intake;
use super::tally::{ProbeAccounts, Tables};
use super::trouble::Trouble;

/// The event that tells of lost ones, and what it carries.
const LOSS: &str = "eunomia.loss";
const COUNT: &str = "eunomia.loss.count";
const REASON: &str = "eunomia.loss.reason";
const EVENT_KIND: &str = "eunomia.loss.event_kind";

/// How often losses are looked for.
const INTERVAL_NS: u64 = 1_000_000_000;

/// Bytes before the texts: the count, and where each of the two texts stands.
const FIXED_BYTES: u32 = 24;

/// Looks at the accounts of the probes and tells what was lost since.
#[derive(Debug)]
pub(super) struct Losses {
    accounts: Arc<ProbeAccounts>,
    schema: Arc<EventSchema>,
    told: Vec<ByReason>,
    checked: BootNanos,
    state_lost: Trouble,
    processes: Trouble,
    cgroups: Trouble,
    broken: Trouble,
}

impl Losses {
    pub(super) fn new(accounts: Arc<ProbeAccounts>) -> Self {
        Self {
            accounts,
            schema: Arc::new(schema()),
            told: Vec::new(),
            checked: clock::boot(),
            state_lost: Trouble::default(),
            processes: Trouble::default(),
            cgroups: Trouble::default(),
            broken: Trouble::default(),
        }
    }

    /// Looks for losses if the last time is long enough ago.
    pub(super) fn check_now_and_then(&mut self, backlog: &mut Backlog, intake: &Intake) {
        if clock::boot().0.saturating_sub(self.checked.0) >= INTERVAL_NS {
            self.check(backlog, intake);
        }
    }

    /// Looks for losses and adds an event for each kind and reason.
    pub(super) fn check(&mut self, backlog: &mut Backlog, intake: &Intake) {
        self.checked = clock::boot();
        let mut batch = Batch::default();
        batch.clock = clock::offset();
        batch.observed = clock::wall();
        let losses = self.accounts.losses();
        self.told.resize(losses.len(), ByReason::new());
        for ((counted, lost), told) in losses.into_iter().zip(&mut self.told) {
            for (reason, count) in newly_lost(&lost, told).filter(|_| !counted.event.is_empty()) {
                let record = record(count, reason, &counted.event);
                batch.push(&self.schema, &record, self.checked, SubjectIndex::NONE);
            }
            *told = lost;
        }
        backlog.push(batch);
        self.warn_of_state();
        self.warn_of_broken(intake.broken);
        self.look_at_tables(intake);
    }

    /// Records that no user sees and the tables need, and processes for which a tree had no room.
    fn warn_of_state(&mut self) {
        let lost = self.accounts.state_lost();
        if let Some(count) = self.state_lost.begins(lost, self.checked) {
            tracing::warn!(
                count,
                "records for the tables are lost: some events will be missing, or lack their executable or container"
            );
        }
    }

    /// Tables without room: who is forgotten has no name in later events.
    fn look_at_tables(&mut self, intake: &Intake) {
        let tables = Tables {
            processes: intake.table.size(),
            cgroups: intake.cgroups.size(),
        };
        self.accounts.set_tables(tables);
        for (table, size, trouble) in [
            ("process", tables.processes, &mut self.processes),
            ("cgroup", tables.cgroups, &mut self.cgroups),
        ] {
            if let Some(count) = trouble.begins(size.evicted, self.checked) {
                tracing::warn!(
                    table,
                    count,
                    "a table has no room: some events will lack their executable or container"
                );
            }
        }
    }

    /// Records of no known kind: objects and loader do not fit together.
    fn warn_of_broken(&mut self, broken: u64) {
        if let Some(count) = self.broken.begins(broken, self.checked) {
            tracing::warn!(
                count,
                "records of no known kind come from the probes and are dropped"
            );
        }
    }
}

/// What `lost` has beyond `told`, by reason.
fn newly_lost<'a>(lost: &'a ByReason, told: &'a ByReason) -> impl Iterator<Item = (&'a str, u64)> {
    let before = |reason| told.get(reason).copied().unwrap_or(0);
    let new = lost
        .iter()
        .map(move |(reason, count)| (&**reason, count.saturating_sub(before(reason))));
    new.filter(|(_, count)| *count > 0)
}

/// What the event carries.
pub(super) fn schema() -> EventSchema {
    let text = Shape::Text(Part::Whole);
    let count = Shape::Integer {
        size: IntegerSize::Eight,
        signed: false,
        render: Render::Number,
    };
    let attribute = |name, offset, shape| {
        Attribute::new(
            name,
            Field {
                offset,
                shape,
                absent: None,
            },
            None,
        )
    };
    EventSchema {
        name: Key::new(LOSS),
        probe: "".into(),
        size: FIXED_BYTES,
        attributes: vec![
            attribute(COUNT, 0, count),
            attribute(REASON, 8, text.clone()),
            attribute(EVENT_KIND, 16, text),
        ],
        header: None,
        lifecycle: None,
    }
}

fn record(count: u64, reason: &str, event: &str) -> Vec<u8> {
    const TEXT_PRESENT: u16 = 1;
    let mut record = count.to_le_bytes().to_vec();
    let mut offset = FIXED_BYTES;
    for text in [reason, event] {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        record.extend_from_slice(&offset.to_le_bytes());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&TEXT_PRESENT.to_le_bytes());
        offset += u32::from(length);
    }
    record.extend_from_slice(reason.as_bytes());
    record.extend_from_slice(event.as_bytes());
    record
}

#[cfg(test)]
mod tests {
    use super::{COUNT, EVENT_KIND, REASON, record, schema};
    use eunomia_core::value::Value;

    /// The record says what its schema says.
    #[test]
    fn a_loss_tells_how_many_of_what_and_why() {
        let (schema, record) = (schema(), record(3, "ring_full", "test.event"));
        let read = |name| {
            schema.attributes[schema.position(name).unwrap()]
                .field
                .read(&record)
        };
        assert_eq!(read(COUNT), Some(Value::Uint(3)));
        assert_eq!(read(REASON), Some(Value::Str("ring_full")));
        assert_eq!(read(EVENT_KIND), Some(Value::Str("test.event")));
    }
}
