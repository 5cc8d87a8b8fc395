//! Gives a [`Node`](super::Node) its type, strictly, and finds everything that is wrong with it in one go.
//!
//! serde stops at the first error. So a value that was refused is recorded and left out of the next attempt, until an
//! attempt succeeds or what fails is only the consequence of what was left out.

mod access;
mod attempts;
mod problem;
mod typed;

pub use attempts::{decode, decode_partly};
