//! A small machine: some processes in some containers, and what they do.

use std::error::Error;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::component::{Emit, Processor};
use eunomia_core::container::CgroupTable;
use eunomia_core::process::{Limits, ProcessTable};
use eunomia_core::schema::EventSchema;
use eunomia_core::signal::Signal;
use eunomia_core::subject::{CgroupKey, Pid, ProcessId, Subject};
use eunomia_core::time::{BootNanos, ClockOffset, WallNanos};
use eunomia_core::value::{Value, read_unsigned};
use eunomia_processors::{ContainerProcessor, ProcessProcessor};
use rustc_hash::FxHashMap;

use crate::records::{Actor, Record, Schemas, schemas};

const PROCESSES: u32 = 64;
const CONTAINERS: u64 = 8;
/// Events that a process causes before another one's are seen.
const RUN: usize = 4;
const START: u64 = 1_000_000_000_000;
/// Nanoseconds from one round to the next: longer than a ring's events take.
const ROUND: i64 = 10_000_000;

/// Kinds of events that are measured, with how many of sixteen they are.
pub(crate) const MIX: [(&str, usize); 4] = [
    ("file.open", 11),
    ("network.close", 2),
    ("process.exec", 1),
    ("network.connect", 2),
];

/// What a receiver and a pipeline know.
pub(crate) struct World {
    kinds: Vec<Arc<EventSchema>>,
    table: ProcessTable,
    cgroups: CgroupTable,
    processors: (ProcessProcessor, ContainerProcessor),
    known: FxHashMap<(ProcessId, CgroupKey), SubjectIndex>,
    subjects: Vec<Subject>,
    emit: Emit,
    /// The receiver's batch of the next round.
    next: Batch,
    /// What turns the records' times into those of the next round.
    clock: ClockOffset,
}

/// Records one after another, as they lie in a ring.
pub(crate) struct Ring {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Ring {
    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .filter_map(|(start, &end)| self.bytes.get(start..end))
    }

    /// Bytes of a record on average.
    pub(crate) fn mean_bytes(&self) -> usize {
        self.bytes.len() / self.ends.len().max(1)
    }
}

impl World {
    /// A machine whose processes have been running for a while.
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let schemas = schemas()?;
        let mut kinds = Vec::new();
        for (name, _) in MIX {
            let schema = schemas.get(name).ok_or("a built-in event is gone")?;
            kinds.push(Arc::clone(schema));
        }
        let limits = Limits {
            max_bytes: 16 << 20,
            keep_dead_for: Duration::from_secs(5),
        };
        let mut world = Self {
            kinds,
            table: ProcessTable::new("c1d0f0e2-0000-4000-8000-000000000000", limits),
            cgroups: CgroupTable::new(8 << 20),
            processors: (ProcessProcessor, ContainerProcessor::default()),
            known: FxHashMap::default(),
            subjects: Vec::new(),
            emit: Emit::default(),
            next: Batch::default(),
            clock: ClockOffset(1_790_000_000_000_000_000),
        };
        world.populate(&schemas)?;
        Ok(world)
    }

    fn populate(&mut self, schemas: &Schemas) -> Result<(), Box<dyn Error>> {
        let exec = schemas.get("process.exec").ok_or("no process.exec")?;
        for number in 0..PROCESSES {
            let actor = actor(number);
            let record = Record::new(exec, 0, &actor, actor.id.start_time)
                .executable(actor.executable)
                .finish()?;
            self.table.apply(exec, &record, actor.id.start_time);
            let path = format!("/docker/{:064x}", actor.cgroup.id);
            let path = path.into_bytes().into_boxed_slice();
            self.cgroups.insert(actor.cgroup, path, false);
        }
        Ok(())
    }

    /// A ring with the mix of events, or with one kind alone.
    pub(crate) fn ring(&self, only: Option<&str>, events: usize) -> Result<Ring, Box<dyn Error>> {
        let of_sixteen: Vec<_> = MIX
            .iter()
            .flat_map(|(name, count)| std::iter::repeat_n(*name, *count))
            .collect();
        let mut ring = Ring {
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        for event in 0..events {
            let name = only.unwrap_or(of_sixteen[event * 7 % of_sixteen.len()]);
            let kind = self.kinds.iter().position(|one| one.name.name() == name);
            let kind = kind.ok_or("no such kind")?;
            // Two CPUs: now and then a record is older than the one before it.
            let late = if event % 8 == 7 { 1500 } else { 0 };
            let time = BootNanos(2 * START + event as u64 * 1000 - late);
            let number = u32::try_from(event / RUN * 13)? % PROCESSES;
            ring.bytes
                .extend(record(&self.kinds[kind], kind, &actor(number), time)?);
            ring.ends.push(ring.bytes.len());
        }
        Ok(ring)
    }

    /// What the receiver's thread does with the records of a ring: finds the
    /// kind, reads the time, copies the record into the batch; then orders.
    pub(crate) fn drain(&mut self, ring: &Ring) -> Batch {
        let mut batch = mem::take(&mut self.next);
        for record in ring.iter() {
            let kind = read_unsigned(record.get(..2).unwrap_or_default());
            let Some(schema) = usize::try_from(kind).ok().and_then(|k| self.kinds.get(k)) else {
                continue;
            };
            let Some(Value::Uint(time)) = schema.header.as_ref().and_then(|h| h.time.read(record))
            else {
                continue;
            };
            batch.push(schema, record, BootNanos(time), SubjectIndex::NONE);
        }
        // A ring is drained again and again: its events happen later each time.
        self.clock.0 += ROUND;
        batch.clock = self.clock;
        batch.observed = WallNanos(1_790_002_000_000_000_000);
        batch.sort_by_time();
        self.next = batch.split_from(BootNanos(u64::MAX));
        batch
    }

    /// What the receiver and the processors `process` and `container` do to name
    /// the actors of a batch.
    pub(crate) fn look_up(&mut self, mut batch: Batch) -> Batch {
        self.known.clear();
        let (table, cgroups) = (&mut self.table, &mut self.cgroups);
        let (known, subjects) = (&mut self.known, &mut self.subjects);
        let mut last = None;
        batch.assign_actors(|row| {
            let Some(header) = &row.schema().header else {
                return SubjectIndex::NONE;
            };
            let record = row.record();
            let (Some(process), Some(cgroup)) = (header.process(record), header.cgroup(record))
            else {
                return SubjectIndex::NONE;
            };
            let who = (process, cgroup);
            if let Some((known, index)) = last
                && known == who
            {
                return index;
            }
            let index = *known.entry(who).or_insert_with(|| {
                subjects.push(Subject {
                    process: table.lookup(process),
                    cgroup: cgroups.lookup(cgroup),
                    ..Subject::default()
                });
                SubjectIndex(u32::try_from(subjects.len() - 1).unwrap_or(u32::MAX))
            });
            last = Some((who, index));
            index
        });
        batch.subjects = mem::take(subjects);
        self.process(batch)
    }

    fn process(&mut self, batch: Batch) -> Batch {
        let Self {
            processors, emit, ..
        } = self;
        let chain: [&mut dyn Processor; 2] = [&mut processors.0, &mut processors.1];
        let mut batch = batch;
        for processor in chain {
            processor.process(batch, emit);
            batch = match emit.take().pop() {
                Some(Signal::Events(batch)) => batch,
                Some(Signal::Metrics(_)) | None => Batch::default(),
            };
        }
        batch
    }
}

