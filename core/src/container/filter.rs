//! Which cgroups a receiver wants.

use std::fmt;

use super::ContainerRef;
use crate::subject::Cgroup;

/// A container to be matched: its whole id, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerPattern(Box<str>);

/// Why a text is no [`ContainerPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is there.
    #[error("a container id must not be empty")]
    Empty,
    /// The beginning of an id is too short to be told from others.
    #[error("the beginning of a container id needs {min} characters or more", min = ContainerPattern::MIN_PREFIX)]
    TooShort,
}

impl ContainerPattern {
    /// How long the beginning of an id has to be at least: what `docker ps`
    /// shows.
    pub const MIN_PREFIX: usize = 12;

    /// Takes an id, its beginning, or a name (LXC's containers have no other
    /// id).
    ///
    /// # Errors
    /// Nothing at all, or hex digits too few to be the beginning of an id.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if is_hex(text) && text.len() < Self::MIN_PREFIX {
            return Err(PatternError::TooShort);
        }
        Ok(Self(text.into()))
    }

    /// Whether `id` is meant.
    #[must_use]
    pub fn matches(&self, id: &str) -> bool {
        id == &*self.0 || (is_hex(&self.0) && is_hex(id) && id.starts_with(&*self.0))
    }
}

impl fmt::Display for ContainerPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The conditions of a filter that a cgroup's path decides. The values of one
/// are alternatives, all that have values must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupFilter {
    /// Containers.
    pub containers: Vec<ContainerPattern>,
    /// Paths of cgroups: each means the cgroup and everything below it.
    pub paths: Vec<Box<[u8]>>,
    /// Whether what is in no container is unwanted.
    pub containers_only: bool,
}

impl CgroupFilter {
    /// Whether there is anything to decide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.paths.is_empty() && !self.containers_only
    }

    /// Whether `cgroup` is wanted.
    #[must_use]
    pub fn verdict(&self, cgroup: &Cgroup) -> bool {
        self.wants_path(&cgroup.path) && self.wants_container(&cgroup.path)
    }

    fn wants_path(&self, path: &[u8]) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|root| is_at_or_below(path, root))
    }

    fn wants_container(&self, path: &[u8]) -> bool {
        if self.containers.is_empty() && !self.containers_only {
            return true;
        }
        let Some(container) = ContainerRef::from_path(path) else {
            return false;
        };
        let is_meant = |pattern: &ContainerPattern| pattern.matches(&container.id);
        self.containers.is_empty() || self.containers.iter().any(is_meant)
    }
}

/// Slashes at the ends of either do not count.
fn is_at_or_below(path: &[u8], root: &[u8]) -> bool {
    let (path, root) = (trim(path), trim(root));
    root.is_empty()
        || path
            .strip_prefix(root)
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

fn trim(path: &[u8]) -> &[u8] {
    let is_slash = |byte: &u8| *byte == b'/';
    let start = path
        .iter()
        .position(|byte| !is_slash(byte))
        .unwrap_or(path.len());
    let end = path
        .iter()
        .rposition(|byte| !is_slash(byte))
        .map_or(start, |last| last + 1);
    path.get(start..end).unwrap_or_default()
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
