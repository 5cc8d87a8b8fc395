//! Lines to a file or to standard output, written by a thread of their own.
//!
//! A write blocks for as long as the reader of a pipe or a slow disk likes. On a
//! thread that nobody waits for it can neither hold up the other components nor
//! keep the program from ending.

mod lines;
mod target;
#[cfg(test)]
mod tests;
mod writer;

pub use lines::Lines;
pub(crate) use target::Target;
pub(crate) use writer::Sink;
