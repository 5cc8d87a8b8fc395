//! The root file system of a container: a static busybox and the few files that programs expect.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::{Error, Result, Scratch};

const BUSYBOX: &str = "/bin/busybox";

/// A folder that can be a container's root.
#[derive(Debug)]
pub struct Rootfs {
    scratch: Scratch,
}

impl Rootfs {
    /// Makes one; `/etc/hostname` says `name`.
    ///
    /// # Errors
    /// Busybox is missing, or device nodes may not be made.
    pub fn new(name: &str) -> Result<Self> {
        let scratch = Scratch::new("rootfs")?;
        let root = scratch.path();
        for folder in ["bin", "dev", "etc", "proc", "root", "sys", "tmp"] {
            let path = root.join(folder);
            fs::create_dir(&path).map_err(Error::io("create", &path))?;
        }
        scratch.write("etc/hostname", format!("{name}\n"))?;
        scratch.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")?;
        install_busybox(root)?;
        let null = root.join("dev/null");
        mknodat(
            CWD,
            &null,
            FileType::CharacterDevice,
            Mode::from(0o666),
            makedev(1, 3),
        )
        .map_err(|errno| Error::io("make the device", &null)(errno.into()))?;
        Ok(Self { scratch })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.scratch.path()
    }
}

/// Copies busybox and links each of its applets to it.
fn install_busybox(root: &Path) -> Result<()> {
    let target = root.join("bin/busybox");
    fs::copy(BUSYBOX, &target).map_err(Error::io("copy", BUSYBOX))?;
    let list = Command::new(BUSYBOX)
        .arg("--list")
        .output()
        .map_err(Error::io("start", BUSYBOX))?;
    for applet in String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|name| *name != "busybox")
    {
        let link = root.join("bin").join(applet);
        symlink("busybox", &link).map_err(Error::io("link", &link))?;
    }
    Ok(())
}
