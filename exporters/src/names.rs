//! Names of attributes that processors add and that exporters treat in a way of
//! their own.

use eunomia_core::container::CONTAINER_RUNTIME;

/// The container's name, for people.
pub(crate) const CONTAINER_NAME: &str = "container.name";
/// The container's id.
pub(crate) const CONTAINER_ID: &str = "container.id";
/// The machine's name.
pub(crate) const HOST_NAME: &str = "host.name";
/// The name of the image that a container was made of.
pub(crate) const CONTAINER_IMAGE_NAME: &str = "container.image.name";
/// The namespace of the pod that a container is in.
pub(crate) const K8S_NAMESPACE_NAME: &str = "k8s.namespace.name";
/// The pod that a container is in.
pub(crate) const K8S_POD_NAME: &str = "k8s.pod.name";

/// What is told apart by tags where each value of a tag is a series of its own:
/// where it happened, never what.
pub(crate) const EVENT_TAGS: [&str; 7] = [
    HOST_NAME,
    CONTAINER_ID,
    CONTAINER_NAME,
    CONTAINER_IMAGE_NAME,
    CONTAINER_RUNTIME,
    K8S_NAMESPACE_NAME,
    K8S_POD_NAME,
];
