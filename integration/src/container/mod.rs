//! Containers without a registry and without a daemon.

mod naming;
mod rootfs;
mod runc;
mod unshare;

pub use naming::Naming;
pub use rootfs::Rootfs;
pub use runc::Runc;
pub use unshare::Container;
