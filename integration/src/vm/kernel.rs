//! The kernels that tests boot, and where their images are.

use std::env::{home_dir, var_os};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result};

/// A kernel of Debian's that `scripts/fetch-kernels` puts into the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// 5.10, the oldest one supported.
    V5_10,
    /// 6.1.
    V6_1,
    /// 6.12.
    V6_12,
    /// The newest one of the 7 series that Debian has.
    V7,
}

impl Kernel {
    /// Every kernel, oldest first.
    pub const ALL: [Self; 4] = [Self::V5_10, Self::V6_1, Self::V6_12, Self::V7];

    /// Its name in the cache.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V5_10 => "5.10",
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::V7 => "7.x",
        }
    }

    /// The kernel's image, fetched first if it is not in the cache yet.
    ///
    /// # Errors
    /// There is no home folder, or `scripts/fetch-kernels` fails.
    pub fn image(self) -> Result<PathBuf> {
        let image = self.cached("vmlinuz")?;
        if !image.exists() {
            fetch(self.name())?;
        }
        Ok(image)
    }

    /// What `uname -r` says inside.
    ///
    /// # Errors
    /// As [`Kernel::image`], or the file beside the image cannot be read.
    pub fn release(self) -> Result<String> {
        self.image()?;
        let path = self.cached("release")?;
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(text.trim_end().to_owned())
    }

    fn cached(self, file: &str) -> Result<PathBuf> {
        Ok(cache()?
            .join("eunomia-kernels")
            .join(self.name())
            .join(file))
    }
}

/// The user's cache folder, as the scripts see it.
pub(crate) fn cache() -> Result<PathBuf> {
    var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| Error::program("cache", "neither XDG_CACHE_HOME nor HOME is set"))
}

fn fetch(version: impl AsRef<OsStr>) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/fetch-kernels");
    let status = Command::new(&script)
        .arg(version)
        .status()
        .map_err(Error::io("start", &script))?;
    if !status.success() {
        return Err(Error::program("fetch-kernels", status.to_string()));
    }
    Ok(())
}
