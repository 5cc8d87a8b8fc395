//! A server from the cache of peers while it runs.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::http::get;
use crate::vm::cache;
use crate::{Error, Result, Scratch, until};

/// Where a peer's program is.
pub(super) fn program(below_cache: &str) -> Result<PathBuf> {
    let program = cache()?.join("eunomia-peers").join(below_cache);
    if !program.exists() {
        return Err(Error::program(
            below_cache,
            "not there; please run `make peers`",
        ));
    }
    Ok(program)
}

/// A running server with a folder of its own.
#[derive(Debug)]
pub(super) struct Server {
    name: &'static str,
    child: Child,
    folder: Scratch,
}

impl Server {
    /// Starts a command whose output goes to a file of `folder`.
    pub(super) fn start(name: &'static str, mut command: Command, folder: Scratch) -> Result<Self> {
        let log = folder.path().join("log");
        let log = File::create(&log).map_err(Error::io("create", &log))?;
        let other = log.try_clone().map_err(Error::io("copy", "a descriptor"))?;
        command.stdin(Stdio::null()).stdout(other).stderr(log);
        let child = command.spawn().map_err(Error::io("start", name))?;
        Ok(Self {
            name,
            child,
            folder,
        })
    }

    /// Waits until it answers a request.
    pub(super) fn wait_for(&mut self, port: u16, path: &str) -> Result<()> {
        self.wait_until(|| get(port, path).is_ok())
    }

    /// Waits until it listens.
    pub(super) fn wait_for_port(&mut self, port: u16) -> Result<()> {
        self.wait_until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    fn wait_until(&mut self, answers: impl Fn() -> bool) -> Result<()> {
        let name = self.name;
        until(&format!("{name} answers"), || {
            if let Some(status) = self.child.try_wait().map_err(Error::io("wait for", name))? {
                return Err(Error::program(name, format!("{status}: {}", self.log())));
            }
            Ok(answers().then_some(()))
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has written so far.
    pub(super) fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Asks it to end and waits until it has written everything.
    pub(super) fn stop(&mut self) -> Result<()> {
        let name = self.name;
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|errno| Error::io("end", name)(errno.into()))?;
        let ended = until(&format!("{name} ends"), || {
            self.child.try_wait().map_err(Error::io("wait for", name))
        });
        ended.map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        if self.child.kill().is_ok() && self.child.wait().is_err() {}
    }
}
