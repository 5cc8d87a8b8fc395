//! Files that are opened in every way and under every name.
//!
//! What is not to be seen as an open is made by other calls: files by mknod, links, folders.

mod more;
mod odd;
mod raw;

use std::fs;
use std::io::Error as IoError;
use std::path::{Path, PathBuf};
use std::{process, result};

use eunomia_integration::{Access, Bytes, Call, Error, Record, Result};
use rustix::fd::{AsFd, AsRawFd as _, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, openat};
use rustix::io::Errno;
use rustix::process::{chdir, chroot};

use crate::options::Options;
use crate::say;

pub(crate) use more::flags;
pub(crate) use odd::odd;

/// `opens dir=D count=N`: that many opens of a few files of D; every fourth one fails, every
/// eighth one creates.
pub(crate) fn opens(options: &mut Options) -> Result<()> {
    const FILES: usize = 16;
    let folder = options.path("dir")?;
    let count: usize = options.value("count", 1000)?;
    let name = |index: usize| folder.join(format!("file {}", index % FILES));
    for index in 0..FILES {
        make_file(&name(index))?;
    }
    for index in 0..count {
        let (path, flags) = match index % 8 {
            3 | 7 => (folder.join(format!("missing {index}")), OFlags::RDONLY),
            5 => (
                folder.join(format!("made {index}")),
                OFlags::CREATE | OFlags::WRONLY,
            ),
            _ => (name(index), OFlags::RDWR | OFlags::CLOEXEC),
        };
        Attempt::of("plain", &path).flags(flags).open(CWD)?;
    }
    Ok(())
}

/// `chrooted-opens root=R`: opens `/inside`, `/etc/hostname` and a missing file below another root.
pub(crate) fn chrooted(options: &mut Options) -> Result<()> {
    let root = options.path("root")?;
    make_file(&root.join("inside"))?;
    chroot(&root).map_err(failed("make a root of", &root))?;
    chdir("/").map_err(failed("enter", "/"))?;
    for path in [
        "/inside",
        "/etc/hostname",
        "/../inside",
        "inside",
        "/missing",
    ] {
        // No /proc in there, hence no link to read: the path is known by construction.
        let known = Path::new("/").join(path.trim_start_matches("/../"));
        Attempt::of("chroot", path).known(known).open(CWD)?;
    }
    Ok(())
}

/// An open that is about to be tried.
struct Attempt<'a> {
    case: &'a str,
    argument: &'a Path,
    flags: OFlags,
    mode: Mode,
    known: Option<PathBuf>,
}

impl<'a> Attempt<'a> {
    fn of(case: &'a str, argument: &'a (impl AsRef<Path> + ?Sized)) -> Self {
        let (flags, mode) = (OFlags::RDONLY, Mode::from(0o640));
        Self {
            case,
            argument: argument.as_ref(),
            flags,
            mode,
            known: None,
        }
    }

    fn flags(mut self, flags: OFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Sets the path that will be opened where the kernel's link cannot tell.
    fn known(mut self, path: PathBuf) -> Self {
        self.known = Some(path);
        self
    }

    /// Opens by `openat`, says so, and returns what was opened.
    fn open(self, folder: impl AsFd) -> Result<Option<OwnedFd>> {
        let opened = openat(folder, self.argument, self.flags, self.mode);
        self.say(Call::Openat, opened)
    }

    /// Says what came of the attempt.
    fn say(
        mut self,
        call: Call,
        opened: result::Result<OwnedFd, Errno>,
    ) -> Result<Option<OwnedFd>> {
        let path = opened
            .as_ref()
            .ok()
            .and_then(|file| self.known.take().or_else(|| link(file)));
        let number = opened
            .as_ref()
            .map(OwnedFd::as_raw_fd)
            .map_err(|errno| *errno);
        say::record(&Record::Open(self.access(
            process::id(),
            call,
            number,
            path,
        )))?;
        Ok(opened.ok())
    }

    fn access(
        &self,
        pid: u32,
        call: Call,
        number: result::Result<i32, Errno>,
        path: Option<PathBuf>,
    ) -> Access {
        let creating = [OFlags::CREATE, OFlags::TMPFILE];
        let creates = creating.iter().any(|flag| self.flags.contains(*flag));
        Access {
            pid,
            case: self.case.to_owned(),
            call,
            argument: Bytes::from(self.argument),
            path: path.as_deref().map(Bytes::from),
            flags: self.flags.bits() | added_to(call),
            mode: creates.then(|| self.mode.bits()),
            fd: number.ok(),
            error: number.err().map(say::name),
        }
    }
}

/// The flags that the library adds of its own.
fn added_to(call: Call) -> u32 {
    match call {
        Call::Openat | Call::Openat2 => OFlags::LARGEFILE.bits(),
        Call::Open | Call::Creat | Call::Int80Open | Call::Int80Openat => 0,
    }
}

/// What the kernel says that a descriptor stands for.
fn link(file: &OwnedFd) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Makes a file without opening one.
fn make_file(path: &Path) -> Result<()> {
    mknodat(CWD, path, FileType::RegularFile, Mode::from(0o644), 0).map_err(failed("make", path))
}

/// Wraps what a system call answered.
fn failed(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(Errno) -> Error {
    let wrap = Error::io(action, path);
    move |errno| wrap(IoError::from(errno))
}
