//! From a cgroup's path to the container it belongs to.
//!
//! The innermost part of the path that names a container wins, so that a
//! container in a container is told apart from the one around it. What these
//! parts look like, `ID` being 64 lower-case hex digits:
//!
//! | runtime | parts |
//! |---|---|
//! | docker | `docker/ID`, `moby/ID`, `docker-ID.scope` |
//! | containerd | `k8s.io/NAME`, `default/ID`, `cri-containerd-ID.scope`, `nerdctl-ID.scope` |
//! | cri-o | `crio-ID.scope`, `crio-ID` |
//! | podman | `libpod-ID.scope`, `libpod-ID`, `libpod-payload-ID` |
//! | lxc | `lxc/NAME`, `lxc.payload/NAME`, `lxc.payload.NAME` |
//! | systemd-nspawn | `machine-NAME.scope/payload`, `systemd-nspawn@NAME.service/payload` |
//! | not told | any other `ID`, `PREFIX-ID.scope`; so it is below `pod<uid>` of the cgroupfs driver |
//!
//! `SLICE:PREFIX:ID`, which a runtime set up for systemd makes on its own, is
//! read as `PREFIX-ID.scope`. Monitors beside a container (`*-conmon-ID`,
//! `lxc.monitor*`) belong to the host; other units of systemd are no containers.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::names::{CONTAINER_ID, CONTAINER_RUNTIME};
use crate::key::Key;
use crate::subject::{Attributes, Container};
use crate::value::OwnedValue;

/// What made a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "their names")]
pub enum Runtime {
    Docker,
    Containerd,
    CriO,
    Podman,
    Lxc,
    SystemdNspawn,
}

impl Runtime {
    /// The name, as in `container.runtime.name`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Podman => "podman",
            Self::Lxc => "lxc",
            Self::SystemdNspawn => "systemd-nspawn",
        }
    }
}

/// A container as a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRef {
    /// Its id: 64 hex digits, or a name where the runtime has no other id.
    pub id: Box<str>,
    /// What made it, where the path tells.
    pub runtime: Option<Runtime>,
}

const ID_LENGTH: usize = 64;
const MONITOR: &str = "conmon";

impl ContainerRef {
    /// The container that the cgroup at `path` belongs to; `None` where it is
    /// the host's.
    #[must_use]
    pub fn from_path(path: &[u8]) -> Option<Self> {
        let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
        let mut outward = path
            .rsplit(|&byte| byte == b'/')
            .filter(|part| !part.is_empty());
        let mut part = outward.next()?;
        loop {
            let parent = outward.next();
            let found = str::from_utf8(part)
                .ok()
                .and_then(|part| named_by(&unescape(part), parent));
            if found.is_some() {
                return found;
            }
            part = parent?;
        }
    }

    /// The container with the attributes that its cgroup's path tells.
    #[must_use]
    pub fn container(&self) -> Container {
        let mut attributes = Attributes::default();
        attributes.push(&Key::new(CONTAINER_ID), OwnedValue::Str(self.id.clone()));
        if let Some(runtime) = self.runtime {
            let name = OwnedValue::Str(runtime.as_str().into());
            attributes.push(&Key::new(CONTAINER_RUNTIME), name);
        }
        Container {
            id: self.id.clone(),
            attributes,
        }
    }
}

/// The container that one part of a path names, given the part before it.
fn named_by(part: &str, parent: Option<&[u8]>) -> Option<ContainerRef> {
    let parent = parent.and_then(|parent| str::from_utf8(parent).ok());
    let parent = unescape(parent.unwrap_or_default());
    if is_id(part) {
        return Some(found(part, runtime_of_folder(&parent)));
    }
    by_prefix(part)
        .or_else(|| by_folder(part, &parent))
        .or_else(|| part.strip_prefix("lxc.payload.").and_then(named_lxc))
}

/// Who puts bare ids into a folder of this name.
fn runtime_of_folder(folder: &str) -> Option<Runtime> {
    match folder {
        "docker" | "moby" => Some(Runtime::Docker),
        "k8s.io" | "default" => Some(Runtime::Containerd),
        "lxc" | "lxc.payload" => Some(Runtime::Lxc),
        _ => None,
    }
}

/// `docker-ID.scope`, `crio-ID`, `kubepods-pod0.slice:cri-containerd:ID` and their kin.
fn by_prefix(part: &str) -> Option<ContainerRef> {
    let mut by_colon = part.split(':');
    if let (Some(_), Some(prefix), Some(id), None) = (
        by_colon.next(),
        by_colon.next(),
        by_colon.next(),
        by_colon.next(),
    ) {
        return is_id(id).then(|| found(id, runtime_of_prefix(prefix)));
    }
    let scope = part.strip_suffix(".scope");
    let (prefix, id) = scope.unwrap_or(part).rsplit_once('-')?;
    if !is_id(id) || prefix.rsplit('-').next() == Some(MONITOR) {
        return None;
    }
    let runtime = runtime_of_prefix(prefix);
    (scope.is_some() || runtime.is_some()).then(|| found(id, runtime))
}

fn runtime_of_prefix(prefix: &str) -> Option<Runtime> {
    match prefix {
        "docker" => Some(Runtime::Docker),
        "cri-containerd" | "nerdctl" | "containerd" => Some(Runtime::Containerd),
        "crio" => Some(Runtime::CriO),
        "libpod" | "libpod-payload" => Some(Runtime::Podman),
        _ => None,
    }
}

/// Parts that are a container because of the folder they stand in.
fn by_folder(part: &str, folder: &str) -> Option<ContainerRef> {
    match folder {
        "k8s.io" => is_name(part).then(|| found(part, Some(Runtime::Containerd))),
        "lxc" | "lxc.payload" => named_lxc(part),
        _ if part == "payload" => machine_name(folder)
            .filter(|name| !name.is_empty())
            .map(|name| found(name, Some(Runtime::SystemdNspawn))),
        _ => None,
    }
}

fn named_lxc(name: &str) -> Option<ContainerRef> {
    is_name(name).then(|| found(name, Some(Runtime::Lxc)))
}

fn machine_name(unit: &str) -> Option<&str> {
    let scope = unit.strip_prefix("machine-");
    let service = unit.strip_prefix("systemd-nspawn@");
    scope
        .and_then(|rest| rest.strip_suffix(".scope"))
        .or_else(|| service.and_then(|rest| rest.strip_suffix(".service")))
}

fn found(id: &str, runtime: Option<Runtime>) -> ContainerRef {
    ContainerRef {
        id: id.into(),
        runtime,
    }
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Names that runtimes allow; what begins with a dot or is a unit of systemd is
/// not one.
fn is_name(text: &str) -> bool {
    let is_unit = [".slice", ".scope", ".service"]
        .iter()
        .any(|suffix| text.ends_with(suffix));
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !is_unit && !text.starts_with('.') && !text.is_empty() && text.bytes().all(is_allowed)
}

/// Undoes systemd's escapes (`\x2d` is a hyphen).
fn unescape(part: &str) -> Cow<'_, str> {
    if !part.contains("\\x") {
        return Cow::Borrowed(part);
    }
    let mut text = String::with_capacity(part.len());
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("\\x") {
        text.push_str(before);
        let code = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(u8::is_ascii);
        match (code, after.get(2..)) {
            (Some(code), Some(tail)) => {
                text.push(char::from(code));
                rest = tail;
            }
            _ => {
                text.push_str("\\x");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}
