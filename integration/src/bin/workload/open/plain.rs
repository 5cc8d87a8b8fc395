//! Opens of plain files, and below another root.

use std::io::stdin;
use std::path::Path;

use eunomia_integration::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::fs::{CWD, OFlags};
use rustix::process::{chdir, chroot};

use super::{Attempt, failed, make_file};
use crate::options::Options;

/// `opens dir=D count=N until-end=yes`: that many opens of a few files of D; every fourth one fails,
/// every eighth one creates. With `until-end` it goes on with those that succeed as long as its
/// standard input is open.
pub(crate) fn opens(options: &mut Options) -> Result<()> {
    const FILES: usize = 16;
    let folder = options.path("dir")?;
    let count: usize = options.value("count", 1000)?;
    let goes_on = options.flag("until-end");
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
    let mut again = (0..FILES).cycle();
    while let Some(index) = again.next().filter(|_| goes_on)
        && is_open(stdin())?
    {
        Attempt::of("plain", &name(index)).open(CWD)?;
    }
    Ok(())
}

/// Whether somebody holds the other end of a pipe still.
fn is_open(pipe: impl AsFd) -> Result<bool> {
    let mut polled = [PollFd::new(&pipe, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec::default())).map_err(failed("look at", "standard input"))?;
    let [polled] = polled;
    Ok(!polled.revents().contains(PollFlags::HUP))
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
