//! The thread that takes records out of the rings.
//!
//! It never waits for a pipeline. A round copies the bulk into a batch, then
//! drains the lifecycle ring until it is empty and applies it, and only then
//! looks the actors up: whatever a process did is in the bulk after the record
//! of its exec is in the lifecycle ring. Rows are put in order of time; the
//! newest wait for the next round, so that what another CPU stamped earlier and
//! submits later still finds its place.
//!
//! While pipelines have no room the bulk stays in its ring, where it is lost as
//! `ring_full` once that is full. The lifecycle goes on being read; its rows wait
//! for the bulk that is older than they are, up to a number of bytes, and are
//! lost as `pipeline_full` beyond.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aya::maps::{MapData, RingBuf};
use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::pipeline::Output;
use eunomia_core::process::ProcessTable;
use eunomia_core::schema::EventSchema;
use eunomia_core::signal::Signal;
use eunomia_core::time::BootNanos;
use eunomia_core::value::{Value, read_unsigned};
use rustix::event::{Timespec, epoll};

use super::actors::Actors;
use super::backlog::Backlog;
use super::cgroups::Cgroups;
use super::clock;
use super::error::LoadError;
use super::losses::Losses;
use super::tally::Tally;

/// How long a row waits for an older one of another CPU: kernels preempt programs
/// between the time stamp and the ring.
const ORDER_WINDOW_NS: u64 = 10_000_000;
/// The longest sleep: what lies in a ring below its wake-up threshold, and what
/// waits for the order window, comes out by then.
const TIMER_NS: i64 = 20_000_000;
/// Record bytes taken from one ring in one round.
const ROUND_BYTES: usize = 512 << 10;
/// `EUN_LIFE_BYTES` of `maps.h`.
pub(super) const LIFECYCLE_BYTES: usize = 1 << 20;
/// Bytes of rows of the lifecycle that wait while pipelines have no room.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// `flags` of `struct event_header`: the record feeds the tables alone.
pub(super) const RECORD_STATE_ONLY: u64 = 1;

/// A ring and how its records are told apart.
pub(super) struct Source {
    pub(super) ring: RingBuf<MapData>,
    pub(super) kinds: Kinds,
}

/// What kind of event a record of a ring is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kinds {
    /// Its first two bytes say it.
    Numbered,
    /// There is only this one.
    Only(usize),
}

/// One kind of event.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) schema: Arc<EventSchema>,
    pub(super) tally: Arc<Tally>,
    /// The filters whose verdict on the actor's cgroup must be yes, as sets.
    pub(super) cgroup_sets: u32,
}

/// Everything that the thread works with.
pub(super) struct Drain {
    pub(super) lifecycle: Option<Source>,
    pub(super) bulk: Vec<Source>,
    pub(super) intake: Intake,
    pub(super) actors: Actors,
    pub(super) losses: Losses,
    pub(super) backlog: Backlog,
    pub(super) signals: Signals,
}

/// How the thread is woken and told to end.
#[derive(Debug)]
pub(super) struct Signals {
    /// Readable when there is something to look at.
    pub(super) wake: OwnedFd,
    pub(super) stop: Arc<AtomicBool>,
}

/// Where records become rows.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) kinds: Vec<Option<Kind>>,
    pub(super) table: ProcessTable,
    pub(super) cgroups: Cgroups,
    pub(super) batch: Batch,
    /// Whether the bulk is left in its ring at the moment.
    pub(super) is_blocked: bool,
    /// Records that are none: too short, or of a kind that nobody numbered.
    pub(super) broken: u64,
}

impl Drain {
    /// Works until it is told to stop and the rings are empty; `send` may wait
    /// and says whether anybody took the signal.
    ///
    /// # Errors
    /// If the rings cannot be waited for.
    pub(super) fn run(
        mut self,
        output: &Output,
        send: impl Fn(Signal) -> bool,
    ) -> Result<(), LoadError> {
        let rings = self.rings()?;
        while !self.signals.stop.load(Ordering::Acquire) && !output.is_closed() {
            let more = self.round(ORDER_WINDOW_NS);
            self.backlog.flush(output);
            if !more || self.backlog.is_blocked() {
                sleep(&rings)?;
            }
        }
        self.backlog.send_all(&send);
        while self.round(0) {
            self.backlog.send_all(&send);
        }
        self.backlog.send_all(&send);
        self.losses.check(&mut self.backlog, &self.intake);
        self.backlog.send_all(&send);
        Ok(())
    }

