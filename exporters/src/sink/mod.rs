//! Lines to files or to standard output, written by a thread of their own.
//!
//! A write blocks for as long as the reader of a pipe or a slow disk likes. On a
//! thread that nobody waits for it can neither hold up the other components nor
//! keep the program from ending.

mod export;
mod file;
mod files;
mod lines;
mod name;
mod options;
mod pages;
mod place;
mod rotate;
mod target;
mod template;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use export::{Encoder, FileExporter};
pub use lines::Lines;
pub use options::Fsync;
pub(crate) use options::{FullDisk, Opening, Options, check_files};
pub(crate) use pages::{EVENTS, METRICS, Pages};
pub use pages::{Outlet, Sheet};
pub use rotate::RotateSettings;
pub(crate) use target::Target;
use template::Template;
pub(crate) use writer::Sink;
