//! The workload: a program that does precise things and says which, so that a test can compare.

mod bytes;
mod record;
mod run;

pub use bytes::Bytes;
pub(crate) use bytes::from_hex;
pub use record::{Access, Call, End, Image, Record, Said, now};
pub use run::{Workload, workload_binary};

/// What the attempts of `workload tcp-apart` come to, in their order: the socket is connected, waits
/// and is taken apart, can't, is refused, can't, and the first of them can't a second time.
pub const APART: [Option<&str>; 6] = [
    None,
    Some("ECONNABORTED"),
    Some("ENETUNREACH"),
    Some("ECONNREFUSED"),
    Some("ENETUNREACH"),
    Some("ENETUNREACH"),
];
