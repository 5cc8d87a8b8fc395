//! Opens by system calls that no library makes, through the helper `rawcall`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use eunomia_integration::{Call, Error, Record, Result};
use rustix::io::Errno;

use super::Attempt;
use crate::helper::Helper;
use crate::say;

/// The helper, unpacked.
pub(super) struct RawCall(Helper);

impl RawCall {
    pub(super) fn unpack() -> Result<Self> {
        Helper::raw_call().map(Self)
    }

    /// Lets the helper open, and says what it did.
    pub(super) fn open(&self, call: Call, attempt: &Attempt<'_>) -> Result<()> {
        self.run(name(call), call, attempt)
    }

    /// Lets the helper open with a path that is nowhere in its memory.
    pub(super) fn open_nowhere(&self, attempt: &Attempt<'_>) -> Result<()> {
        self.run("open_nowhere", Call::Open, attempt)
    }

    fn run(&self, name: &str, call: Call, attempt: &Attempt<'_>) -> Result<()> {
        let child = Command::new(self.0.program())
            .arg(name)
            .arg(attempt.argument)
            .arg(attempt.flags.bits().to_string())
            .arg(attempt.mode.bits().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::io("start", self.0.program()))?;
        let pid = child.id();
        let output = child
            .wait_with_output()
            .map_err(Error::io("wait for", self.0.program()))?;
        let mut parts = output.stdout.splitn(2, |byte| *byte == b'\n');
        let number = parts
            .next()
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        let number: i32 = number
            .parse()
            .map_err(|error| Error::program("rawcall", format!("said {number:?}: {error}")))?;
        let result = if number < 0 {
            Err(Errno::from_raw_os_error(-number))
        } else {
            Ok(number)
        };
        let link = parts.next().filter(|link| !link.is_empty());
        let path = link.map(|link| PathBuf::from(OsStr::from_bytes(link)));
        say::record(&Record::Open(attempt.access(pid, call, result, path)))
    }
}

fn name(call: Call) -> &'static str {
    match call {
        Call::Open => "open",
        Call::Creat => "creat",
        Call::Openat => "openat",
        Call::Openat2 => "openat2",
        Call::Int80Open => "int80_open",
        Call::Int80Openat => "int80_openat",
    }
}
