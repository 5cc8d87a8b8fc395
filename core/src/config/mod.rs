//! The configuration as components see it: values with their places, strict types, errors that say where.
//!
//! Files are read and merged by the binary; here is what it hands over. A component declares a struct with serde and
//! schemars ([`Settings`]); it is decoded from a [`Node`] without any conversion, and everything that is wrong is
//! reported at once, each error at the place where its value was written.

mod capture;
mod claim;
mod component;
mod decode;
mod error;
mod node;
mod secret;
mod span;
mod units;

#[cfg(test)]
mod tests;

pub use self::{
    capture::Spanned,
    claim::claims_collide,
    component::{BoxedAs, Check, Factory, Ready, Settings},
    decode::{decode, decode_partly},
    error::{ConfigError, ConfigErrors, did_you_mean, known_names},
    node::{Entry, Node, Value, join_path},
    secret::Secret,
    span::Span,
    units::{ByteSize, Duration, UnitError},
};
