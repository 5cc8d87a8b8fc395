//! How runtimes name the cgroups of their containers.

use std::hash::{BuildHasher as _, RandomState};

/// A runtime and its cgroup driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Docker with the cgroupfs driver.
    Docker,
    /// Docker with the systemd driver.
    DockerSystemd,
    /// A Kubernetes pod on containerd with the cgroupfs driver.
    Kubernetes,
    /// A Kubernetes pod on containerd with the systemd driver.
    ContainerdSystemd,
    /// A Kubernetes pod on CRI-O.
    Crio,
    /// Podman.
    Podman,
}

impl Naming {
    /// Every way, for tests that walk through all of them.
    pub const ALL: [Self; 6] = [
        Self::Docker,
        Self::DockerSystemd,
        Self::Kubernetes,
        Self::ContainerdSystemd,
        Self::Crio,
        Self::Podman,
    ];

    /// The runtime's name, unless the cgroup does not tell it.
    #[must_use]
    pub fn runtime(self) -> Option<&'static str> {
        match self {
            Self::Docker | Self::DockerSystemd => Some("docker"),
            Self::Kubernetes => None,
            Self::ContainerdSystemd => Some("containerd"),
            Self::Crio => Some("cri-o"),
            Self::Podman => Some("podman"),
        }
    }

    /// The cgroup of container `id`, relative to the runtime's root.
    #[must_use]
    pub fn cgroup(self, id: &str) -> String {
        const POD: &str = "0f7a1c52-3b1d-4e0a-9c55-8d2f6b7e4a10";
        const SLICE: &str = "kubepods.slice/kubepods-besteffort.slice/\
            kubepods-besteffort-pod0f7a1c52_3b1d_4e0a_9c55_8d2f6b7e4a10.slice";
        match self {
            Self::Docker => format!("docker/{id}"),
            Self::DockerSystemd => format!("system.slice/docker-{id}.scope"),
            Self::Kubernetes => format!("kubepods/besteffort/pod{POD}/{id}"),
            Self::ContainerdSystemd => format!("{SLICE}/cri-containerd-{id}.scope"),
            Self::Crio => format!("{SLICE}/crio-{id}.scope"),
            Self::Podman => format!("machine.slice/libpod-{id}.scope"),
        }
    }
}

/// A new id of 64 hexadecimal digits, as runtimes make them.
pub(super) fn new_id() -> String {
    // Each state is seeded afresh from the system's randomness.
    (0..4)
        .map(|_| format!("{:016x}", RandomState::new().hash_one(0)))
        .collect()
}
