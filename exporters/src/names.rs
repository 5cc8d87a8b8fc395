//! Names of attributes that processors add and that exporters treat in a way of
//! their own.

/// The container's name, for people.
pub(crate) const CONTAINER_NAME: &str = "container.name";
/// The container's id.
pub(crate) const CONTAINER_ID: &str = "container.id";
