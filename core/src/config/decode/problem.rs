//! What can go wrong while a value is given its type.

use std::{error, fmt, sync::Arc};

use serde::de::{Error, Expected, Unexpected};

use crate::config::{ConfigError, Node, Span, did_you_mean, error::known_names};

/// One failed attempt; it gets its place from the innermost node that it passes on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(super) kind: Kind,
    pub(super) place: Option<Place>,
}

/// What went wrong.
#[derive(Debug)]
pub(super) enum Kind {
    /// A complaint in words, from a component's own types.
    Words(String),
    /// Another type or range than was expected.
    Wrong {
        expected: String,
        found: Option<String>,
    },
    /// A key that the map doesn't have.
    UnknownKey {
        key: String,
        known: &'static [&'static str],
    },
    /// A word that isn't one of the known ones.
    UnknownWord {
        word: String,
        known: &'static [&'static str],
    },
    /// A value that nobody asked for: its key is unknown.
    Unwanted,
    /// A key that has to be there.
    Missing { key: &'static str },
}

/// Where it went wrong.
#[derive(Debug)]
pub(super) struct Place {
    span: Span,
    /// The path that is shown.
    path: Arc<str>,
    /// The path of the node to leave out of the next attempt.
    pub(super) mask: Arc<str>,
}

impl Problem {
    pub(super) fn wrong(expected: impl Into<String>, node: &Node) -> Self {
        let found = Some(node.describe());
        let kind = Kind::Wrong {
            expected: expected.into(),
            found,
        };
        Self { kind, place: None }.at(node)
    }

    /// Puts the problem at `node`, unless it already has a place further inside.
    pub(super) fn at(self, node: &Node) -> Self {
        self.at_place(&node.span, &node.path, &node.path)
    }

    /// Puts the problem at `span`, unless it already has a place further inside.
    pub(super) fn at_place(mut self, span: &Span, path: &Arc<str>, mask: &Arc<str>) -> Self {
        self.place.get_or_insert_with(|| Place {
            span: span.clone(),
            path: Arc::clone(path),
            mask: Arc::clone(mask),
        });
        self
    }

    /// The problem without the value that was found: it may be a secret.
    pub(super) fn hush(mut self) -> Self {
        if let Kind::Wrong { found, .. } = &mut self.kind {
            *found = None;
        }
        self
    }

    /// The problem as it is shown; `root` is where it is if nobody said better.
    pub(super) fn report(self, root: &Node) -> ConfigError {
        let (span, path) = match self.place {
            Some(place) => (place.span, place.path),
            None => (root.span.clone(), Arc::clone(&root.path)),
        };
        let refuse = |message: String| ConfigError::new(span, path, message);
        match self.kind {
            Kind::Words(words) => refuse(words),
            Kind::Wrong {
                expected,
                found: Some(found),
            } => refuse(format!("expected {expected}, found {found}")),
            Kind::Wrong {
                expected,
                found: None,
            } => refuse(format!("expected {expected}")),
            Kind::UnknownKey { key, known } => refuse(format!("unknown key `{key}`"))
                .with_help(known_names("known keys", &key, known)),
            Kind::Unwanted => refuse("is unknown here".to_owned()),
            Kind::UnknownWord { word, known } => {
                let list = known.join(", ");
                let error = refuse(format!("expected one of {list}; found {word:?}"));
                match did_you_mean(&word, known.iter().copied()) {
                    Some(name) => error.with_help(format!("did you mean `{name}`?")),
                    None => error,
                }
            }
            Kind::Missing { key } => refuse(format!("the key `{key}` is missing"))
                .with_help(format!("add `{key}: ...` here")),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl error::Error for Problem {}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self { kind, place: None }
    }
}

impl Error for Problem {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Kind::Words(words.to_string()).into()
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Kind::Wrong {
            expected: expected.to_string(),
            found: Some(found(unexpected)),
        }
        .into()
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let found = Some(format!("{length} of them"));
        Kind::Wrong {
            expected: expected.to_string(),
            found,
        }
        .into()
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Kind::UnknownWord {
            word: word.to_owned(),
            known,
        }
        .into()
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Kind::UnknownKey {
            key: key.to_owned(),
            known,
        }
        .into()
    }

    fn missing_field(key: &'static str) -> Self {
        Kind::Missing { key }.into()
    }
}

/// What was found, in the words of [`Node::describe`].
fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("the number {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Str(text) => format!("text {text:?}"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        Unexpected::Char(_)
        | Unexpected::Bytes(_)
        | Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => unexpected.to_string(),
    }
}
