//! The bounded queue in front of every exporter.

mod bounded;
#[cfg(test)]
mod tests;

pub(crate) use bounded::QueueOpener;
pub use bounded::{Delivery, QueueReader, QueueWriter, WhenFull, queue};
