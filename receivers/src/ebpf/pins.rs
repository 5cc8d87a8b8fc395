//! Where the maps that objects share are pinned while they are being loaded.
//!
//! Objects find each other's maps by name in a directory of a BPF file system.
//! That directory is this process's alone: a file system of our own that is
//! mounted nowhere and ends with the last descriptor, `kill -9` included. Without
//! the privilege to mount (`CAP_SYS_ADMIN`) a directory of a writable bpffs
//! serves, named after this process, so that the next start can tell what the
//! dead have left.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::error::LoadError;

/// Where systemd and everybody else mount the BPF file system.
const BPFFS: &str = "/sys/fs/bpf";
const BPFFS_MAGIC: u64 = 0xcafe_4a11;
const PREFIX: &str = "eunomia-";

/// A directory for pins; what is in it is gone when this is dropped.
#[derive(Debug)]
pub(super) enum PinDirectory {
    /// A file system of our own, mounted nowhere.
    Detached { mount: OwnedFd },
    /// A directory of the machine's bpffs.
    Shared { path: PathBuf },
}

impl PinDirectory {
    /// Makes the directory.
    ///
    /// # Errors
    /// If neither way is open; the message names both remedies.
    pub(super) fn create() -> Result<Self, LoadError> {
        match detached() {
            Ok(mount) => Ok(Self::Detached { mount }),
            Err(error) => {
                tracing::debug!(%error, "no detached bpffs, trying the machine's");
                shared(Path::new(BPFFS))
                    .map(|path| Self::Shared { path })
                    .map_err(|shared| LoadError::NoPinDirectory {
                        mount: error,
                        shared,
                        path: BPFFS,
                    })
            }
        }
    }

    /// The directory's path for this process.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Detached { mount } => {
                PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()))
            }
            Self::Shared { path } => path.clone(),
        }
    }
}

impl Drop for PinDirectory {
    fn drop(&mut self) {
        if let Self::Shared { path } = self
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tracing::warn!(path = %path.display(), %error, "pinned maps could not be removed");
        }
    }
}

fn detached() -> io::Result<OwnedFd> {
    let context = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )?)
}

fn shared(root: &Path) -> io::Result<PathBuf> {
    let magic = u64::try_from(rustix::fs::statfs(root)?.f_type).unwrap_or(0);
    if magic != BPFFS_MAGIC {
        return Err(io::Error::other("no BPF file system is mounted there"));
    }
    remove_leftovers(root);
    let path = root.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir(&path)?;
    Ok(path)
}

/// Removes the directories of processes that are gone.
fn remove_leftovers(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|pid| pid.parse::<u32>().ok());
        let Some(owner) = owner else { continue };
        let is_gone = owner == std::process::id() || !Path::new(&format!("/proc/{owner}")).exists();
        if is_gone && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::debug!(path = %entry.path().display(), %error, "left by a dead process, not removed");
        }
    }
}
