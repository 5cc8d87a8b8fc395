//! `odd-opens dir=D`: one open of each odd kind, in the fresh folder D, which the caller removes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use eunomia_integration::{Call, Error, Result};
use rustix::fd::AsRawFd as _;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::process::chdir;

use super::raw::RawCall;
use super::{Attempt, failed, make_file};
use crate::options::Options;

/// Opens in every odd way.
pub(crate) fn odd(options: &mut Options) -> Result<()> {
    let folder = options.path("dir")?;
    // Relative paths below are relative to it.
    chdir(&folder).map_err(failed("enter", &folder))?;
    names(&folder)?;
    relative(&folder)?;
    links(&folder)?;
    refused(&folder)?;
    special(&folder)?;
    depths(&folder)?;
    lengths(&folder)?;
    calls(&folder)
}

/// Names that are awkward as text.
fn names(folder: &Path) -> Result<()> {
    let rows: [(&str, &[u8]); 9] = [
        ("plain", b"plain"),
        ("blanks", b" two  words "),
        ("newline", b"line\nbreak\r"),
        ("quotes", b"\"double\" 'single' `back`"),
        ("escapes", b"back\\slash \\n %s $HOME"),
        ("control", b"\x01\x1b[31m\x7f\t"),
        ("not utf-8", b"\xff\xfe \xc3\x28"),
        ("unicode", b"\xc3\xa9\xf0\x9f\x98\x80"),
        ("255 bytes", &[b'x'; 255]),
    ];
    for (case, name) in rows {
        let path = folder.join(OsStr::from_bytes(name));
        make_file(&path)?;
        Attempt::of(case, &path).open(CWD)?;
    }
    let created = folder.join("created");
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::APPEND;
    Attempt::of("created", &created)
        .flags(flags)
        .open(CWD)
        .map(drop)
}

/// Relative to the working directory and to a descriptor.
fn relative(folder: &Path) -> Result<()> {
    let sub = folder.join("sub");
    fs::create_dir(&sub).map_err(Error::io("create", &sub))?;
    make_file(&sub.join("file"))?;
    for path in [
        "plain",
        "./plain",
        "sub/../plain",
        "sub//file",
        "sub/./file",
    ] {
        Attempt::of("relative", path).open(CWD)?;
    }
    let flags = OFlags::DIRECTORY | OFlags::PATH;
    if let Some(sub) = Attempt::of("folder", &sub).flags(flags).open(CWD)? {
        Attempt::of("relative to a descriptor", "file").open(&sub)?;
        Attempt::of("up from a descriptor", "../plain").open(&sub)?;
        Attempt::of("missing below a descriptor", "nothing").open(&sub)?;
    }
    Ok(())
}

/// Through symbolic links.
fn links(folder: &Path) -> Result<()> {
    for (name, target) in [
        ("link", "sub/file"),
        ("far", "sub"),
        ("loop", "loop"),
        ("void", "no"),
    ] {
        let path = folder.join(name);
        symlink(target, &path).map_err(Error::io("link", &path))?;
    }
    Attempt::of("link", "link").open(CWD)?;
    Attempt::of("link in the middle", &folder.join("far/file")).open(CWD)?;
    Attempt::of("loop", "loop").open(CWD)?;
    Attempt::of("link to nothing", "void").open(CWD)?;
    Attempt::of("link not followed", "link")
        .flags(OFlags::NOFOLLOW)
        .open(CWD)?;
    let flags = OFlags::NOFOLLOW | OFlags::PATH;
    Attempt::of("link itself", "link")
        .flags(flags)
        .open(CWD)
        .map(drop)
}

/// Attempts that fail for all kinds of reasons.
fn refused(folder: &Path) -> Result<()> {
    let long = PathBuf::from("y".repeat(256));
    Attempt::of("empty", "").open(CWD)?;
    Attempt::of("missing", &folder.join("nothing \n here")).open(CWD)?;
    Attempt::of("file as folder", "plain/below").open(CWD)?;
    Attempt::of("folder to write", "sub")
        .flags(OFlags::WRONLY)
        .open(CWD)?;
    let exclusive = OFlags::CREATE | OFlags::EXCL;
    Attempt::of("there already", "plain")
        .flags(exclusive)
        .open(CWD)?;
    Attempt::of("not a folder", "plain")
        .flags(OFlags::DIRECTORY)
        .open(CWD)?;
    Attempt::of("256 bytes", &long).open(CWD).map(drop)
}

