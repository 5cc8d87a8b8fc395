//! The runtime: receivers, pipelines and exporters as tasks, joined by bounded
//! channels, ended by closing them.
//!
//! Data goes one way and shutdown follows it. A receiver that ends drops its
//! [`Output`]; a pipeline ends when all of its receivers have, and drops its
//! ends of the exporters' queues; an exporter ends when its queue is closed and
//! empty. Nobody but receivers is ever told to stop.

mod latch;
mod output;
mod running;
mod stage;
mod task;
mod topology;
mod work;

pub use output::{Full, Output};
pub use running::{Running, SwitchError};
pub use topology::{Ended, ExporterIndex, Identity, Pipeline, ReceiverIndex, Topology};

#[cfg(test)]
mod tests;
