//! Attributes that name a container.

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
