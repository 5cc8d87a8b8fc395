//! What receivers, processors, exporters and the program that wires them share.
//!
//! Nothing here does I/O of its own: events, schemas, batches, metric points,
//! the component traits, queues, accounts and the pipeline runtime.

pub mod batch;
pub mod config;
pub mod key;
pub mod names;
pub mod schema;
pub mod subject;
pub mod time;
pub mod value;
