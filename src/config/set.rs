//! `--set a.b.c=VALUE`: one value, written as YAML, over the files.

use std::sync::Arc;

use eunomia_core::config::{ConfigError, ConfigErrors, Entry, Node, Span, Value};

use super::{source::Source, yaml};

/// More keys than this lead nowhere.
const DEEPEST: usize = 24;

/// What to do about an argument that is wrong.
const USAGE: &str = "write `--set KEY.KEY=VALUE`, such as `--set receivers.TYPE.KEY=[42]`";

/// The argument as a source: messages call it `--set KEY` and count columns in it.
pub(super) fn source(argument: &str) -> Source {
    let key = argument.split_once('=').map_or(argument, |(key, _)| key);
    Source::new(format!("--set {key}"), argument)
}

/// The argument as a tree that holds this one value, and what is wrong with it.
pub(super) fn parse(source: &Source) -> (Option<Node>, ConfigErrors) {
    let refuse = |column: usize, message: String, help: &str| {
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let error = ConfigError::new(Span::new(Arc::clone(&source.name), 1, column), "", message);
        (None, error.with_help(help).into())
    };
    let Some((key, value)) = source.text.split_once('=') else {
        return refuse(
            source.text.chars().count() + 1,
            "expected `=` and a value behind the key".to_owned(),
            USAGE,
        );
    };
    let Some(keys) = split_keys(key) else {
        let message = format!("expected keys joined by dots, found {key:?}");
        return refuse(1, message, USAGE);
    };
    // Blanks instead of the key, so that columns are those of the argument.
    let padded = format!("{}{value}", " ".repeat(key.chars().count() + 1));
    let (node, errors) = yaml::parse(&Source::new(Arc::clone(&source.name), padded));
    let Some(mut node) = node else {
        let help = errors.0.first().and_then(|error| error.help.as_deref());
        return refuse(
            key.chars().count() + 2,
            "the value is not valid YAML".to_owned(),
            help.unwrap_or(USAGE),
        );
    };
    for (column, key) in keys.into_iter().rev() {
        let key_span = Span::new(Arc::clone(&source.name), 1, column);
        let entry = Entry {
            key,
            key_span: key_span.clone(),
            node,
        };
        node = Node::new(Value::Map(vec![entry]), key_span);
    }
    (Some(node), errors)
}

/// The keys of a dotted path with their columns; one in quotes may have dots. `None` if there is an empty one, or too many.
fn split_keys(path: &str) -> Option<Vec<(u32, String)>> {
    let mut keys = vec![(1, String::new())];
    let mut quoted = false;
    for (column, letter) in (1..).zip(path.chars()) {
        let (_, key) = keys.last_mut()?;
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => keys.push((column + 1, String::new())),
            _ => key.push(letter),
        }
    }
    let right = !quoted && keys.len() <= DEEPEST && keys.iter().all(|(_, key)| !key.is_empty());
    right.then_some(keys)
}
