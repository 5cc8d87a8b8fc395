//! The test bed of Eunomia: everything that an end-to-end test needs besides the test itself.
//!
//! It knows the binary `eunomia-pipeline` and none of the crates it is made of. `README.md` beside
//! this crate shows how the parts go together.

mod error;
mod free_port;
mod scratch;
mod vm;
mod wait;

pub use error::{Error, Result};
pub use free_port::free_port;
pub use scratch::Scratch;
pub use vm::{Cgroups, Kernel, Machine, Outcome};
pub use wait::until;
