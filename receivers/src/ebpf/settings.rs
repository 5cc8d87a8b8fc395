//! The receiver's configuration as it is written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use eunomia_core::config::{ByteSize, Check, Node, Settings, Spanned, Value};
use eunomia_core::container::{CgroupFilter, ContainerPattern};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::plan::Plan;
use super::probe::{self, Probe};
use super::shown;

/// Loads eBPF probes into the kernel and receives what they tell.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EbpfSettings {
    /// The probes by name: built-in ones, or any word with `object:`. Each takes
    /// the options that its C file declares, and `object`, `globals`, `layout`
    /// and `filter`.
    #[serde(serialize_with = "shown::with_defaults")]
    #[schemars(schema_with = "shown::probes_schema")]
    pub probes: Node,
    /// Which processes are observed, decided in the kernel for every probe of
    /// this receiver. Values of one key are alternatives, keys must all match.
    pub filter: FilterSettings,
    /// Bytes of the ring for events; a power of two from 64KiB to 1GiB. The ring
    /// for the life of processes has 1MiB. Default 2MiB.
    pub ring: Spanned<ByteSize>,
    /// Whether what this program does itself is observed too. Default false.
    pub observe_self: bool,
    /// How often metric maps are read. Default 10s.
    pub metrics_interval: Spanned<eunomia_core::config::Duration>,
}

/// Which processes are observed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FilterSettings {
    /// Process ids.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub pid: Vec<u32>,
    /// Process ids; their descendants are observed too.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub pid_tree: Vec<u32>,
    /// Paths of cgroups below their hierarchy's root; what is below them is
    /// observed too.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub cgroup: Vec<Spanned<String>>,
    /// Ids of containers, or their first 12 digits and more.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub container: Vec<Spanned<String>>,
    /// Effective user ids.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub uid: Vec<u32>,
    /// Names of processes as the kernel has them, at most 15 bytes.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub comm: Vec<Spanned<String>>,
    /// Pid namespaces by inode number, as `readlink /proc/PID/ns/pid` shows it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some")]
    pub pid_namespace: Vec<u32>,
    /// Only processes in containers. Default false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub containers_only: bool,
}

/// Values of a filter: none at all, as of a variable that is not set, would let everything pass.
fn some<'de, D, T>(values: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let values = Vec::deserialize(values)?;
    if values.is_empty() {
        let message = "expected at least one value; leave the key out to let everything pass";
        return Err(D::Error::custom(message));
    }
    Ok(values)
}

/// What a probe's body may have besides the options of its C file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct ProbeSettings {
    /// A compiled object; without it the probe is a built-in one.
    pub(super) object: Option<Spanned<PathBuf>>,
    /// The object's read-only globals by name.
    pub(super) globals: Option<Node>,
    /// What the records look like, for objects that do not say it.
    pub(super) layout: Option<Spanned<crate::object::Layout>>,
    /// Which processes this probe observes, besides the receiver's filter.
    pub(super) filter: FilterSettings,
}

/// The keys of [`ProbeSettings`].
pub(super) const PROBE_KEYS: [&str; 4] = ["object", "globals", "layout", "filter"];

const DEFAULT_RING: ByteSize = ByteSize::mib(2);
const RING_RANGE: std::ops::RangeInclusive<u64> = 64 << 10..=1 << 30;
const DEFAULT_INTERVAL: eunomia_core::config::Duration =
    eunomia_core::config::Duration::seconds(10);
/// `TASK_COMM_LEN` without its NUL.
pub(super) const COMM_BYTES: usize = 15;
/// `EUN_VALUES` of `maps.h`.
pub(super) const MAX_VALUES: usize = 1024;

impl Default for EbpfSettings {
    fn default() -> Self {
        Self {
            probes: Node::map(eunomia_core::config::Span::whole("default")),
            filter: FilterSettings::default(),
            ring: Spanned::unwritten(DEFAULT_RING),
            observe_self: false,
            metrics_interval: Spanned::unwritten(DEFAULT_INTERVAL),
        }
    }
}

impl Settings for EbpfSettings {
    fn check(&self, check: &mut Check<'_>) {
        if !RING_RANGE.contains(&self.ring.0) || !self.ring.0.is_power_of_two() {
            check.push(
                self.ring
                    .error("expected a power of two from 64KiB to 1GiB, such as 2MiB"),
            );
        }
        if self.metrics_interval.0.as_millis() < 100 {
            check.push(self.metrics_interval.error("expected at least 100ms"));
        }
        for error in self.filter.errors() {
            check.push(error);
        }
        let probes = probe::resolve(self).unwrap_or_else(|errors| {
            errors.0.into_iter().for_each(|error| check.push(error));
            Vec::new()
        });
        self.check_room(&probes, check);
        if let Err(error) = Plan::new(&probes) {
            check.refuse(&["probes"], error.to_string());
        }
        if matches!(&self.probes.value, Value::Map(named) if named.is_empty()) {
            let known = probe::built_in_names().join(", ");
            check.refuse(
                &["probes"],
                format!("names no probe; built-in ones: {known}"),
            );
        }
    }

