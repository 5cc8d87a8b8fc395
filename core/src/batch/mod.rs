//! Events in memory: rows of one batch, their bytes in one arena.
//!
//! A row is the record as the kernel wrote it plus what processors laid over
//! it. Nothing is allocated for a row; encoders read the merged view.

mod lookup;
mod order;
mod overlay;
mod parts;
pub(crate) mod record;
mod rows;
mod split;
#[cfg(test)]
mod tests;

pub use overlay::{Made, Target};
pub use parts::{BrokenBatch, RowParts};
pub use rows::{Batch, RowView, SubjectIndex};
