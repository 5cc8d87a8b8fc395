//! What is wrong with a configuration, and what to do about it.

use std::{fmt, sync::Arc};

use super::Span;

/// One thing that is wrong, at the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Where it was written.
    pub span: Span,
    /// The key's path from the file's root, such as `receivers.ebpf.ring`; empty for the whole file.
    pub path: Arc<str>,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it; a line of its own when it is shown.
    pub help: Option<String>,
}

impl ConfigError {
    /// An error at `span` for the key `path`.
    pub fn new(span: Span, path: impl Into<Arc<str>>, message: impl Into<String>) -> Self {
        Self {
            span,
            path: path.into(),
            message: message.into(),
            help: None,
        }
    }

    /// The same error with a remedy.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The order in which errors are shown: by place, then by key.
    pub fn order(&self) -> (&Span, &str) {
        (&self.span, &self.path)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.span)?;
        // An option of the command line is its own name: the path it is translated to says nothing to its user.
        if !self.path.is_empty() && self.span.line != 0 {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with one configuration, in the order in which it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// Adds one more.
    pub fn push(&mut self, error: ConfigError) {
        self.0.push(error);
    }

    /// Adds what another step found.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the errors into the order of their places.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| a.order().cmp(&b.order()));
        self.0.dedup();
    }

    /// `value`, unless something is wrong.
    ///
    /// # Errors
    /// These errors, if there is at least one.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
            if let Some(help) = &error.help {
                write!(f, "\n    help: {help}")?;
            }
        }
        Ok(())
    }
}

/// The known name that somebody who wrote `unknown` most likely meant.
pub fn did_you_mean<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(unknown, name),
                strsim::jaro_winkler(unknown, name),
                name,
            )
        })
        .filter(|(distance, similarity, _)| {
            *distance <= 2 && *similarity > 0.6 || *similarity > 0.9
        })
        .max_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)))
        .map(|(_, _, name)| name)
}

/// The remedy for an unknown name: the likely one, then all of them.
pub fn known_names(what: &str, unknown: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("there are no {what} here");
    }
    let list = known.join(", ");
    match did_you_mean(unknown, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? The {what}: {list}"),
        None => format!("the {what}: {list}"),
    }
}
