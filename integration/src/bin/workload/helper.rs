//! Programs in C for what Rust does not do, unpacked from this one when they are needed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use eunomia_integration::{Error, Result, Scratch};

use crate::exec;

/// A helper that can be run while this lives.
pub(crate) struct Helper {
    // Keeps the file.
    _scratch: Scratch,
    program: PathBuf,
}

impl Helper {
    /// Makes system calls by their numbers.
    pub(crate) fn raw_call() -> Result<Self> {
        let program = include_bytes!(concat!(env!("OUT_DIR"), "/rawcall"));
        Self::unpack("rawcall", program)
    }

    fn unpack(name: &str, content: &[u8]) -> Result<Self> {
        let scratch = Scratch::new(name)?;
        let program = scratch.write(name, content)?;
        let executable = Permissions::from_mode(0o755);
        fs::set_permissions(&program, executable)
            .map_err(Error::io("make executable", &program))?;
        Ok(Self {
            _scratch: scratch,
            program,
        })
    }

    /// The helper's file.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

/// `exec-bare`: this program without any argument, not even a name.
pub(crate) fn exec_bare() -> Result<()> {
    let helper = Helper::raw_call()?;
    let mut command = Command::new(helper.program());
    command.arg("bare_exec").arg(exec::this_program()?);
    exec::run(command.args(["0", "0"]), 0)
}

/// `threads`: a process whose first thread is not its last one; it ends with 7.
pub(crate) fn threads() -> Result<()> {
    let program = include_bytes!(concat!(env!("OUT_DIR"), "/threads"));
    let helper = Helper::unpack("threads", program)?;
    exec::run(&mut Command::new(helper.program()), 7)
}
