//! Names of attributes that processors add and that exporters treat in a way of
//! their own.

/// The container's name, for people.
pub(crate) const CONTAINER_NAME: &str = "container.name";
/// The container's id.
pub(crate) const CONTAINER_ID: &str = "container.id";
/// The machine's name.
pub(crate) const HOST_NAME: &str = "host.name";

/// What is told apart by tags where each value of a tag is a series of its own:
/// where it happened, never what.
pub(crate) const EVENT_TAGS: [&str; 7] = [
    HOST_NAME,
    CONTAINER_ID,
    CONTAINER_NAME,
    "container.image.name",
    "container.runtime.name",
    "k8s.namespace.name",
    "k8s.pod.name",
];
