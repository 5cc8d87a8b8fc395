//! The draining thread without a kernel: what becomes of rows while pipelines have no room.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eunomia_core::account::Accountable as _;
use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::key::Key;
use eunomia_core::metric::PointValue;
use eunomia_core::own::TableSize;
use eunomia_core::pipeline::Output;
use eunomia_core::process::{Limits, ProcessTable};
use eunomia_core::schema::{EventSchema, Shape};
use eunomia_core::signal::Signal;
use eunomia_core::subject::{Pid, ProcessId};
use eunomia_core::time::BootNanos;
use eunomia_core::value::Value;
use eunomia_probes::PROBES;
use rustix::event::{EventfdFlags, eventfd};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event, Metadata, Subscriber};

use crate::ebpf::actors::Actors;
use crate::ebpf::backlog::Backlog;
use crate::ebpf::cgroups::{Cgroups, KnownCgroups};
use crate::ebpf::clock;
use crate::ebpf::drain::{Drain, Intake, Kind, Kinds, Signals};
use crate::ebpf::losses::Losses;
use crate::ebpf::missed::Missed;
use crate::ebpf::tally::{ProbeAccounts, Tables, Tally};
use crate::object::Object;

fn kind(name: &'static str) -> Kind {
    let schema = EventSchema {
        name: Key::new(name),
        probe: "test".into(),
        size: 0,
        attributes: Vec::new(),
        header: None,
        lifecycle: None,
    };
    Kind {
        schema: Arc::new(schema),
        tally: Arc::new(Tally::default()),
        cgroup_sets: 0,
    }
}

fn intake(kind: &Kind) -> Intake {
    let limits = Limits {
        max_bytes: 1 << 20,
        keep_dead_for: Duration::from_secs(1),
    };
    Intake {
        kinds: vec![Some(kind.clone())],
        table: ProcessTable::new("boot", limits),
        cgroups: Cgroups::new(KnownCgroups::default(), Vec::new(), None),
        batch: Batch::default(),
        is_blocked: false,
        broken: 0,
    }
}

fn drain(kind: &Kind) -> Drain {
    let missed = Missed::new(clock::wall());
    let accounts = Arc::new(ProbeAccounts::new(Vec::new(), None, missed));
    Drain {
        lifecycle: None,
        bulk: Vec::new(),
        intake: intake(kind),
        actors: Actors::default(),
        losses: Losses::new(accounts),
        backlog: Backlog::new(vec![Some(kind.clone())]),
        signals: Signals {
            wake: eventfd(0, EventfdFlags::CLOEXEC).unwrap(),
            stop: Arc::new(AtomicBool::new(true)),
        },
    }
}

fn one_row(kind: &Kind, time: u64) -> Batch {
    let mut batch = Batch::default();
    batch.push(&kind.schema, &[0; 8], BootNanos(time), SubjectIndex::NONE);
    batch
}

