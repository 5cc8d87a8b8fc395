//! What processors add to an event, whatever its kind.

use crate::container::{
    CGROUP_PATH, CONTAINER_ID, CONTAINER_IMAGE_NAME, CONTAINER_NAME, CONTAINER_RUNTIME,
    K8S_NAMESPACE_NAME, K8S_POD_NAME,
};
use crate::process::{EXEC_ID, EXECUTABLE_NAME, EXECUTABLE_PATH, PARENT_EXEC_ID};
use crate::value::ValueType;

/// How many attributes processors add.
pub const ADDED_COUNT: usize = 16;
/// Their names, each with what is appended to it, and the types of their values.
pub const ADDED: [(&str, &str, ValueType); ADDED_COUNT] = [
    (EXECUTABLE_PATH, "", ValueType::Text),
    (EXECUTABLE_PATH, "_raw", ValueType::Raw),
    (EXECUTABLE_PATH, "_truncated", ValueType::Bool),
    (EXECUTABLE_NAME, "", ValueType::Text),
    (EXECUTABLE_NAME, "_raw", ValueType::Raw),
    (EXEC_ID, "", ValueType::Text),
    (PARENT_EXEC_ID, "", ValueType::Text),
    (CGROUP_PATH, "", ValueType::Text),
    (CGROUP_PATH, "_raw", ValueType::Raw),
    (CGROUP_PATH, "_truncated", ValueType::Bool),
    (CONTAINER_ID, "", ValueType::Text),
    (CONTAINER_NAME, "", ValueType::Text),
    (CONTAINER_IMAGE_NAME, "", ValueType::Text),
    (CONTAINER_RUNTIME, "", ValueType::Text),
    (K8S_NAMESPACE_NAME, "", ValueType::Text),
    (K8S_POD_NAME, "", ValueType::Text),
];
