//! Where a file is: by its path, or below a folder to which no link leads away.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
use rustix::io::Errno;

use super::file::{FOLDER_MODE, make_folder};

/// A way that leads to a folder and no further.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Where a file is.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// The folder that `path` leads through, held open.
    folder: Option<OwnedFd>,
}

impl Place {
    /// `path` as it is; who has written it down may have meant a link.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            folder: None,
        }
    }

    /// `path` below the folder `root`: events have chosen its names, so whoever can
    /// plant a link there must not choose where it leads. Folders are made.
    ///
    /// # Errors
    /// That there is a link, or what keeps a folder from being made.
    pub(super) fn beneath(root: &Path, path: &Path) -> io::Result<Self> {
        make_folder(&root.join("x"))?;
        let below = path.strip_prefix(root).unwrap_or(path);
        let root = Some(root).filter(|root| *root != Path::new(""));
        let mut folder = open(root.unwrap_or(Path::new(".")), FOLDER, Mode::empty())?;
        let folders = below.parent().map(Path::components);
        for component in folders.into_iter().flatten() {
            let Component::Normal(name) = component else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            folder = enter(&folder, name)?;
        }
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        Ok(Self {
            path: Path::new(&path).join(below.file_name().unwrap_or_default()),
            folder: Some(folder),
        })
    }

    /// The path by which it is reached for as long as this lives.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it as `options` say. A pipe that the user named is waited for until
    /// somebody reads it; one that somebody planted is not.
    pub(super) fn open(&self, options: &mut OpenOptions) -> io::Result<File> {
        let flags = match self.folder {
            Some(_) => OFlags::NOFOLLOW | OFlags::NONBLOCK,
            None => OFlags::empty(),
        };
        let file = options
            .custom_flags(flags.bits().cast_signed())
            .open(&self.path);
        file.map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NXIO) => io::Error::new(error.kind(), "it is a pipe that nobody reads"),
            Some(Errno::LOOP) if self.folder.is_some() => no_link(&error),
            _ => error,
        })
    }
}

/// The folder `name` in `folder`, made if it is not there.
fn enter(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let enter = || openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
    let entered = match enter() {
        Err(Errno::NOENT) => {
            match mkdirat(folder, name, Mode::from_raw_mode(FOLDER_MODE)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            enter()
        }
        other => other,
    };
    entered.map_err(|error| match error {
        Errno::NOTDIR | Errno::LOOP => no_link(&error.into()),
        other => other.into(),
    })
}

fn no_link(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{error}; links are not followed here"),
    )
}
