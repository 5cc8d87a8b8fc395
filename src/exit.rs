//! How the program ends.

use std::process::ExitCode;

use eunomia_core::component::FailureKind;

/// Exit codes; the numbers are those of `sysexits.h` where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is done.
    Done,
    /// A component failed for good.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Something was left when the time to drain was over.
    DrainIncomplete,
    /// A privilege or a feature of the kernel is missing.
    Unsupported,
    /// The configuration is wrong.
    Configuration,
    /// What the watched command ended with.
    Command(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::DrainIncomplete => 75,
            Exit::Unsupported => 77,
            Exit::Configuration => 78,
            Exit::Command(code) => code,
        })
    }
}

impl From<FailureKind> for Exit {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Unsupported => Self::Unsupported,
            FailureKind::Failed => Self::Failed,
            FailureKind::OutputClosed => Self::Done,
        }
    }
}
