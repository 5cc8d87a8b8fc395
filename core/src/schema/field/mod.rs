//! Where a value stands in a record and how its bytes become a value.

mod shape;
mod tail;
#[cfg(test)]
mod tests;
mod value;

pub use shape::{IntegerSize, Part, Render, Shape};
#[cfg(test)]
pub(crate) use tail::TEXT_PRESENT;
pub(crate) use tail::{TEXT_LEAF_FIRST, TEXT_TRUNCATED, TailRef};
pub use value::Field;
