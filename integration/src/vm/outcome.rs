//! What a virtual machine left behind.

use std::fs;
use std::path::Path;

use crate::{Error, Result, Scratch};

/// The end of a script that ran in a virtual machine.
#[derive(Debug)]
pub struct Outcome {
    /// The script's exit status.
    pub status: i32,
    /// What the script wrote to its standard output and standard error, without the markers.
    pub output: String,
    /// The kernel's messages.
    pub console: String,
    pub(super) files: Scratch,
}

impl Outcome {
    /// The folder with everything that the script left in `/out`.
    #[must_use]
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// The content of `/out/NAME`.
    ///
    /// # Errors
    /// The script left no such file.
    pub fn file(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.files.path().join(name);
        fs::read(&path).map_err(Error::io("read", &path))
    }
}

/// What the second serial port says about how far the machine came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress<'a> {
    /// The kernel or the first process ended before the script began.
    NotBooted,
    /// The script began and did not end.
    Interrupted,
    /// The script ended.
    Finished { status: i32, output: &'a str },
}

impl<'a> Progress<'a> {
    const BOOTED: &'static str = "@eunomia-vm booted ";
    const STATUS: &'static str = "\n@eunomia-vm status ";

    /// Reads the markers that `vm/init.sh` writes.
    pub(super) fn read(serial: &'a str) -> Self {
        let Some((_, after)) = serial.split_once(Self::BOOTED) else {
            return Self::NotBooted;
        };
        let script = after.split_once('\n').map_or("", |(_, rest)| rest);
        // The last one counts: a script may say what it likes.
        let Some((output, status)) = script.rsplit_once(Self::STATUS) else {
            return Self::Interrupted;
        };
        match status.trim_end().parse() {
            Ok(status) => Self::Finished { status, output },
            Err(_) => Self::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(serial: &str, expected: Progress<'_>) {
        assert_eq!(Progress::read(serial), expected);
    }

    /// One row a way that a machine can end.
    #[test]
    fn markers_tell_how_far_the_machine_came() {
        check("", Progress::NotBooted);
        check("noise", Progress::NotBooted);
        check("@eunomia-vm booted 6.1\nhello\n", Progress::Interrupted);
        check(
            "@eunomia-vm booted 6.1\nhello\n@eunomia-vm status ",
            Progress::Interrupted,
        );
        check(
            "@eunomia-vm booted 6.1\nhello\n\n@eunomia-vm status 3\n",
            Progress::Finished {
                status: 3,
                output: "hello\n",
            },
        );
        check(
            "@eunomia-vm booted 6.1\n\n@eunomia-vm status 0\n",
            Progress::Finished {
                status: 0,
                output: "",
            },
        );
    }
}
