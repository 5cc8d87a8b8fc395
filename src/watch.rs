//! `run PROBE... -- COMMAND`: watches one command and what descends from it.
//!
//! The command is started when the probes are attached, and by this process, so
//! that its first exec is seen. It keeps stdin, stdout and stderr, and the exit
//! code is its own.

use std::ffi::OsString;
use std::future::ready;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::ExitStatus;

use eunomia_core::pipeline::Running;
use rustix::process;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::daemon::{self, Keeping, Signals, come, hang_up_that_ends};
use crate::exit::Exit;

/// Not found, as shells say it.
const NOT_FOUND: u8 = 127;
/// Found, and not executable.
const NOT_EXECUTABLE: u8 = 126;
/// What shells add to the number of the signal that ended a command.
const SIGNALLED: i32 = 128;

/// Starts `command`, keeps `running` until it ends, and gives its exit code.
pub async fn watch(
    command: &[OsString],
    running: Running,
    signals: &mut Signals,
    keeping: &Keeping,
) -> Exit {
    let Some((program, arguments)) = command.split_first() else {
        return Exit::Usage;
    };
    let child = match Command::new(program).args(arguments).spawn() {
        Ok(child) => child,
        Err(error) => {
            tracing::error!(command = %program.to_string_lossy(), %error, "the command could not be started");
            // Draining has its deadline here too.
            let mut over = pin!(ready(()));
            daemon::keep(running, signals, keeping, None, Some(over.as_mut())).await;
            return Exit::Command(if error.kind() == io::ErrorKind::NotFound {
                NOT_FOUND
            } else {
                NOT_EXECUTABLE
            });
        }
    };
    let mut command = Box::pin(wait(child));
    let mut status = None;
    let mut end = Box::pin(async { status = Some(command.as_mut().await) });
    daemon::keep(running, signals, keeping, None, Some(end.as_mut())).await;
    drop(end);
    // Watching may have stopped because nobody reads on: the command goes on to its end.
    let status = match status {
        Some(status) => status,
        None => command.await,
    };
    match status {
        Ok(status) => Exit::Command(code(status)),
        Err(error) => {
            tracing::error!(%error, "waiting for the command failed");
            Exit::Failed
        }
    }
}

/// The exit code of a command that was not started because a signal came first:
/// what it would have ended with.
pub fn never_begun(signal: SignalKind) -> Exit {
    Exit::Command(u8::try_from(SIGNALLED + signal.as_raw_value()).unwrap_or(1))
}

/// Waits for the command. Ctrl-C reaches it by itself; what else asks this
/// program to end is passed on.
async fn wait(mut child: Child) -> io::Result<ExitStatus> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = hang_up_that_ends()?;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = terminate.recv() => pass_on(&child, process::Signal::TERM),
            () = come(&mut hang_up) => pass_on(&child, process::Signal::HUP),
        }
    }
}

fn pass_on(child: &Child, signal: process::Signal) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    let pid = pid.and_then(process::Pid::from_raw);
    if let Some(Err(error)) = pid.map(|pid| process::kill_process(pid, signal)) {
        tracing::warn!(%error, ?signal, "a signal could not be passed on to the command");
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
