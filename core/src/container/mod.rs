//! Containers as the paths of their cgroups name them.
//!
//! A runtime puts a container's id into the path of the cgroup that it makes
//! for it, so id and runtime are known before the container's first program
//! runs and after it is gone, without asking anybody.

mod filter;
mod path;
mod table;
#[cfg(test)]
mod tests;

pub use filter::{CgroupFilter, ContainerPattern, PatternError};
pub use path::{ContainerRef, Runtime};
pub use table::CgroupTable;

use crate::key::Key;
use crate::subject::{Attributes, Container};
use crate::value::OwnedValue;

/// The attribute with a container's id.
pub const CONTAINER_ID: &str = "container.id";
/// The attribute with the name of the runtime that made it.
pub const CONTAINER_RUNTIME: &str = "container.runtime.name";
/// The container's name, for people.
pub const CONTAINER_NAME: &str = "container.name";
/// The name of the image that a container was made of.
pub const CONTAINER_IMAGE_NAME: &str = "container.image.name";
/// The namespace of the pod that a container is in.
pub const K8S_NAMESPACE_NAME: &str = "k8s.namespace.name";
/// The pod that a container is in.
pub const K8S_POD_NAME: &str = "k8s.pod.name";
/// The attribute with the path of a process's cgroup.
pub const CGROUP_PATH: &str = "process.linux.cgroup";

impl ContainerRef {
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
