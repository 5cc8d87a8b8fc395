//! Where lines go: a file or standard output.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf, absolute};

/// The path that stands for standard output.
const STDOUT: &str = "-";
/// Other names of standard output; opening them anew would start over at the
/// beginning of a file that it was redirected to.
const STDOUT_FILES: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// Events tell who does what: not for everybody.
const MODE: u32 = 0o640;

/// A file or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output.
    Stdout,
    /// A file, made if it is not there.
    File(PathBuf),
}

impl Target {
    /// What `path` means in a configuration.
    pub(crate) fn new(path: &str) -> Self {
        if path == STDOUT || STDOUT_FILES.contains(&path) {
            Self::Stdout
        } else {
            Self::File(path.into())
        }
    }

    /// The claim that keeps two exporters from writing to one place.
    pub(crate) fn claim(&self) -> String {
        match self {
            Self::Stdout => "stdout".into(),
            Self::File(path) => {
                let path = absolute(path).unwrap_or_else(|_| path.clone());
                format!("file {}", path.display())
            }
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdout => "standard output".into(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Opens it for appending.
    pub(crate) fn open(&self) -> io::Result<File> {
        match self {
            // A handle of our own: std's is line buffered behind a lock.
            Self::Stdout => Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
            Self::File(path) => open_file(path),
        }
    }
}

impl Target {
    /// Opens it empty.
    pub(crate) fn open_anew(&self) -> io::Result<File> {
        let file = self.open()?;
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        Ok(file)
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(MODE)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::Target;

    /// One place has one claim, however it is written.
    #[test]
    fn one_place_has_one_claim() {
        assert_eq!(Target::new("-").claim(), "stdout");
        assert_eq!(Target::new("/dev/stdout").claim(), "stdout");
        assert_eq!(Target::new("/a/./b").claim(), "file /a/b");
        assert_eq!(Target::new("x").claim(), Target::new("./x").claim());
    }
}
