//! The receiver's configuration as it is written.

use std::path::PathBuf;

use eunomia_core::config::{ByteSize, Check, Node, Settings, Spanned};
use eunomia_core::container::{CgroupFilter, ContainerPattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::probe;

/// Loads eBPF probes into the kernel and receives what they tell.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EbpfSettings {
    /// The probes by name: built-in ones, or any name with `object:`. Each takes
    /// the options that its C file declares, and `object`, `globals`, `layout`
    /// and `filter`.
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pid: Vec<u32>,
    /// Process ids; their descendants are observed too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pid_tree: Vec<u32>,
    /// Paths of cgroups below their hierarchy's root; what is below them is
    /// observed too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cgroup: Vec<Spanned<String>>,
    /// Ids of containers, or their first 12 digits and more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub container: Vec<Spanned<String>>,
    /// Effective user ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uid: Vec<u32>,
    /// Names of processes as the kernel has them, at most 15 bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comm: Vec<Spanned<String>>,
    /// Pid namespaces by inode number, as `readlink /proc/PID/ns/pid` shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pid_namespace: Vec<u32>,
    /// Only processes in containers. Default false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub containers_only: bool,
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
const COMM_BYTES: usize = 15;
/// `EUN_VALUES` of `maps.h`.
const MAX_VALUES: usize = 1024;

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
        self.filter.check(&["filter"], check);
        if let Err(errors) = probe::resolve(self) {
            errors.0.into_iter().for_each(|error| check.push(error));
        } else if self.probes.entries().is_empty() {
            let known = probe::built_in_names().join(", ");
            check.refuse(
                &["probes"],
                format!("names no probe; built-in ones: {known}"),
            );
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

    pub(super) fn check(&self, path: &[&str], check: &mut Check<'_>) {
        for error in self.errors() {
            check.push(error);
        }
        let lists = [
            ("pid", self.pid.len()),
            ("pid_tree", self.pid_tree.len()),
            ("uid", self.uid.len()),
            ("comm", self.comm.len()),
            ("pid_namespace", self.pid_namespace.len()),
        ];
        for (key, length) in lists {
            if length > MAX_VALUES {
                let keys: Vec<_> = path.iter().copied().chain([key]).collect();
                check.refuse(
                    &keys,
                    format!("has {length} values, more than {MAX_VALUES}"),
                );
            }
        }
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
