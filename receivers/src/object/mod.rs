//! What a compiled BPF object says about itself: programs and their hooks, maps,
//! events, metrics, options.
//!
//! This is a pure reader: bytes in, descriptions out. Loading an object,
//! validating a configuration, showing schemas and writing reference tables all
//! use what [`Object::parse`] returns; an object that a user brings goes the same
//! way as a built-in one.
//!
//! ```text
//! Object::parse(probe, bytes)      programs  hook, system calls, pair
//!        parse_with(.., layout)    maps      type, sizes, whether it is shared
//!                                  events    Arc<EventSchema>, variable of the kind
//!                                  metrics   key and per-CPU values -> points
//!                                  options   key, doc, type, default; Global::encode
//!                                  globals   read-only variables by name
//! ```

mod btf;
mod elf;
mod error;
mod fields;
mod hook;
mod layout;
mod map;
mod metric;
mod options;
mod parse;
mod schema;
mod shape;
mod tags;
#[cfg(test)]
mod tests;

pub use btf::BtfError;
pub use error::{FieldError, ObjectError};
pub use fields::Skipped;
pub use hook::Hook;
pub use layout::{Layout, LayoutError, LayoutField, LayoutFields};
pub use map::{Map, MapType};
pub use metric::{Metric, MetricValue};
pub(crate) use options::Measure;
pub use options::{Global, GlobalType, ProbeOption};
pub use parse::{ABI, Object, Program};
pub use schema::Event;
pub use tags::Syscall;
