//! A folder of its own for whoever needs one, gone when its owner is.

use std::env::temp_dir;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::wait::complain;
use crate::{Error, Result};

/// A new empty folder, removed with all it holds on drop.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder, named after `purpose` so that a leak tells where it came from.
    ///
    /// # Errors
    /// The temporary folder is not writable.
    pub fn new(purpose: &str) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Canonical, so that a path below it is what the kernel says it is.
        let parent = temp_dir();
        let parent = parent
            .canonicalize()
            .map_err(Error::io("resolve", &parent))?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("eunomia-{purpose}-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                // Of a process that has the same number in another namespace, or had it and was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("create", &path)(error)),
            }
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file below the folder and returns its path.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        fs::write(&path, content).map_err(Error::io("write", &path))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            complain(&Error::io("remove", &self.path)(error));
        }
    }
}
