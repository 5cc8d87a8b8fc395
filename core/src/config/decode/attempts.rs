//! Attempts at one node until all that is wrong with it is known.

use std::{cell::RefCell, collections::HashSet, sync::Arc};

use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};
use super::typed::Typed;
use crate::config::{ConfigErrors, Node, Value};

/// What the attempts at one node share.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(super) masked: RefCell<HashSet<Arc<str>>>,
    pub(super) secrets: RefCell<Vec<String>>,
}

impl Attempts {
    pub(super) fn is_masked(&self, node: &Node) -> bool {
        node.value == Value::Refused || self.masked.borrow().contains(&node.path)
    }
}

/// The value of `node` as a `T`.
///
/// # Errors
/// Everything in `node` that a `T` can't have.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, ConfigErrors> {
    let (value, errors, _) = decode_partly(node);
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        Some(_) | None => Err(errors),
    }
}

/// What remains of `node` as a `T` without the values that are wrong (`None` if nothing does), what is wrong, and the
/// secrets in it.
pub fn decode_partly<T: DeserializeOwned>(node: &Node) -> (Option<T>, ConfigErrors, Vec<String>) {
    let attempts = Attempts::default();
    let mut errors = ConfigErrors::default();
    let value = loop {
        let problem = match T::deserialize(Typed {
            node,
            attempts: &attempts,
        }) {
            Ok(value) => break Some(value),
            Err(problem) => problem,
        };
        let mask = problem
            .place
            .as_ref()
            .map_or_else(|| Arc::clone(&node.path), |place| Arc::clone(&place.mask));
        if !follows_from_a_mask(node, &problem, &mask, &attempts) {
            errors.push(problem.report(node));
        }
        if mask == node.path || !attempts.masked.borrow_mut().insert(mask) {
            break None;
        }
    };
    (value, errors, attempts.secrets.into_inner())
}

/// Whether the value at `path` fails only because a part of it was left out.
fn follows_from_a_mask(root: &Node, problem: &Problem, path: &str, attempts: &Attempts) -> bool {
    let Some(node) = find(root, path) else {
        return false;
    };
    let masked = |node: &Node| attempts.is_masked(node);
    match &problem.kind {
        Kind::UnknownKey { .. } | Kind::Unwanted | Kind::UnknownWord { .. } => false,
        Kind::Missing { key } => node.get(key).is_some_and(masked),
        Kind::Words(_) | Kind::Wrong { .. } => {
            node.entries().iter().any(|entry| masked(&entry.node))
                || node.items().iter().any(masked)
        }
    }
}

/// The node at `path`, which begins with the path of `node`.
fn find<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    if *node.path == *path {
        return Some(node);
    }
    let children = node
        .entries()
        .iter()
        .map(|entry| &entry.node)
        .chain(node.items());
    children
        .filter(|child| path.starts_with(&*child.path))
        .find_map(|child| find(child, path))
}