    fn contents(&self) -> Vec<Vec<u8>> {
        let objects = self
            .probes
            .entries()
            .iter()
            .filter_map(|probe| probe.node.get("object"));
        // What can't be read was refused by the check, or is when it is built.
        let read = |object: &Node| fs::read(object.decode::<PathBuf>().ok()?).ok();
        objects.filter_map(read).collect()
    }
}

impl EbpfSettings {
    /// Refuses values for which the kernel's maps have no room: one key of all filters has one map.
    fn check_room(&self, probes: &[Probe], check: &mut Check<'_>) {
        let mut known = BTreeMap::<&str, BTreeSet<Cow<'_, str>>>::new();
        let own = probes
            .iter()
            .map(|probe| (vec!["probes", &probe.name, "filter"], &probe.filter));
        let all = std::iter::once((vec!["filter"], &self.filter)).chain(own);
        for (path, key, values) in all.flat_map(|(path, filter)| {
            let values = filter.values().into_iter();
            values.map(move |(key, values)| (path.clone(), key, values))
        }) {
            let known = known.entry(key).or_default();
            let had_room = known.len() <= MAX_VALUES;
            known.extend(values);
            let count = known.len();
            if had_room && count > MAX_VALUES {
                let keys: Vec<_> = path.into_iter().chain([key]).collect();
                check.refuse(
                    &keys,
                    format!(
                        "the filters of this receiver have {count} values of {key} together, \
                         more than {MAX_VALUES}"
                    ),
                );
            }
        }
    }
}

impl FilterSettings {
    /// Whether it lets everything pass.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it goes by process ids.
    pub(super) fn uses_pids(&self) -> bool {
        !self.pid.is_empty() || !self.pid_tree.is_empty()
    }

    /// The keys in use, as `filter.h` counts them.
    pub(super) fn keys(&self) -> u32 {
        let cgroups = !self.cgroup.is_empty() || !self.container.is_empty() || self.containers_only;
        let used = [
            (!self.pid.is_empty(), 1),
            (!self.pid_tree.is_empty(), 2),
            (cgroups, CGROUP_KEY),
            (!self.uid.is_empty(), 8),
            (!self.comm.is_empty(), 16),
            (!self.pid_namespace.is_empty(), 32),
        ];
        used.iter()
            .filter(|(used, _)| *used)
            .fold(0, |keys, (_, key)| keys | key)
    }

    /// What it asks about cgroups.
    pub(super) fn cgroups(&self) -> CgroupFilter {
        let pattern = |text: &Spanned<String>| ContainerPattern::new(text).ok();
        CgroupFilter {
            containers: self.container.iter().filter_map(pattern).collect(),
            paths: self
                .cgroup
                .iter()
                .map(|path| path.value.as_bytes().into())
                .collect(),
            containers_only: self.containers_only,
        }
    }

    /// The values of the keys that the kernel looks up in maps.
    fn values(&self) -> [(&'static str, Vec<Cow<'_, str>>); 5] {
        let numbers = |numbers: &[u32]| numbers.iter().map(|it| it.to_string().into()).collect();
        let comms = self.comm.iter().map(|comm| comm.as_str().into());
        [
            ("pid", numbers(&self.pid)),
            ("pid_tree", numbers(&self.pid_tree)),
            ("uid", numbers(&self.uid)),
            ("comm", comms.collect()),
            ("pid_namespace", numbers(&self.pid_namespace)),
        ]
    }

    /// Values that are no good wherever the filter stands.
    pub(super) fn errors(&self) -> Vec<eunomia_core::config::ConfigError> {
        let mut errors = Vec::new();
        for comm in self
            .comm
            .iter()
            .filter(|comm| comm.is_empty() || comm.len() > COMM_BYTES)
        {
            errors.push(comm.error(format!(
                "expected a name of 1 to {COMM_BYTES} bytes: the kernel keeps no more"
            )));
        }
        for path in self.cgroup.iter().filter(|path| !path.starts_with('/')) {
            errors.push(path.error("expected a path below the hierarchy's root that begins with a slash, as in /proc/PID/cgroup"));
        }
        for container in &self.container {
            if let Err(error) = ContainerPattern::new(container) {
                errors.push(container.error(error.to_string()));
            }
        }
        errors
    }
}

/// `EUN_KEY_CGROUP` of `filter.h`.
pub(super) const CGROUP_KEY: u32 = 4;