/// Files that are none, and files that are gone.
fn special(folder: &Path) -> Result<()> {
    Attempt::of("device", "/dev/null")
        .flags(OFlags::RDWR)
        .open(CWD)?;
    Attempt::of("proc", "/proc/self/status").open(CWD)?;
    Attempt::of("unnamed", folder)
        .flags(OFlags::TMPFILE | OFlags::RDWR)
        .open(CWD)?;
    let doomed = folder.join("doomed");
    make_file(&doomed)?;
    if let Some(file) = Attempt::of("before it is deleted", &doomed).open(CWD)? {
        fs::remove_file(&doomed).map_err(Error::io("remove", &doomed))?;
        let again = format!("/proc/self/fd/{}", file.as_raw_fd());
        Attempt::of("deleted", &again).open(CWD)?;
    }
    Ok(())
}

/// 30 levels below the folder; then paths of exactly 64 parts and one more.
fn depths(folder: &Path) -> Result<()> {
    let parts = folder.components().count() - 1;
    // A file at level N below the folder has N more parts than the folder itself.
    for (case, levels) in [
        ("30 levels", 30),
        ("64 parts", 64 - parts),
        ("65 parts", 65 - parts),
    ] {
        chdir(folder).map_err(failed("enter", folder))?;
        let mut path = folder.to_owned();
        for level in 1..levels {
            path.push(format!("d{level}"));
            fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        }
        path.push("deep");
        make_file(&path)?;
        Attempt::of(case, &path).open(CWD)?;
    }
    Ok(())
}

/// Arguments and paths at the limits of length and one beyond.
fn lengths(folder: &Path) -> Result<()> {
    chdir(folder).map_err(failed("enter", folder))?;
    // The kernel's limit for an argument is 4,096 bytes with the closing zero.
    for (case, bytes) in [
        ("argument of 4095 bytes", 4095),
        ("argument of 4096 bytes", 4096),
    ] {
        let path = format!(".{}plain", "/".repeat(bytes - "./plain".len() + 1));
        Attempt::of(case, &path).open(CWD)?;
    }
    for bytes in [4095, 4096, 4097] {
        chdir(folder).map_err(failed("enter", folder))?;
        let case = format!("path of {bytes} bytes");
        let (name, path) = descend(folder, bytes)?;
        make_file(Path::new(&name))?;
        Attempt::of(&case, &name).known(path).open(CWD)?;
    }
    chdir(folder).map_err(failed("enter", folder))
}

/// Goes down so far that a file of the returned name has the returned path of exactly `bytes`.
fn descend(folder: &Path, bytes: usize) -> Result<(String, PathBuf)> {
    const NAME: usize = 250;
    let mut path = folder.to_owned();
    let part = format!("{bytes}{}", "l".repeat(NAME - 4));
    while bytes - path.as_os_str().len() > 2 * (NAME + 1) {
        mkdirat(CWD, &part, Mode::from(0o755)).map_err(failed("create", &part))?;
        chdir(&part).map_err(failed("enter", &part))?;
        path.push(&part);
    }
    // Two names share what is left, so that neither is too long or empty.
    let left = bytes - path.as_os_str().len() - 2;
    let last = "m".repeat(left / 2);
    mkdirat(CWD, &last, Mode::from(0o755)).map_err(failed("create", &last))?;
    chdir(&last).map_err(failed("enter", &last))?;
    let name = "n".repeat(left - left / 2);
    path.extend([&last, &name]);
    Ok((name, path))
}

/// The same file by every system call that opens.
fn calls(folder: &Path) -> Result<()> {
    let path = folder.join("plain");
    let attempt = Attempt::of("openat2", &path);
    let opened = openat2(
        CWD,
        &path,
        attempt.flags,
        Mode::empty(),
        ResolveFlags::NO_MAGICLINKS,
    );
    attempt.say(Call::Openat2, opened)?;
    let helper = RawCall::unpack()?;
    for call in [Call::Open, Call::Int80Open, Call::Int80Openat] {
        helper.open(call, &Attempt::of("by number", &path))?;
        helper.open(
            call,
            &Attempt::of("by number, missing", &folder.join("nothing")),
        )?;
    }
    let made = folder.join("made by creat");
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC;
    helper.open(Call::Creat, &Attempt::of("by number", &made).flags(flags))
}
