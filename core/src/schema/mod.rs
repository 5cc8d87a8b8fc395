//! What an event kind looks like: the one description that decoding, every
//! encoder, rules and the reference tables follow.
//!
//! A schema is read from an object's BTF when the object is loaded (or written
//! down in a recording); nothing in Rust mirrors an event's struct.

mod event;
mod field;

pub use event::{Attribute, EventSchema, HeaderFields, Lifecycle};
#[cfg(test)]
pub(crate) use field::TEXT_PRESENT;
pub use field::{Field, IntegerSize, Part, Render, Shape};
pub(crate) use field::{TEXT_LEAF_FIRST, TEXT_TRUNCATED, TailRef};
