//! A container that runc runs: the runtime below docker, containerd and podman.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::naming::{Naming, new_id};
use super::rootfs::Rootfs;
use crate::wait::complain;
use crate::{Cgroup, Error, Result, Scratch};

/// A bundle for runc and the place where its container will be. It shares the host's network.
#[derive(Debug)]
pub struct Runc {
    id: String,
    // Dropped in this order: what runs, then what it stood on.
    cgroup: Cgroup,
    rootfs: Rootfs,
    /// runc's state and the bundle.
    scratch: Scratch,
}

impl Runc {
    /// Makes the bundle of a container with a new id.
    ///
    /// # Errors
    /// Busybox is missing, no cgroup is mounted, or device nodes may not be made.
    pub fn new(naming: Naming) -> Result<Self> {
        let id = new_id();
        let cgroup = Cgroup::plan(&naming.cgroup(&id))?;
        let rootfs = Rootfs::new("eunomia-runc")?;
        Ok(Self {
            id,
            cgroup,
            rootfs,
            scratch: Scratch::new("runc")?,
        })
    }

    /// Its id, 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its cgroup, which exists only while the container runs.
    #[must_use]
    pub fn cgroup(&self) -> &Cgroup {
        &self.cgroup
    }

    /// Its root, seen from outside.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.rootfs.path()
    }

    /// A command that runs `arguments` as the container's first process, and ends with it.
    ///
    /// # Errors
    /// The bundle cannot be written.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        self.scratch.write(
            "bundle/config.json",
            self.configuration(arguments).to_string(),
        )?;
        let mut command = self.runc();
        command
            .arg("run")
            .arg("--bundle")
            .arg(self.scratch.path().join("bundle"))
            .arg(&self.id);
        Ok(command)
    }

    fn runc(&self) -> Command {
        let mut command = Command::new("runc");
        command.arg("--root").arg(self.scratch.path().join("state"));
        // Administration folders are not in everybody's PATH.
        command.env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command
    }

    /// The bundle's `config.json`, as the OCI runtime specification has it.
    fn configuration(&self, arguments: &[&str]) -> Value {
        let mount = |kind: &str, at: &str, options: &[&str]| json!({ "type": kind, "source": kind, "destination": at, "options": options });
        let namespaces = ["pid", "mount", "uts", "ipc"].map(|kind| json!({ "type": kind }));
        json!({
            "ociVersion": "1.0.2",
            "hostname": "eunomia-runc",
            "root": { "path": self.rootfs.path(), "readonly": false },
            "process": {
                "args": arguments,
                "cwd": "/",
                "env": ["PATH=/bin"],
                "user": { "uid": 0, "gid": 0 },
            },
            "mounts": [
                mount("proc", "/proc", &[]),
                mount("tmpfs", "/dev", &["nosuid", "mode=755"]),
                mount("sysfs", "/sys", &["ro", "nosuid", "noexec", "nodev"]),
            ],
            "linux": {
                // Relative: below the caller's own cgroup.
                "cgroupsPath": self.cgroup.below_own(),
                "namespaces": namespaces,
            },
        })
    }

    /// Removes a container that was left running.
    fn delete(&self) -> Result<()> {
        if !Path::new(&self.scratch.path().join("state").join(&self.id)).exists() {
            return Ok(());
        }
        let status = self
            .runc()
            .args(["delete", "--force", &self.id])
            .stderr(Stdio::null())
            .status();
        match status {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Error::io("start", "runc")(error))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Runc {
    fn drop(&mut self) {
        if let Err(error) = self.delete() {
            complain(&error);
        }
    }
}
