//! Where a value of the configuration was written.

use std::{fmt, sync::Arc};

/// A position in a configuration file, or in what stands for one (`--set KEY`, `--pid`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file as it was named on the command line.
    pub file: Arc<str>,
    /// Line, counted from 1; 0 where the source has no lines.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl Span {
    /// A position in `file`.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self {
            file: file.into(),
            line,
            column,
        }
    }

    /// A source without lines, such as an option of the command line.
    pub fn whole(source: impl Into<Arc<str>>) -> Self {
        Self::new(source, 0, 0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}
