//! A shell that is held, so that a filter can be set to it before it does anything.

use std::process::{Child, Command, ExitStatus, Stdio};

use crate::{Error, Result};

/// A shell that waits until it is told to go; killed on drop.
#[derive(Debug)]
pub struct Shell {
    child: Child,
}

impl Shell {
    /// Starts it with what it is to run; what it complains of is not shown.
    ///
    /// # Errors
    /// There is no shell.
    pub fn held(script: &str) -> Result<Self> {
        let child = Command::new("sh")
            .args(["-c", &format!("read go; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io("start", "sh"))?;
        Ok(Self { child })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go and waits for its end.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn finish(mut self) -> Result<ExitStatus> {
        // The end of its input is what it waits for.
        drop(self.child.stdin.take());
        self.child.wait().map_err(Error::io("wait for", "sh"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        if self.child.kill().is_ok() && self.child.wait().is_err() {}
    }
}
