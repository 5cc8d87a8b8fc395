//! `flag-opens dir=D`: every flag, and files that have no path, in the fresh folder D.

use std::path::{Path, PathBuf};

use eunomia_integration::Result;
use rustix::fd::AsRawFd as _;
use rustix::fs::{CWD, MemfdFlags, OFlags, memfd_create};
use rustix::pipe::pipe;

use super::raw::RawCall;
use super::{Attempt, failed, make_file};
use crate::options::Options;

/// Opens with every flag, and what has no path.
pub(crate) fn flags(options: &mut Options) -> Result<()> {
    let folder = options.path("dir")?;
    let path = folder.join("plain");
    make_file(&path)?;
    for flags in each_flag() {
        Attempt::of("flag", &path).flags(flags).open(CWD)?;
    }
    let both = OFlags::CREATE | OFlags::RDWR;
    Attempt::of("there already", &path).flags(both).open(CWD)?;
    let made = folder.join("made");
    Attempt::of("created", &made).flags(both).open(CWD)?;
    let missing = folder.join("missing/made");
    Attempt::of("not created", &missing).flags(both).open(CWD)?;
    let folder = OFlags::DIRECTORY | OFlags::PATH;
    Attempt::of("the root", "/").flags(folder).open(CWD)?;
    no_path()?;
    RawCall::unpack()?.open_nowhere(&Attempt::of("no argument", ""))
}

/// Each flag alone, all that go together, and bits that mean nothing.
fn each_flag() -> Vec<OFlags> {
    let mut each = vec![
        OFlags::RDONLY,
        OFlags::WRONLY,
        OFlags::RDWR,
        OFlags::RDWR | OFlags::TRUNC,
        OFlags::NOCTTY,
        OFlags::APPEND,
        OFlags::NONBLOCK,
        // O_DSYNC alone, under which rustix has O_SYNC.
        OFlags::from_bits_retain(0o10000),
        OFlags::SYNC,
        OFlags::DIRECT,
        OFlags::NOFOLLOW,
        OFlags::NOATIME,
        OFlags::CLOEXEC,
        OFlags::PATH,
        OFlags::DIRECTORY,
        // FASYNC, which rustix has no name for.
        OFlags::from_bits_retain(0o20000),
        // The kernel takes access mode 3, and ignores what it doesn't know.
        OFlags::from_bits_retain(3),
        OFlags::from_bits_retain(0o2_000_000_000),
    ];
    each.push(
        each.iter()
            .filter(|flags| !flags.intersects(OFlags::PATH | OFlags::DIRECTORY | OFlags::DIRECT))
            .fold(OFlags::empty(), |all, one| all | *one)
            - OFlags::from_bits_retain(0o2_000_000_001),
    );
    each
}

/// Files that stand in no folder, through the links of their descriptors.
fn no_path() -> Result<()> {
    let again = |fd: i32| PathBuf::from(format!("/proc/self/fd/{fd}"));
    let memory = memfd_create("in memory", MemfdFlags::CLOEXEC);
    let memory = memory.map_err(failed("make", Path::new("memfd")))?;
    Attempt::of("memory", &again(memory.as_raw_fd())).open(CWD)?;
    let (reader, _writer) = pipe().map_err(failed("make", Path::new("pipe")))?;
    Attempt::of("pipe", &again(reader.as_raw_fd())).open(CWD)?;
    Ok(())
}
