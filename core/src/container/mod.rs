//! Containers as the paths of their cgroups name them.
//!
//! A runtime puts a container's id into the path of the cgroup that it makes
//! for it, so id and runtime are known before the container's first program
//! runs and after it is gone, without asking anybody.

mod filter;
mod names;
mod path;
mod table;
#[cfg(test)]
mod tests;

pub use filter::{CgroupFilter, ContainerPattern, PatternError};
pub use names::{
    CGROUP_PATH, CONTAINER_ID, CONTAINER_IMAGE_NAME, CONTAINER_NAME, CONTAINER_RUNTIME,
    K8S_NAMESPACE_NAME, K8S_POD_NAME,
};
pub use path::{ContainerRef, Runtime};
pub use table::CgroupTable;
