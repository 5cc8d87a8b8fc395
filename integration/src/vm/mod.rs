//! Virtual machines that boot one of four real kernels under emulation, run one script and end.

mod closure;
mod initramfs;
mod kernel;
mod machine;
mod outcome;

pub use kernel::Kernel;
pub(crate) use kernel::cache;
pub use machine::{Cgroups, Machine};
pub use outcome::Outcome;
