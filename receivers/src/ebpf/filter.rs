//! The filters' values, written into the maps that programs ask.

use std::collections::BTreeMap;
use std::fs;

use aya::Pod;
use aya::maps::{HashMap, MapData, MapError};
use eunomia_core::container::CgroupFilter;

use super::error::LoadError;
use super::load::Loaded;
use super::plan::{Plan, RECEIVER_SET};
use super::probe::Probe;
use super::settings::{CGROUP_KEY, EbpfSettings, FilterSettings};

/// The first pid namespace's inode number (`PROC_PID_INIT_INO`).
const HOST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Every filter with its set: the receiver's and the probes' own.
pub(super) fn sets<'s>(
    settings: &'s EbpfSettings,
    probes: &'s [Probe],
) -> impl Iterator<Item = (u32, &'s FilterSettings)> {
    let own = probes
        .iter()
        .enumerate()
        .map(|(index, probe)| (Plan::own_set(index), &probe.filter));
    std::iter::once((RECEIVER_SET, &settings.filter)).chain(own)
}

/// What filters ask about cgroups, by set.
pub(super) fn cgroup_filters(
    settings: &EbpfSettings,
    probes: &[Probe],
) -> Vec<(u32, CgroupFilter)> {
    let asks = |(_, filter): &(u32, &FilterSettings)| filter.keys() & CGROUP_KEY != 0;
    sets(settings, probes)
        .filter(asks)
        .map(|(set, filter)| (set, filter.cgroups()))
        .collect()
}

/// The sets whose verdict on a cgroup counts for the events of a probe.
pub(super) fn cgroup_sets(settings: &EbpfSettings, probe: &Probe, index: usize) -> u32 {
    let set = |filter: &FilterSettings, set| {
        if filter.keys() & CGROUP_KEY == 0 {
            0
        } else {
            set
        }
    };
    set(&settings.filter, RECEIVER_SET) | set(&probe.filter, Plan::own_set(index))
}

/// Writes the values; the verdicts on cgroups follow as their paths come in.
///
/// # Errors
/// If a map takes no more, or pids are filtered from another namespace than
/// the host's, whose numbers the kernel uses.
pub(super) fn write(
    settings: &EbpfSettings,
    probes: &[Probe],
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    if sets(settings, probes).any(|(_, filter)| filter.uses_pids()) {
        if !is_host_pid_namespace() {
            return Err(LoadError::PidNamespace);
        }
    } else if !settings.observe_self && !is_host_pid_namespace() {
        tracing::warn!(
            "this is not the host's pid namespace: what this program does itself is observed too"
        );
    }
    for map in ["eun_pids", "eun_uids", "eun_pidns"] {
        let values = |filter: &FilterSettings| match map {
            "eun_pids" => filter.pid.clone(),
            "eun_uids" => filter.uid.clone(),
            _ => filter.pid_namespace.clone(),
        };
        let with_set = |(set, filter)| values(filter).into_iter().map(move |value| (value, set));
        let wanted = collect(sets(settings, probes).flat_map(with_set));
        insert_all(&mut loaded.numbers(map)?, wanted, map)?;
    }
    let comms = sets(settings, probes)
        .flat_map(|(set, filter)| filter.comm.iter().map(move |comm| (padded(comm), set)));
    insert_all(&mut loaded.comms()?, collect(comms), "eun_comms")
}

/// The roots of trees with tag 0: the bootstrap gives them their own.
pub(super) fn write_roots(
    settings: &EbpfSettings,
    probes: &[Probe],
    tree: &mut HashMap<MapData, u32, [u32; 2]>,
) -> Result<(), LoadError> {
    let roots = sets(settings, probes)
        .flat_map(|(set, filter)| filter.pid_tree.iter().map(move |pid| (*pid, set)));
    let entries = collect(roots)
        .into_iter()
        .map(|(pid, sets)| (pid, [0, sets]));
    insert_all(tree, entries, "eun_tree")
}

/// Removes the roots that no process turned out to have.
pub(super) fn remove_absent_roots(
    tree: &mut HashMap<MapData, u32, [u32; 2]>,
) -> Result<(), LoadError> {
    let absent: Vec<u32> = tree
        .iter()
        .filter_map(Result::ok)
        .filter(|(_, [tag, _])| *tag == 0)
        .map(|(pid, _)| pid)
        .collect();
    for pid in absent {
        tree.remove(&pid)
            .map_err(|error| failed("eun_tree", &error))?;
    }
    Ok(())
}

fn collect<V: Ord>(pairs: impl Iterator<Item = (V, u32)>) -> BTreeMap<V, u32> {
    let mut sets = BTreeMap::new();
    for (value, set) in pairs {
        *sets.entry(value).or_default() |= set;
    }
    sets
}

fn insert_all<K: Pod, V: Pod>(
    map: &mut HashMap<MapData, K, V>,
    entries: impl IntoIterator<Item = (K, V)>,
    name: &'static str,
) -> Result<(), LoadError> {
    for (key, value) in entries {
        map.insert(key, value, 0)
            .map_err(|error| failed(name, &error))?;
    }
    Ok(())
}

fn failed(map: &'static str, error: &MapError) -> LoadError {
    LoadError::Map {
        probe: super::probe::BASE.into(),
        map: map.into(),
        reason: super::load::chain(error),
    }
}

fn padded(comm: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(comm.as_bytes())
        .for_each(|(slot, byte)| *slot = *byte);
    bytes
}

/// Whether process ids here are those that the kernel uses.
pub(super) fn is_host_pid_namespace() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|own| own.as_os_str() == HOST_PID_NAMESPACE)
}
