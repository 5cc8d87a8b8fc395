//! A configuration as it was written: values, each with its place and its path.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{ConfigError, ConfigErrors, Span, decode};

/// A value with the place where it was written and its path from the root.
#[derive(Clone, Debug)]
pub struct Node {
    /// What was written.
    pub value: Value,
    /// Where the value begins.
    pub span: Span,
    /// Its path from the root, such as `receivers.ebpf.probes.mine.object` or `a.list[2]`.
    pub path: Arc<str>,
}

/// What was written, before anybody asked for a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: an absent value, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Text.
    Text(String),
    /// Text whose type is that of the field it is given to: a whole `${env:X}`, or an argument of the command line.
    Untyped(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order of the file.
    Map(Vec<Entry>),
    /// A value that was refused before it got here; it is passed over and not complained about again.
    Refused,
}

/// A key of a map and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl PartialEq for Node {
    /// Two nodes are equal if their values are, wherever they were written.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    /// A value of which the path is not known yet; see [`Node::set_paths`].
    pub fn new(value: Value, span: Span) -> Self {
        Self {
            value,
            span,
            path: Arc::from(""),
        }
    }

    /// An empty map.
    pub fn map(span: Span) -> Self {
        Self::new(Value::Map(Vec::new()), span)
    }

    /// The entries of a map; none if it is anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value {
            return entries;
        }
        &[]
    }

    /// The items of a list; none if it is anything else.
    pub fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value {
            return items;
        }
        &[]
    }

    /// The entry of a map under `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a map under `key`.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The node below this one that lies nearest to `path` (keys and indices, each a part).
    pub fn nearest(&self, path: &[&str]) -> &Self {
        let mut node = self;
        for part in path {
            let item = part
                .parse()
                .ok()
                .and_then(|index: usize| node.items().get(index));
            match node.get(part).or(item) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// Whether nothing was written here.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// Adds a key to a map, behind the others. Anything else than a map is left alone.
    pub fn insert(&mut self, key: impl Into<String>, node: Self) {
        if let Value::Map(entries) = &mut self.value {
            let key_span = node.span.clone();
            entries.push(Entry {
                key: key.into(),
                key_span,
                node,
            });
        }
    }

    /// An error about this value.
    pub fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.span.clone(), Arc::clone(&self.path), message)
    }

    /// The value as a `T`.
    ///
    /// # Errors
    /// Everything in it that a `T` can't have.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ConfigErrors> {
        decode(self)
    }

    /// What was written, for a message: `the number 42`, `text "yes"`, `a list`.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null | Value::Refused => "nothing".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Integer(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) | Value::Untyped(text) => describe_text(text),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }

    /// Gives this node and all below it their paths.
    pub fn set_paths(&mut self, path: &str) {
        self.path = Arc::from(path);
        match &mut self.value {
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    item.set_paths(&format!("{path}[{index}]"));
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    entry.node.set_paths(&join_path(path, &entry.key));
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Untyped(_)
            | Value::Refused => {}
        }
    }
}

/// The path of `key` below `path`; a key that has dots or blanks is quoted, so that a path names one place.
pub fn join_path(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && !key.contains(['.', '[', ']', '"', ' ', '\t', '\n']);
    let key = if plain {
        key.to_owned()
    } else {
        format!("{key:?}")
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// Text for a message, cut where it gets long.
fn describe_text(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return format!("text {text:?}");
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("text that begins {head:?}")
}