/// While the bulk waits, rows of the lifecycle are kept up to a bound, and counted beyond it.
#[test]
fn rows_that_wait_are_bounded_and_those_beyond_counted() {
    const RECORDS: u64 = 400;
    let kind = kind("test.event");
    let mut intake = intake(&kind);
    intake.is_blocked = true;
    let record = vec![1; 64 << 10];
    for _ in 0..RECORDS {
        intake.take(Kinds::Only(0), &record);
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
    let (kept, lost) = (intake.batch.len() as u64, count(&kind.tally.pipeline_full));
    assert_eq!(
        (count(&kind.tally.drained), kept + lost),
        (RECORDS, RECORDS)
    );
    assert!(kept > 50 && lost > 50, "{kept} {lost}");
    assert!(intake.batch.bytes() < 32 << 20, "{}", intake.batch.bytes());
}

/// A batch that found no room goes out before everything that came after it, and is counted when
/// it does.
#[test]
fn what_is_blocked_at_the_end_goes_out_first() {
    let kind = kind("test.event");
    let mut drain = drain(&kind);
    let (output, _input) = Output::to_channel(1);
    for time in [1, 2] {
        drain.backlog.push(one_row(&kind, time));
        drain.backlog.flush(&output);
    }
    assert!(drain.backlog.is_blocked());
    assert_eq!(kind.tally.received.load(Ordering::Acquire), 1);
    drain.intake.take(Kinds::Only(0), &[0; 8]);
    let sent = Mutex::new(Vec::new());
    drain
        .run(&output, |signal| {
            if let Signal::Events(batch) = signal {
                let times = batch.iter().map(|row| row.boot_time().0);
                sent.lock().unwrap().extend(times);
            }
            true
        })
        .unwrap();
    let sent = sent.into_inner().unwrap();
    assert_eq!((sent.len(), sent[0]), (2, 2), "{sent:?}");
    assert_eq!(kind.tally.received.load(Ordering::Acquire), 3);
}

/// The kind of the built-in event that tells this of a process.
fn life(role: &str) -> Kind {
    let events = PROBES.iter().flat_map(|probe| {
        let object = Object::parse(probe.name, probe.object).unwrap();
        object.events.into_iter().map(|event| event.schema)
    });
    let tells = |schema: &Arc<EventSchema>| {
        let lifecycle = schema.lifecycle.as_ref();
        lifecycle.is_some_and(|lifecycle| &*lifecycle.role == role)
    };
    Kind {
        schema: events.into_iter().find(tells).unwrap(),
        tally: Arc::new(Tally::default()),
        cgroup_sets: 0,
    }
}

/// A record of `who` at `time`, with nothing behind its header.
fn record(schema: &EventSchema, who: ProcessId, time: BootNanos) -> Vec<u8> {
    let mut record = vec![0; schema.size as usize];
    let header = schema.header.as_ref().unwrap();
    for (field, value) in [
        (&header.time, time.0),
        (&header.pid, u64::from(who.pid.0)),
        (&header.start_time, who.start_time.0),
        (&header.exec_count, u64::from(who.exec_count)),
        (&header.cgroup_id, 1),
    ] {
        let Shape::Integer { size, .. } = field.shape else {
            panic!("{field:?}");
        };
        let (start, size) = (field.offset as usize, size.bytes());
        record[start..start + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }
    record
}

/// A drain in which a process that died a minute ago still has its rows: something else, just now,
/// was learnt before they could leave.
fn held_back() -> (Drain, ProcessId) {
    let kinds = ["exec", "exit"].map(life);
    let mut drain = drain(&kinds[0]);
    drain.intake.kinds = kinds.iter().cloned().map(Some).collect();
    drain.backlog = Backlog::new(drain.intake.kinds.clone());
    let now = clock::boot();
    let then = BootNanos(now.0.saturating_sub(60_000_000_000));
    let id = |pid| ProcessId {
        pid: Pid(pid),
        start_time: BootNanos(1),
        exec_count: 1,
    };
    drain.intake.is_blocked = true;
    for (kind, who, time) in [(0, 7, then), (1, 7, then), (0, 8, now)] {
        let record = record(&kinds[kind].schema, id(who), time);
        drain.intake.take(Kinds::Only(kind), &record);
    }
    (drain, id(7))
}

/// However long rows were held back, they find who caused them; after that the dead are forgotten.
#[test]
fn what_was_held_back_has_its_process() {
    let (drain, _) = held_back();
    let (output, _input) = Output::to_channel(1);
    let known = Mutex::new(Vec::new());
    drain
        .run(&output, |signal| {
            if let Signal::Events(batch) = signal {
                let rows = batch.iter().map(|row| {
                    let process = row.actor().and_then(|actor| actor.process.as_ref());
                    (row.schema().name.name().to_owned(), process.is_some())
                });
                known.lock().unwrap().extend(rows);
            }
            true
        })
        .unwrap();
    let expected = ["process.exec", "process.exit", "process.exec"];
    let expected = expected.map(|name| (name.to_owned(), true));
    assert_eq!(known.into_inner().unwrap(), expected);
    let (mut drain, dead) = held_back();
    drain.round(0);
    assert!(drain.intake.table.lookup(dead).is_none());
}

/// Counts the lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<AtomicU64>);

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What a table without room forgets is told in the program's own metrics, and once in the log
/// however long it goes on.
#[test]
fn tables_without_room_are_told() {
    let (mut drain, _) = held_back();
    let limits = Limits {
        max_bytes: 1,
        keep_dead_for: Duration::from_secs(1),
    };
    drain.intake.table = ProcessTable::new("boot", limits);
    let missed = Missed::new(clock::wall());
    let accounts = Arc::new(ProbeAccounts::new(Vec::new(), None, missed));
    drain.losses = Losses::new(Arc::clone(&accounts));
    let exec = drain.intake.kinds[0].clone().unwrap();
    let lines = Lines::default();
    with_default(lines.clone(), || {
        for pid in 1..=3 {
            let who = ProcessId {
                pid: Pid(pid),
                start_time: BootNanos(1),
                exec_count: 1,
            };
            let record = record(&exec.schema, who, BootNanos(2));
            drain.intake.take(Kinds::Only(0), &record);
            drain.losses.check(&mut drain.backlog, &drain.intake);
        }
    });
    assert_eq!(lines.0.load(Ordering::Relaxed), 1);
    let points = accounts.points();
    let value = |metric: &str| {
        let processes = points.iter().filter(|point| {
            let table = point.attributes.get("table");
            table == Some(Value::Str("process"))
        });
        let mut found = processes.filter(|point| point.metric.name.name() == metric);
        found.next().unwrap().value.clone()
    };
    assert_eq!(value("eunomia.table.entries"), PointValue::Uint(0));
    assert_eq!(value("eunomia.table.evictions"), PointValue::Uint(3));
}

/// A receiver that has ended has no tables any more; what they forgot stays counted.
#[test]
fn tables_end_with_their_receiver() {
    let missed = Missed::new(clock::wall());
    let accounts = ProbeAccounts::new(Vec::new(), None, missed);
    let size = TableSize {
        entries: 1,
        bytes: 2,
        evicted: 3,
    };
    accounts.set_tables(Tables {
        processes: size,
        cgroups: size,
    });
    accounts.detached();
    let values: Vec<_> = accounts
        .points()
        .into_iter()
        .map(|point| point.value)
        .collect();
    assert_eq!(values, [0, 0, 3, 0, 0, 3, 0].map(PointValue::Uint));
}
