//! The processes of this machine as the kernel's life-cycle records tell them.

mod image;
mod record;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use image::Charge;
pub use image::{EXEC_ID, EXECUTABLE_NAME, EXECUTABLE_PATH, ExecId, PARENT_EXEC_ID};
pub use table::{KEPT_ANCESTORS, Limits, MAX_ANCESTORS, ProcessTable};
