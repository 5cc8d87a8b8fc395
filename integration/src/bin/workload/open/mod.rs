//! Files that are opened in every way and under every name.
//!
//! What is not to be seen as an open is made by other calls: files by mknod, links, folders.

mod attempt;
mod more;
mod odd;
mod plain;
mod raw;

pub(crate) use more::flags;
pub(crate) use odd::odd;
pub(crate) use plain::{chrooted, opens};

use attempt::{Attempt, failed, make_file};
