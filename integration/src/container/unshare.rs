//! A container made of a cgroup and namespaces alone; it starts within milliseconds.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::naming::{Naming, new_id};
use super::rootfs::Rootfs;
use crate::{Cgroup, Result};

/// A container whose cgroup is named as a runtime would name it, with pid, mount, uts and ipc
/// namespaces and a root of its own for each command run in it. It shares the host's network.
#[derive(Debug)]
pub struct Container {
    id: String,
    // Dropped first, which ends what still runs in the root.
    cgroup: Cgroup,
    rootfs: Rootfs,
}

impl Container {
    /// Makes the container with a new id; nothing runs in it yet.
    ///
    /// # Errors
    /// Cgroups are not writable, busybox is missing, or device nodes may not be made.
    pub fn new(naming: Naming) -> Result<Self> {
        let id = new_id();
        let cgroup = Cgroup::create(&naming.cgroup(&id))?;
        let rootfs = Rootfs::new("eunomia-box")?;
        Ok(Self { id, cgroup, rootfs })
    }

    /// Its id, 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its cgroup.
    #[must_use]
    pub fn cgroup(&self) -> &Cgroup {
        &self.cgroup
    }

    /// Its root, seen from outside.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.rootfs.path()
    }

    /// A command that runs `program` inside; arguments and pipes are the caller's to add.
    /// Process ids below the started one are reported by the kernel only: see [`Cgroup::folders`].
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("vm/container.sh");
        let folders = self.cgroup.folders();
        let folders: Vec<_> = folders.iter().map(|folder| folder.as_os_str()).collect();
        let mut command = Command::new(script);
        command
            .arg(folders.join(OsStr::new(":")))
            .arg("eunomia-box")
            .arg(self.rootfs.path())
            .arg(program)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            );
        command
    }
}
