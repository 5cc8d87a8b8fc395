//! One open, and what is said of it.

use std::fs;
use std::io::Error as IoError;
use std::path::{Path, PathBuf};
use std::{process, result};

use eunomia_integration::{Access, Bytes, Call, Error, Record, Result};
use rustix::fd::{AsFd, AsRawFd as _, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, openat};
use rustix::io::Errno;

use crate::say;

/// An open that is about to be tried.
pub(super) struct Attempt<'a> {
    pub(super) case: &'a str,
    pub(super) argument: &'a Path,
    pub(super) flags: OFlags,
    pub(super) mode: Mode,
    pub(super) known: Option<PathBuf>,
}

impl<'a> Attempt<'a> {
    pub(super) fn of(case: &'a str, argument: &'a (impl AsRef<Path> + ?Sized)) -> Self {
        let (flags, mode) = (OFlags::RDONLY, Mode::from(0o640));
        Self {
            case,
            argument: argument.as_ref(),
            flags,
            mode,
            known: None,
        }
    }

    pub(super) fn flags(mut self, flags: OFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Sets the path that will be opened where the kernel's link cannot tell.
    pub(super) fn known(mut self, path: PathBuf) -> Self {
        self.known = Some(path);
        self
    }

    /// Opens by `openat`, says so, and returns what was opened.
    pub(super) fn open(self, folder: impl AsFd) -> Result<Option<OwnedFd>> {
        let opened = openat(folder, self.argument, self.flags, self.mode);
        self.say(Call::Openat, opened)
    }

    /// Says what came of the attempt.
    pub(super) fn say(
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

    pub(super) fn access(
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
pub(super) fn added_to(call: Call) -> u32 {
    match call {
        Call::Openat | Call::Openat2 => OFlags::LARGEFILE.bits(),
        Call::Open | Call::Creat | Call::Int80Open | Call::Int80Openat => 0,
    }
}

/// What the kernel says that a descriptor stands for.
pub(super) fn link(file: &OwnedFd) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Makes a file without opening one.
pub(super) fn make_file(path: &Path) -> Result<()> {
    mknodat(CWD, path, FileType::RegularFile, Mode::from(0o644), 0).map_err(failed("make", path))
}

/// Wraps what a system call answered.
pub(super) fn failed(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(Errno) -> Error {
    let wrap = Error::io(action, path);
    move |errno| wrap(IoError::from(errno))
}
