//! Names of attributes that exporters treat in a way of their own.

use eunomia_core::container::{
    CONTAINER_ID, CONTAINER_IMAGE_NAME, CONTAINER_NAME, CONTAINER_RUNTIME, K8S_NAMESPACE_NAME,
    K8S_POD_NAME,
};

/// The machine's name.
pub(crate) const HOST_NAME: &str = "host.name";

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
