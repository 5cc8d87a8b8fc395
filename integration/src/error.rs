//! What can go wrong in the test bed itself; a test that sees one of these has not tested anything.

use std::io::Error as IoError;
use std::path::{Path, PathBuf};
use std::result;

/// The result of every fallible call of the test bed.
pub type Result<T, E = Error> = result::Result<T, E>;

/// Why the test bed could not do what a test asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, folder, pipe or cgroup could not be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// What it was attempted on.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: IoError,
    },
    /// A program that the test bed needs could not be started, or ended badly.
    #[error("{program}: {reason}")]
    Program {
        /// The program's name.
        program: String,
        /// What it did, with what it wrote to its standard error.
        reason: String,
    },
    /// A condition did not come true in time.
    #[error("not in {seconds} s: {what}")]
    Deadline {
        /// What was waited for, and what was there instead.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A virtual machine ended without the marker of a finished script.
    #[error("kernel {kernel}: the machine ended before its script did; console:\n{console}")]
    Machine {
        /// The kernel's name in the cache.
        kernel: &'static str,
        /// The kernel's messages and the script's output up to there.
        console: String,
    },
    /// Output that should have been JSON was not.
    #[error("not the JSON that was expected: {line}")]
    Json {
        /// The offending line.
        line: String,
        /// Where it broke.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// Wraps an I/O error with what was attempted; made for `map_err`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(IoError) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// A program that could not do its part.
    pub fn program(program: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Program {
            program: program.into(),
            reason: reason.into(),
        }
    }
}
