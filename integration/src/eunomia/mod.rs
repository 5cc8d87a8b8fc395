//! The program under test, as a user meets it: a command line, two streams and an exit code.

mod account;
mod event;
mod pipeline;
mod streams;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use event::Event;
pub(crate) use pipeline::{DRAINING, built};
pub use pipeline::{Finished, Pipeline, pipeline_binary};
