//! What keeps probes from being loaded, and what to do about it.

use std::io;

use eunomia_core::component::{ComponentError, FailureKind};

/// Why the receiver cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(
        "loading BPF programs needs root, or CAP_BPF and CAP_PERFMON: run it with sudo, or \
         `setcap cap_bpf,cap_perfmon,cap_sys_resource+ep` on the binary"
    )]
    NoPrivilege,
    #[error(
        "the kernel has no BTF (/sys/kernel/btf/vmlinux is missing): it needs CONFIG_DEBUG_INFO_BTF=y, \
         which the kernels of Debian 11, Ubuntu 20.10, RHEL 8.2 and later have"
    )]
    NoBtf,
    #[error("reading the kernel's BTF: {0}")]
    Btf(#[source] aya::BtfError),
    #[error(
        "probes cannot share their maps: mounting a BPF file system failed ({mount}), and {path} \
         cannot be used ({shared}); run as root (CAP_SYS_ADMIN), or `mount -t bpf bpf {path}` and make it writable"
    )]
    NoPinDirectory {
        mount: io::Error,
        shared: io::Error,
        path: &'static str,
    },
    #[error("probe {probe}: the kernel refused the object: {reason}")]
    Refused { probe: Box<str>, reason: String },
    #[error("probe {probe}: program {program} could not be {step}: {reason}")]
    Program {
        probe: Box<str>,
        program: Box<str>,
        step: &'static str,
        reason: String,
    },
    #[error("probe {probe}: map {map}: {reason}")]
    Map {
        probe: Box<str>,
        map: Box<str>,
        reason: String,
    },
    #[error(
        "processes are filtered by pid, and this is not the host's pid namespace, whose numbers the kernel uses: \
         start it in the host's (docker run --pid=host, hostPID: true)"
    )]
    PidNamespace,
    #[error(
        "{count} {what} in one receiver, and it has room for {limit}: put some probes into another one"
    )]
    TooMany {
        what: &'static str,
        count: usize,
        limit: usize,
    },
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        #[source]
        source: io::Error,
    },
}

impl From<LoadError> for ComponentError {
    fn from(error: LoadError) -> Self {
        let kind = match error {
            LoadError::NoPrivilege
            | LoadError::NoBtf
            | LoadError::Btf(_)
            | LoadError::NoPinDirectory { .. }
            | LoadError::Refused { .. }
            | LoadError::Program { .. }
            | LoadError::PidNamespace => FailureKind::Unsupported,
            LoadError::Map { .. } | LoadError::TooMany { .. } | LoadError::Io { .. } => {
                FailureKind::Failed
            }
        };
        Self {
            kind,
            message: error.to_string(),
        }
    }
}

impl LoadError {
    /// The probe that the kernel does not take, if that is what is wrong.
    pub(super) fn refused_probe(&self) -> Option<&str> {
        match self {
            Self::Refused { probe, .. } | Self::Program { probe, .. } => Some(probe),
            Self::NoPrivilege
            | Self::NoBtf
            | Self::Btf(_)
            | Self::NoPinDirectory { .. }
            | Self::Map { .. }
            | Self::PidNamespace
            | Self::TooMany { .. }
            | Self::Io { .. } => None,
        }
    }

    /// Something that cannot be, unless objects and loader do not fit together.
    pub(super) fn internal(what: &str) -> Self {
        Self::Map {
            probe: super::probe::BASE.into(),
            map: "".into(),
            reason: what.to_owned(),
        }
    }
}