/// The process with this number; some are the parents of others.
fn actor(number: u32) -> Actor {
    const PROGRAMS: [(&str, &str); 4] = [
        ("nginx", "/usr/sbin/nginx"),
        ("postgres", "/usr/lib/postgresql/15/bin/postgres"),
        ("python3", "/usr/bin/python3.11"),
        ("sh", "/bin/dash"),
    ];
    let (comm, executable) = PROGRAMS[number as usize % PROGRAMS.len()];
    Actor {
        id: ProcessId {
            pid: Pid(4000 + number),
            start_time: BootNanos(START + u64::from(number) * 1_000_000),
            exec_count: 1 + number % 3,
        },
        parent: if number < 8 { 1 } else { 4000 + number % 8 },
        cgroup: CgroupKey {
            id: 9000 + u64::from(number) % CONTAINERS,
            hierarchy: 0,
        },
        comm,
        executable,
    }
}

fn record(
    schema: &EventSchema,
    kind: usize,
    actor: &Actor,
    time: BootNanos,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let new = Record::new(schema, u16::try_from(kind)?, actor, time);
    let record = match schema.name.name() {
        "file.open" => new
            .integer("eunomia.file.flags", 0o2_000_000)
            .integer("file.mode", u64::MAX)
            .integer("eunomia.file.fd", 11)
            .path(
                "file.path",
                "/usr/lib/python3/dist-packages/app/core/db/models/user/__init__.py",
            ),
        "process.exec" => new
            .integer("eunomia.process.environment_bytes", 1830)
            .integer("process.args_count", 3)
            .arguments(
                "process.command_args",
                &["/bin/sh", "-c", "cat /etc/hostname"],
            )
            .path("process.working_directory", "/srv/app")
            .path("eunomia.process.exec_path", "/bin/sh")
            .executable(actor.executable),
        _ => connection(new, schema),
    };
    Ok(record.finish()?)
}

fn connection<'a>(record: Record<'a>, schema: &EventSchema) -> Record<'a> {
    let record = record
        .ipv4("network.local.address", [10, 88, 0, 17])
        .ipv4("network.peer.address", [192, 168, 120, 201])
        .integer("network.local.port", u64::from(48_212_u16.swap_bytes()))
        .integer("network.peer.port", u64::from(5432_u16.swap_bytes()))
        .integer("network.type", 4)
        .integer("network.transport", 6);
    if schema.position("eunomia.network.bytes_sent").is_none() {
        return record;
    }
    record
        .integer("eunomia.network.bytes_sent", 1834)
        .integer("eunomia.network.bytes_received", 64_120)
        .integer("eunomia.network.duration_ns", 41_234_567)
}
