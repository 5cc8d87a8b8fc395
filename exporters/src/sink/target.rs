//! Where lines go: files or standard output.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::termios::isatty;

use super::Template;
use super::place::Place;

/// The path that stands for standard output.
const STDOUT: &str = "-";
/// Other names of standard output; opening them anew would start over at the
/// beginning of a file that it was redirected to.
const STDOUT_FILES: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Files or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output.
    Stdout,
    /// A file, or several by a template.
    Files(Template),
}

impl Target {
    /// What `path` means in a configuration, `{` being a letter like others.
    pub(crate) fn new(path: &str) -> Self {
        Self::with(path, |path| Ok(Template::literal(path))).unwrap_or(Self::Stdout)
    }

    /// What `path` means in a configuration, with attributes in it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        Self::with(path, Template::parse)
    }

    /// The same of a path that was found right.
    pub(crate) fn of(path: &str) -> Self {
        Self::parse(path).unwrap_or_else(|_| Self::new(path))
    }

    fn with(
        path: &str,
        template: impl FnOnce(&str) -> Result<Template, String>,
    ) -> Result<Self, String> {
        if path.is_empty() {
            Err("expected the path of a file, or - for standard output".into())
        } else if path == STDOUT || STDOUT_FILES.contains(&path) {
            Ok(Self::Stdout)
        } else {
            template(path).map(Self::Files)
        }
    }

    /// The claim that keeps two exporters from writing to one place.
    pub(crate) fn claim(&self) -> String {
        match self {
            Self::Stdout => "stdout".into(),
            Self::Files(template) => format!("file {}", template.pattern()),
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdout => "standard output".into(),
            Self::Files(template) => template.text(),
        }
    }

    /// A handle to the terminal that it is, if it is one.
    pub(crate) fn terminal(&self) -> Option<File> {
        let file = match self {
            Self::Stdout => stdout(),
            Self::Files(template) => {
                Place::of(Path::new(&template.text())).open(OpenOptions::new().append(true))
            }
        };
        file.ok().filter(|file| isatty(file))
    }

    /// The same on the host called `name`.
    pub(super) fn on_host(&self, name: &str) -> Self {
        match self {
            Self::Stdout => Self::Stdout,
            Self::Files(template) => Self::Files(template.on_host(name)),
        }
    }

    /// Whether events of different kinds have different files.
    pub(crate) fn tells_events_apart(&self) -> bool {
        match self {
            Self::Stdout => false,
            Self::Files(template) => template.tells_events_apart(),
        }
    }

    /// Whether events and metric points have different files, and all of a batch
    /// the same.
    pub(crate) fn tells_signals_apart(&self) -> bool {
        match self {
            Self::Stdout => false,
            Self::Files(template) => template.tells_signals_apart(),
        }
    }

    /// Whether everything goes to one file.
    pub(super) fn is_single(&self) -> bool {
        match self {
            Self::Stdout => true,
            Self::Files(template) => template.is_literal(),
        }
    }
}

/// Standard output, by a handle of our own: std's is line buffered behind a lock.
pub(super) fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
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
        let many = Target::parse("/a/{event}/{container.name}.csv").unwrap();
        assert_eq!(many.claim(), "file /a/*/*.csv");
    }
}
