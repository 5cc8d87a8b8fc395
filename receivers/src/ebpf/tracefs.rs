//! The file system in which the kernel lists its classic tracepoints.
//!
//! Where nobody has mounted it, it is mounted in a mount namespace of one thread
//! alone: nobody else sees it, and it is gone with the thread, `kill -9`
//! included. Built-in probes do without it.

use std::fs;
use std::io;
use std::thread;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

use super::sys::own_mount_namespace;
use crate::object::{Hook, Program};

/// Where it belongs; the second place is that of old kernels.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Whether the hook is looked up by its name in tracefs.
pub(super) fn is_needed(program: &Program) -> bool {
    matches!(program.hook, Hook::Tracepoint { .. })
}

/// Does `work` where tracefs is mounted.
///
/// # Errors
/// Why it can't be mounted, with both remedies.
pub(super) fn with_tracefs<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    if is_mounted() {
        return Ok(work());
    }
    let in_own_namespace = || mount_privately().map(|()| work());
    thread::scope(|scope| scope.spawn(in_own_namespace).join())
        .map_err(|panic| format!("the attaching thread broke down: {panic:?}"))?
        .map_err(|error| {
            format!(
                "it is looked up in tracefs, which is not mounted, and mounting it failed ({error}); \
                 run as root (CAP_SYS_ADMIN), or `mount -t tracefs tracefs {}`",
                PLACES[0]
            )
        })
}

fn is_mounted() -> bool {
    let has_entries = |place| fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some());
    PLACES.into_iter().any(has_entries)
}

fn mount_privately() -> io::Result<()> {
    own_mount_namespace()?;
    // Or the mount would spread to where this namespace was copied from.
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tracefs", PLACES[0], "tracefs", flags, None)?;
    Ok(())
}
