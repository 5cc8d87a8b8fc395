//! Batches as line protocol, as many points to a request as fit.

mod encoder;
mod events;
mod field;
mod points;
mod request;
mod tags;
mod times;

pub use encoder::{LineEncoder, LineSettings, Pushed};
pub use field::Unsigned;
pub use request::Request;
