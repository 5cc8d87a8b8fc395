//! Numbers that the loader deals out: kinds of events, slots of the dispatcher,
//! sets of filters.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::LoadError;
use super::filter::is_host_pid_namespace;
use super::load::shares_rings;
use super::probe::Probe;
use super::settings::EbpfSettings;
use crate::object::Global;

/// The receiver's filter is the first set, the probes' own follow.
pub(super) const RECEIVER_SET: u32 = 1;
/// The dispatcher has 32 slots, and a set of filters 32 bits.
pub(super) const MAX_SLOTS: usize = 32;
/// The first bit of a set is the receiver's own.
const MAX_PROBES: usize = 31;
/// `EUN_KINDS` of `maps.h` without 0.
pub(super) const MAX_KINDS: usize = 255;
/// Waking the reader for every record costs the traced thread more than the
/// record does; below this share of the ring the reader comes by its timer.
const WAKEUP_SHARE: u32 = 8;

/// The numbers for the probes of one receiver.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Kind numbers by probe and event's position.
    kinds: BTreeMap<(usize, usize), u16>,
    slots: BTreeMap<(Arc<str>, Box<str>), u32>,
}

impl Plan {
    /// Deals the numbers out.
    ///
    /// # Errors
    /// If there are too few for these probes.
    pub(super) fn new(probes: &[Probe]) -> Result<Self, LoadError> {
        let events = probes.iter().map(|probe| probe.object.events.len()).sum();
        within("probes (the base counts as one)", probes.len(), MAX_PROBES)?;
        within("kinds of events", events, MAX_KINDS)?;
        let mut plan = Self::default();
        for (index, probe) in probes.iter().enumerate() {
            for event in 0..probe.object.events.len() {
                // Kind 0 is never used: a record of zeros is none.
                let kind = u16::try_from(plan.kinds.len() + 1).unwrap_or(u16::MAX);
                plan.kinds.insert((index, event), kind);
            }
            plan.deal_slots(probe);
        }
        within("functions on system calls", plan.slots.len(), MAX_SLOTS)?;
        Ok(plan)
    }

    fn deal_slots(&mut self, probe: &Probe) {
        for program in probe.system_call_programs() {
            let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            let name = (Arc::clone(&probe.name), program.name.clone());
            self.slots.insert(name, slot);
        }
    }

    /// The kind number of an event.
    pub(super) fn kind(&self, probe: usize, event: usize) -> u16 {
        self.kinds.get(&(probe, event)).copied().unwrap_or(0)
    }

    /// How many kind numbers there are, 0 included.
    pub(super) fn kinds(&self) -> usize {
        self.kinds.len() + 1
    }

    /// The dispatcher's slot of a program.
    pub(super) fn slot(&self, probe: &Arc<str>, program: &str) -> Option<u32> {
        self.slots
            .get(&(Arc::clone(probe), program.into()))
            .copied()
    }

    /// The set of a probe's own filter.
    pub(super) fn own_set(probe: usize) -> u32 {
        1_u32
            .checked_shl(u32::try_from(probe + 1).unwrap_or(u32::MAX))
            .unwrap_or(0)
    }

    /// The values of all read-only globals of a probe: set by the loader or the
    /// user, or as compiled.
    pub(super) fn globals(
        &self,
        settings: &EbpfSettings,
        probes: &[Probe],
        index: usize,
    ) -> Vec<(Box<str>, Vec<u8>)> {
        let set = self.set_globals(settings, probes, index);
        let object = probes.get(index).map(|probe| &probe.object);
        let globals = object.into_iter().flat_map(|object| &object.globals);
        let value = |global: &Global| {
            let value = set.iter().rev().find(|(name, _)| *name == global.name);
            let value = value.map_or_else(|| global.default.to_vec(), |(_, value)| value.clone());
            (global.name.clone(), value)
        };
        globals.map(value).collect()
    }

    fn set_globals(
        &self,
        settings: &EbpfSettings,
        probes: &[Probe],
        index: usize,
    ) -> Vec<(Box<str>, Vec<u8>)> {
        let Some(probe) = probes.get(index) else {
            return Vec::new();
        };
        let mut values = probe.globals.clone();
        if !probe.object.has_filter() {
            return values;
        }
        let mut set =
            |name: &str, value: u32| values.push((name.into(), value.to_le_bytes().into()));
        let ring = u32::try_from(settings.ring.0).unwrap_or(u32::MAX);
        set("eun_filter_keys", settings.filter.keys());
        set("eun_own_keys", probe.filter.keys());
        set("eun_own_bit", Self::own_set(index));
        set(
            "eun_self_tgid",
            // Elsewhere the own number is somebody else's in the kernel's eyes.
            if settings.observe_self || !is_host_pid_namespace() {
                0
            } else {
                std::process::id()
            },
        );
        set("eun_wakeup_bytes", ring / WAKEUP_SHARE);
        for (position, event) in probe.object.events.iter().enumerate() {
            if let Some(global) = &event.kind_global {
                set(global, u32::from(self.kind(index, position)));
            }
        }
        for program in &probe.object.programs {
            if let (Some(global), Some(slot)) =
                (&program.slot_global, self.slot(&probe.name, &program.name))
            {
                set(global, slot);
            }
        }
        values.push(("eun_let_out".into(), vec![u8::from(probe.is_named)]));
        values
    }

    /// Sizes of maps that depend on the machine or the configuration.
    pub(super) fn map_sizes<'p>(
        &self,
        settings: &EbpfSettings,
        probe: &'p Probe,
    ) -> Vec<(&'p str, u32)> {
        let cpus = aya::util::nr_cpus().unwrap_or(1);
        let ring = u32::try_from(settings.ring.0).unwrap_or(u32::MAX);
        let size = |map: &'p crate::object::Map| match (map.entries_per_cpu, &*map.name) {
            (Some(entries), name) => Some((
                name,
                entries.saturating_mul(u32::try_from(cpus).unwrap_or(1)),
            )),
            (None, name) if name == "eun_events" && shares_rings(&probe.object) => {
                Some((name, ring))
            }
            (None, _) => None,
        };
        probe.object.maps.iter().filter_map(size).collect()
    }
}

/// Beyond its numbers a probe would pass every filter, and a kind would not be counted.
fn within(what: &'static str, count: usize, limit: usize) -> Result<(), LoadError> {
    if count > limit {
        return Err(LoadError::TooMany { what, count, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MAX_KINDS, MAX_PROBES, Plan, within};

    /// Each probe that is let in has a set of its own.
    #[test]
    fn more_than_there_are_numbers_for_is_refused() {
        assert_ne!(Plan::own_set(MAX_PROBES - 1), 0);
        assert_eq!(Plan::own_set(MAX_PROBES), 0);
        assert!(within("kinds of events", MAX_KINDS, MAX_KINDS).is_ok());
        assert_eq!(
            within("kinds of events", 256, MAX_KINDS)
                .unwrap_err()
                .to_string(),
            "256 kinds of events in one receiver, and it has room for 255: put some probes into another one"
        );
    }
}
