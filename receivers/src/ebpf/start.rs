//! From settings to a thread that is ready to drain.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use eunomia_core::batch::Batch;
use eunomia_core::process::{Limits, ProcessTable};

use super::actors::Actors;
use super::backlog::Backlog;
use super::cgroups::{Cgroups, KnownCgroups};
use super::clock;
use super::drain::{Drain, Intake, Kind, Kinds, Signals, Source};
use super::error::LoadError;
use super::filter;
use super::load::{Loaded, shares_rings};
use super::losses::Losses;
use super::metrics::MetricMaps;
use super::missed::Missed;
use super::plan::Plan;
use super::probe::Probe;
use super::settings::EbpfSettings;
use super::tally::{Counted, ProbeAccounts, Tally};
use crate::object::Program;

/// Bytes of the process table: some 100,000 images.
const TABLE_BYTES: usize = 64 << 20;
/// How long the dead stay known: their last events come after them.
const KEEP_DEAD_FOR: Duration = Duration::from_secs(5);

/// A receiver whose probes are attached.
pub(super) struct Started {
    pub(super) loaded: Loaded,
    pub(super) drain: Drain,
    pub(super) accounts: Arc<ProbeAccounts>,
    pub(super) metrics: MetricMaps,
    pub(super) wake: OwnedFd,
    pub(super) stop: Arc<AtomicBool>,
}

/// Loads, fills the filters, attaches, and learns of the processes that run
/// already. What happens from now on is in the rings.
pub(super) fn start(
    settings: &EbpfSettings,
    probes: &[Probe],
    boot_id: &str,
) -> Result<Started, LoadError> {
    let plan = Plan::new(probes)?;
    let mut loaded = Loaded::load(settings, probes, &plan)?;
    filter::write(settings, probes, &mut loaded)?;
    let mut tree = loaded.tree()?;
    filter::write_roots(settings, probes, &mut tree)?;

    let (kinds, counted) = kinds(settings, probes, &plan);
    let mut missed = Missed::new(clock::wall());
    for (probe, program, fd) in loaded.programs() {
        missed.watch((probe, program), served(probes, probe, program), fd);
    }
    let accounts = Arc::new(ProbeAccounts::new(
        counted,
        Some(loaded.counters()?),
        missed,
    ));
    let (lifecycle, bulk) = sources(probes, &plan, &mut loaded)?;
    let known = KnownCgroups::default();
    let metrics = MetricMaps::new(probes, &mut loaded, known.clone())?;
    let mut intake = Intake {
        kinds: kinds.clone(),
        table: ProcessTable::new(
            boot_id,
            Limits {
                max_bytes: TABLE_BYTES,
                keep_dead_for: KEEP_DEAD_FOR,
            },
        ),
        cgroups: Cgroups::new(
            known,
            filter::cgroup_filters(settings, probes),
            Some(loaded.verdicts()?),
        ),
        batch: Batch::default(),
        is_blocked: false,
        broken: 0,
    };
    let mut lifecycle = lifecycle;
    loaded.attach(probes)?;
    // Twice: on the first pass a child may come before its parent was let into the tree.
    for _ in 0..2 {
        loaded.iterate(probes, |record| {
            intake.take(Kinds::Numbered, record);
            // The iterator sends the cgroups that it meets to the ring, which is to hold them all.
            if let Some(source) = &mut lifecycle {
                intake.take_all(source);
            }
        })?;
    }
    filter::remove_absent_roots(&mut tree)?;

    let failed = |error: rustix::io::Errno| LoadError::Io {
        what: "making an eventfd",
        source: error.into(),
    };
    let wake = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).map_err(failed)?;
    let stop = Arc::new(AtomicBool::new(false));
    let drain = Drain {
        lifecycle,
        bulk,
        intake,
        actors: Actors::default(),
        losses: Losses::new(Arc::clone(&accounts)),
        backlog: Backlog::new(kinds),
        signals: Signals {
            wake: rustix::io::fcntl_dupfd_cloexec(&wake, 0).map_err(failed)?,
            stop: Arc::clone(&stop),
        },
    };
    Ok(Started {
        loaded,
        drain,
        accounts,
        metrics,
        wake,
        stop,
    })
}

/// The probes whose programs are called by the dispatcher, if `program` of
/// `probe` is that.
fn served(probes: &[Probe], probe: &str, program: &str) -> Vec<Arc<str>> {
    let is_it = |one: &Program| one.is_dispatcher && &*one.name == program;
    let mut base = probes
        .first()
        .filter(|base| &*base.name == probe)
        .into_iter();
    if !base.any(|base| base.object.programs.iter().any(is_it)) {
        return Vec::new();
    }
    let served = probes.iter().filter(|probe| probe.wants_system_calls());
    served.map(|probe| Arc::clone(&probe.name)).collect()
}

/// The kinds by number, and what is counted of each.
fn kinds(
    settings: &EbpfSettings,
    probes: &[Probe],
    plan: &Plan,
) -> (Vec<Option<Kind>>, Vec<Counted>) {
    let mut kinds = vec![None; plan.kinds()];
    let mut counted = Vec::new();
    for (index, probe) in probes.iter().enumerate() {
        for (position, event) in probe.object.events.iter().enumerate() {
            let number = plan.kind(index, position);
            let tally = Arc::new(Tally::default());
            let kind = Kind {
                schema: Arc::clone(&event.schema),
                tally: Arc::clone(&tally),
                cgroup_sets: filter::cgroup_sets(settings, probe, index),
            };
            if let Some(slot) = kinds.get_mut(usize::from(number)) {
                *slot = Some(kind);
            }
            let name = event.schema.name.name();
            counted.push(Counted {
                probe: (&*probe.name).into(),
                // Without being named the base object tells nobody what it counts.
                event: if probe.is_named {
                    name.into()
                } else {
                    "".into()
                },
                kind: event.kind_global.is_some().then_some(u32::from(number)),
                tally,
            });
        }
    }
    (kinds, counted)
}

/// The rings: the two that are shared, and those that foreign objects bring.
fn sources(
    probes: &[Probe],
    plan: &Plan,
    loaded: &mut Loaded,
) -> Result<(Option<Source>, Vec<Source>), LoadError> {
    let mut bulk = vec![Source {
        ring: loaded.ring(0, "eun_events")?,
        kinds: Kinds::Numbered,
    }];
    let lifecycle = Source {
        ring: loaded.ring(0, "eun_lifecycle")?,
        kinds: Kinds::Numbered,
    };
    for (index, probe) in probes.iter().enumerate() {
        let own = probe.object.maps.iter().filter(|map| {
            map.map_type.is_ring() && !(map.is_pinned && shares_rings(&probe.object))
        });
        for map in own {
            let is_numbered = probe
                .object
                .events
                .iter()
                .any(|event| event.kind_global.is_some());
            let kinds = if is_numbered {
                Kinds::Numbered
            } else {
                Kinds::Only(usize::from(plan.kind(index, 0)))
            };
            bulk.push(Source {
                ring: loaded.ring(index, &map.name)?,
                kinds,
            });
        }
    }
    Ok((Some(lifecycle), bulk))
}
