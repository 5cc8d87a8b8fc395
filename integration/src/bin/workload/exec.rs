//! Programs that are run with odd arguments and say themselves what they were given.

use std::env::{args_os, current_dir, current_exe, vars_os};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{self, Command, ExitCode, ExitStatus};
use std::thread;

use eunomia_integration::{Bytes, End, Error, Image, Record, Result, Scratch};
use rustix::process::{Pid, Signal, geteuid, getpgrp, getpid, getppid, kill_process};
use rustix::thread::name;

use crate::options::Options;
use crate::say;

/// Set for a child that says what it is and ends: with this code, or by this signal if negative.
pub(crate) const DESCRIBE: &str = "EUNOMIA_WORKLOAD_DESCRIBE";

/// `execs count=N`: that many programs, one after the other, each with its own arguments and end.
pub(crate) fn execs(options: &mut Options) -> Result<()> {
    let count: usize = options.value("count", 100)?;
    for index in 0..count {
        let mut arguments = odd_arguments(index);
        arguments.push(format!("number {index}").into());
        spawn(Some(odd_name(index)), &arguments, end_of(index))?;
    }
    Ok(())
}

/// `exec-limit bytes=N`: one program whose arguments take exactly N bytes, closing zeros included.
pub(crate) fn limit(options: &mut Options) -> Result<()> {
    const PART: usize = 1000;
    let bytes: usize = options.value("bytes", 32_768)?;
    // "limit" and its zero, then parts of PART bytes with theirs, then what is left.
    let mut left = bytes.saturating_sub(6);
    let mut arguments = Vec::new();
    while left > 0 {
        let part = left.min(PART);
        let letter = b'a' + u8::try_from(arguments.len() % 26).unwrap_or_default();
        arguments.push(OsString::from_vec(vec![letter; part - 1]));
        left -= part;
    }
    spawn(Some("limit".into()), &arguments, 0)
}

/// `exec-script`: a `#!` script whose interpreter is this program.
pub(crate) fn script(_: &mut Options) -> Result<()> {
    let scratch = Scratch::new("script")?;
    let this = this_program()?;
    let script = scratch.write("say it", format!("#!{} one argument\n", this.display()))?;
    let executable = Permissions::from_mode(0o755);
    fs::set_permissions(&script, executable).map_err(Error::io("make executable", &script))?;
    run(Command::new(&script).arg("and another"), 0)
}

/// `exec-thread`: a thread that is not the first one turns the process into another program, which
/// keeps the process id and loses the other threads.
pub(crate) fn thread(_: &mut Options) -> Result<()> {
    let this = this_program()?;
    let failed = thread::spawn(move || {
        Command::new(this)
            .arg("by a thread")
            .env(DESCRIBE, "3")
            .exec()
    });
    match failed.join() {
        Ok(error) => Err(Error::io("become", "another program")(error)),
        Err(_panic) => Err(Error::program("workload", "a thread panicked")),
    }
}

/// Ends this process as asked, after it has said what it is.
pub(crate) fn describe(code: &OsStr) -> ExitCode {
    if let Err(error) = say_image() {
        say::complain(&error);
        return ExitCode::FAILURE;
    }
    let code: i32 = code.to_string_lossy().parse().unwrap_or_default();
    if let Some(signal) = Signal::from_named_raw(-code) {
        // Does not return, unless the signal is blocked; the code below then shows it.
        if kill_process(getpid(), signal).is_err() {}
    }
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Says what this process is.
pub(crate) fn say_image() -> Result<()> {
    say::record(&Record::Exec(Box::new(image()?)))
}

/// What this process knows of itself, without opening any file.
fn image() -> Result<Image> {
    let pid = |pid: Pid| pid.as_raw_nonzero().get().unsigned_abs();
    let comm = name().map_err(|errno| Error::io("read", "the thread's name")(errno.into()))?;
    let variable = |(name, value): (OsString, OsString)| name.len() + 1 + value.len() + 1;
    Ok(Image {
        pid: process::id(),
        parent_pid: getppid().map_or(0, pid),
        group: pid(getpgrp()),
        user: geteuid().as_raw(),
        comm: Bytes(comm.into_bytes()),
        executable: Bytes::from(&this_program()?),
        args: args_os().map(|argument| Bytes::from(&argument)).collect(),
        directory: Bytes::from(&current_dir().map_err(Error::io("read", "working directory"))?),
        environment_bytes: vars_os().map(variable).sum::<usize>() as u64,
    })
}

pub(crate) fn this_program() -> Result<PathBuf> {
    current_exe().map_err(Error::io("find", "this program"))
}

/// Runs this program again, under a name of its own, and waits.
pub(crate) fn spawn(called: Option<OsString>, arguments: &[OsString], end: i32) -> Result<()> {
    let mut command = Command::new(this_program()?);
    if let Some(called) = called {
        command.arg0(called);
    }
    run(command.args(arguments), end)
}

pub(crate) fn run(command: &mut Command, end: i32) -> Result<()> {
    let mut child = command
        .env(DESCRIBE, end.to_string())
        .spawn()
        .map_err(Error::io("start", "a child"))?;
    let status = child.wait().map_err(Error::io("wait for", "a child"))?;
    say::record(&Record::Exit {
        pid: child.id(),
        end: end_said(status),
    })
}

/// The status as a record has it.
pub(crate) fn end_said(status: ExitStatus) -> End {
    status
        .signal()
        .map_or_else(|| End::Code(status.code().unwrap_or_default()), End::Signal)
}

/// A code, or every eighth time a signal as a negative number.
fn end_of(index: usize) -> i32 {
    const SIGNALS: [Signal; 4] = [Signal::KILL, Signal::TERM, Signal::SEGV, Signal::USR1];
    match index % 8 {
        7 => -SIGNALS[index / 8 % SIGNALS.len()].as_raw(),
        _ => i32::try_from(index % 256).unwrap_or_default(),
    }
}

fn odd_name(index: usize) -> OsString {
    let names: [&[u8]; 5] = [b"workload", b"", b"a name with blanks", b"\xff\xfe", b"-sh"];
    OsStr::from_bytes(names[index % names.len()]).to_owned()
}

/// Arguments that programs which take them for text get wrong.
fn odd_arguments(index: usize) -> Vec<OsString> {
    let rows: [&[&[u8]]; 10] = [
        &[],
        &[b""],
        &[b"", b"", b""],
        &[b" ", b"two words", b"\ttab"],
        &[b"line\nbreak", b"\r\n", b"\n"],
        &[b"\"double\"", b"'single'", b"`back`", b"$HOME"],
        &[b"back\\slash", b"\\n", b"\\x41", b"%s%n"],
        &[
            b"\xff",
            b"\xc3\x28",
            b"ok\x80",
            b"\xf0\x9f\x98\x80",
            b"\xed\xa0\x80",
        ],
        &[b"\x01\x1b[31mred\x1b[0m", b"\x7f", b"\xe2\x80\xae"],
        &[b"--option=value", b"-x", b"--", b"{\"json\": [1]}"],
    ];
    rows[index % rows.len()]
        .iter()
        .map(|bytes| OsStr::from_bytes(bytes).to_owned())
        .collect()
}
