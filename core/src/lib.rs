//! What receivers, processors, exporters and the program that wires them share.
//!
//! Nothing here does I/O of its own: events, schemas, batches, metric points,
//! the component traits, queues, accounts and the pipeline runtime.

pub mod account;
pub mod added;
pub mod aggregate;
pub mod batch;
pub mod build;
pub mod component;
pub mod config;
pub mod container;
pub mod expression;
pub mod findings;
pub mod key;
pub mod line;
pub mod metric;
pub mod names;
pub mod own;
pub mod pipeline;
pub mod process;
pub mod queue;
pub mod recording;
pub mod schema;
pub mod signal;
pub mod subject;
pub mod time;
pub mod value;
