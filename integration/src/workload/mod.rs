//! The workload: a program that does precise things and says which, so that a test can compare.

mod apart;
mod bytes;
mod record;
mod run;

pub use apart::APART;
pub use bytes::Bytes;
pub(crate) use bytes::from_hex;
pub use record::{Access, Call, End, Image, Record, Said, now};
pub use run::{Workload, workload_binary};