    /// An edge-triggered set: it wakes when a program says so, not for every
    /// record that lies in a ring.
    fn rings(&self) -> Result<OwnedFd, LoadError> {
        let failed = |source: rustix::io::Errno| LoadError::Io {
            what: "waiting for the rings",
            source: source.into(),
        };
        let set = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed)?;
        let edge = epoll::EventFlags::IN | epoll::EventFlags::ET;
        for source in self.lifecycle.iter().chain(&self.bulk) {
            epoll::add(
                &set,
                fd_of(&source.ring),
                epoll::EventData::new_u64(0),
                edge,
            )
            .map_err(failed)?;
        }
        epoll::add(
            &set,
            &self.signals.wake,
            epoll::EventData::new_u64(0),
            epoll::EventFlags::IN,
        )
        .map_err(failed)?;
        Ok(set)
    }

    /// Takes what is there and hands on what is older than `window`; says
    /// whether something was left in a ring.
    pub(super) fn round(&mut self, window: u64) -> bool {
        let now = BootNanos(clock::boot().0.saturating_sub(window));
        self.intake.is_blocked = self.backlog.is_blocked();
        if self.intake.is_blocked {
            if let Some(source) = &mut self.lifecycle {
                self.intake.take_all(source);
            }
            return false;
        }
        let mut cut = now;
        let mut more = false;
        for source in &mut self.bulk {
            if let Some(last) = self.intake.take_some(source) {
                more = true;
                // What is left in the ring is not much older than the last one taken.
                cut = cut.min(BootNanos(last.0.saturating_sub(window)));
            }
        }
        if let Some(source) = &mut self.lifecycle {
            self.intake.take_all(source);
        }
        let is_last = window == 0 && !more;
        self.hand_on(if is_last { BootNanos(u64::MAX) } else { cut });
        // Not before: however long the rows were held back, they found who caused them.
        self.intake.table.forget_dead(cut);
        self.losses
            .check_now_and_then(&mut self.backlog, &self.intake);
        more
    }

    /// Puts the rows before `cut` in order, gives them their actors and lets
    /// them go.
    fn hand_on(&mut self, cut: BootNanos) {
        let batch = &mut self.intake.batch;
        batch.clock = clock::offset();
        batch.observed = clock::wall();
        batch.sort_by_time();
        let newer = batch.split_from(cut);
        let mut ready = std::mem::replace(batch, newer);
        self.actors.settle(&mut ready, &mut self.intake);
        self.backlog.push(ready);
    }
}

impl Intake {
    /// Takes records until the ring is empty or the round has its share; the
    /// time of the last one if the ring is not empty then.
    fn take_some(&mut self, source: &mut Source) -> Option<BootNanos> {
        let mut taken = 0;
        let mut last = BootNanos(0);
        while taken < ROUND_BYTES {
            let record = source.ring.next()?;
            taken += record.len();
            last = self.take(source.kinds, &record);
        }
        Some(last)
    }

    /// Takes what lies in the ring; a flood of new records does not keep it here
    /// for ever, for the ring holds no more than its size at once.
    pub(super) fn take_all(&mut self, source: &mut Source) {
        let mut taken = 0;
        while taken < LIFECYCLE_BYTES
            && let Some(record) = source.ring.next()
        {
            taken += record.len();
            self.take(source.kinds, &record);
        }
    }

    /// Takes one record in; gives its time.
    pub(super) fn take(&mut self, kinds: Kinds, record: &[u8]) -> BootNanos {
        let index = match kinds {
            Kinds::Numbered => usize::try_from(read_unsigned(record.get(..2).unwrap_or_default()))
                .unwrap_or(usize::MAX),
            Kinds::Only(index) => index,
        };
        let Some(kind) = self.kinds.get(index).and_then(Option::as_ref) else {
            self.broken += 1;
            return clock::boot();
        };
        let schema = &kind.schema;
        let time = time_of(schema, record).unwrap_or_else(clock::boot);
        let is_event = !schema.name.name().is_empty() && !is_state_only(schema, record);
        if schema.lifecycle.is_some() {
            // Paths are turned round where they enter a batch: the tables read them there too.
            self.cgroups.apply(schema, record);
            self.table.apply(schema, record, time);
        }
        if !is_event {
            return time;
        }
        if self.is_blocked && self.batch.bytes() >= MAX_WAITING_BYTES {
            kind.tally.pipeline_full.fetch_add(1, Ordering::Release);
        } else {
            self.batch.push(schema, record, time, SubjectIndex::NONE);
        }
        kind.tally.drained.fetch_add(1, Ordering::Release);
        time
    }
}

/// The position of the kind with this schema.
pub(super) fn kind_of(kinds: &[Option<Kind>], schema: &Arc<EventSchema>) -> Option<usize> {
    kinds.iter().position(|kind| {
        kind.as_ref()
            .is_some_and(|kind| Arc::ptr_eq(&kind.schema, schema))
    })
}

fn time_of(schema: &EventSchema, record: &[u8]) -> Option<BootNanos> {
    match schema.header.as_ref()?.time.read(record)? {
        Value::Uint(time) => Some(BootNanos(time)),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::Short(_)
        | Value::Text(_)
        | Value::Raw(_)
        | Value::List(_)
        | Value::RawList(_) => None,
    }
}

/// Only records with a header of ours have flags: the two bytes behind the kind.
fn is_state_only(schema: &EventSchema, record: &[u8]) -> bool {
    schema.header.is_some()
        && read_unsigned(record.get(2..4).unwrap_or_default()) & RECORD_STATE_ONLY != 0
}

fn sleep(rings: &OwnedFd) -> Result<(), LoadError> {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: TIMER_NS,
    };
    let mut events = [epoll::Event {
        flags: epoll::EventFlags::empty(),
        data: epoll::EventData::new_u64(0),
    }; 4];
    match epoll::wait(rings, &mut events, Some(&timeout)) {
        // An interrupted sleep is a short one.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(LoadError::Io {
            what: "waiting for the rings",
            source: error.into(),
        }),
    }
}

fn fd_of(ring: &RingBuf<MapData>) -> BorrowedFd<'_> {
    ring.as_fd()
}
