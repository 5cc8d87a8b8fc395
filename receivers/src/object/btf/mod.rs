//! Reader of an object's BTF: types, members, enumerators and declaration tags.
//!
//! aya-obj parses BTF too, but keeps types, names and tags to itself. This reader
//! takes what an object from anybody contains: every offset is checked, and
//! following references is bounded, so broken or cyclic types are an error or a
//! type that cannot be shown, never a loop.

mod reader;
mod types;

pub use types::BtfError;
pub(crate) use types::{Btf, Enumerator, Kind, Member, POINTER_SIZE, Type, TypeId, Variable};
