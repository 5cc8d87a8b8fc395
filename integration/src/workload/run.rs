//! Running the workload beside a test; in a machine or a container it is started by its path.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::record::{Record, Said};
use crate::eunomia::built;
use crate::{Error, Result};

const NAME: &str = "workload";

/// The workload's binary, built by cargo together with the tests.
///
/// # Errors
/// It is not there.
pub fn workload_binary() -> Result<PathBuf> {
    let binary = built(NAME)?;
    if !binary.exists() {
        let advice = "not there; build it with `cargo build -p eunomia-integration`";
        return Err(Error::program(binary.display().to_string(), advice));
    }
    Ok(binary)
}

/// A workload that is held at its first line until it is told to go; killed on drop.
#[derive(Debug)]
pub struct Workload {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Workload {
    /// Starts the workload with arguments such as `["execs", "count=1000"]`. When this returns it
    /// waits, having done nothing yet, so that a filter can be set to its process id.
    ///
    /// # Errors
    /// It is not built, or did not start.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(workload_binary()?);
        command.args(arguments);
        Self::held(command)
    }

    /// Starts a command that ends up in a workload, such as one in a container. Its last argument
    /// goes to the workload.
    ///
    /// # Errors
    /// It did not start, or its first line is not that of a held workload.
    pub fn held(mut command: Command) -> Result<Self> {
        command
            .arg("wait=yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(Error::io("start", command.get_program()))?;
        let (stdin, Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("it was asked to be a pipe");
        };
        let mut workload = Self {
            child,
            stdin,
            stdout: BufReader::new(stdout),
        };
        let first = workload.line()?;
        if !matches!(first, Record::Ready { .. }) {
            return Err(Error::program(
                NAME,
                format!("was not held, but did {first:?}"),
            ));
        }
        Ok(workload)
    }

    /// Its process id, as the test sees it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go, waits for its end and returns what it did.
    ///
    /// # Errors
    /// It failed, or wrote something else.
    pub fn finish(self) -> Result<Vec<Record>> {
        let said = self.finish_said()?;
        Ok(said.into_iter().map(|said| said.record).collect())
    }

    /// The same, with the time of each record.
    ///
    /// # Errors
    /// The same.
    pub fn finish_said(mut self) -> Result<Vec<Said>> {
        self.go()?;
        let mut text = String::new();
        self.stdout
            .read_to_string(&mut text)
            .map_err(Error::io("read from", NAME))?;
        let status = self.child.wait().map_err(Error::io("wait for", NAME))?;
        if !status.success() {
            return Err(Error::program(NAME, status.to_string()));
        }
        text.lines().map(Said::read).collect()
    }

    /// Lets it go and returns at once; dropping this then kills it.
    ///
    /// # Errors
    /// It has ended.
    pub fn go(&mut self) -> Result<()> {
        self.begin().map(drop)
    }

    /// Lets it go; one with `until-end=yes` goes on until what this returns is dropped.
    ///
    /// # Errors
    /// It has ended.
    pub fn begin(&mut self) -> Result<Option<ChildStdin>> {
        let mut stdin = self.stdin.take();
        if let Some(stdin) = &mut stdin {
            stdin
                .write_all(b"\n")
                .map_err(Error::io("write to", NAME))?;
        }
        Ok(stdin)
    }

    fn line(&mut self) -> Result<Record> {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .map_err(Error::io("read from", NAME))?;
        Record::read(line.trim_end())
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        if self.child.kill().is_ok() && self.child.wait().is_err() {}
    }
}
