//! YAML as a tree of values with their places.
//!
//! serde-saphyr parses and tells where each value stands; what a plain scalar means follows YAML 1.2 strictly (`yes`
//! and `0123` are text). A key given twice is refused here, so that each one is reported.

use std::{collections::HashMap, fmt, sync::Arc};

use eunomia_core::config::{ConfigError, ConfigErrors, Entry, Node, Span, Value, join_path};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{
    DuplicateKeyPolicy, MessageFormatter, NonFiniteFloatPolicy, Options, Spanned,
    UserMessageFormatter,
};

use super::source::Source;

/// More values than this, with aliases unfolded, are no configuration.
const MOST_NODES: usize = 100_000;
/// Deeper values than this are no configuration either.
const DEEPEST: usize = 24;

/// Parses a text of one document; an empty one is null. Without a tree the text is no YAML; with one, the errors are
/// about keys that are given twice, of which the tree has the first.
pub(super) fn parse(source: &Source) -> (Option<Node>, ConfigErrors) {
    let raw: Spanned<Raw> = match serde_saphyr::from_str_with_options(&source.text, options()) {
        Ok(raw) => raw,
        Err(error) => return (None, syntax_error(source, &error).into()),
    };
    let mut tree = Tree {
        file: Arc::clone(&source.name),
        errors: ConfigErrors::default(),
    };
    let start = Span::new(Arc::clone(&source.name), 1, 1);
    let node = tree.node(raw, &start, "");
    (Some(node), tree.errors)
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MOST_NODES, max_depth: DEEPEST },
        // Reported by us, all of them.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn syntax_error(source: &Source, error: &serde_saphyr::Error) -> ConfigError {
    let error = error.without_snippet();
    let (line, column) = match error.location() {
        Some(place) if place.line() > 0 => (place.line(), place.column()),
        _ => (1, 1),
    };
    let place = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let span = Span::new(Arc::clone(&source.name), place(line), place(column));
    let message = UserMessageFormatter
        .format_message(error)
        .escape_debug()
        .to_string();
    let error = ConfigError::new(
        span,
        "",
        format!(
            "not valid YAML: {}",
            message.replace("\\'", "'").replace("\\\"", "\"")
        ),
    );
    if is_reference(source, &error.span) {
        return error.with_help(
            "within `[ ]` and `{ }` a reference stands in quotes, such as \"${env:NAME}\"",
        );
    }
    error
}

/// Whether what YAML took for the beginning of a map is the brace of a reference.
fn is_reference(source: &Source, place: &Span) -> bool {
    let line = source.line(place.line).unwrap_or_default();
    let column = usize::try_from(place.column).unwrap_or(usize::MAX);
    let Some(before) = column.checked_sub(2) else {
        return false;
    };
    let mut text = line.chars().skip(before);
    text.next() == Some('$') && text.next() == Some('{')
}

/// Turns what serde-saphyr hands over into nodes.
struct Tree {
    file: Arc<str>,
    errors: ConfigErrors,
}

impl Tree {
    fn span<T>(&self, spanned: &Spanned<T>, otherwise: &Span) -> Span {
        let place = spanned.referenced;
        match (u32::try_from(place.line()), u32::try_from(place.column())) {
            (Ok(line), Ok(column)) if line > 0 => Span::new(Arc::clone(&self.file), line, column),
            _ => otherwise.clone(),
        }
    }

    fn node(&mut self, raw: Spanned<Raw>, parent: &Span, path: &str) -> Node {
        let span = match raw.value {
            // Nothing was written, so the place is that of the key.
            Raw::Scalar(Value::Null) => parent.clone(),
            Raw::Scalar(_) | Raw::List(_) | Raw::Map(_) => self.span(&raw, parent),
        };
        let value = match raw.value {
            Raw::Scalar(value) => value,
            Raw::List(items) => {
                let items = items.into_iter().enumerate();
                Value::List(
                    items
                        .map(|(index, item)| self.node(item, &span, &format!("{path}[{index}]")))
                        .collect(),
                )
            }
            Raw::Map(entries) => Value::Map(self.entries(entries, &span, path)),
        };
        let mut node = Node::new(value, span);
        node.path = Arc::from(path);
        node
    }

    fn entries(
        &mut self,
        raw: Vec<(Spanned<String>, Spanned<Raw>)>,
        parent: &Span,
        path: &str,
    ) -> Vec<Entry> {
        let mut first: HashMap<String, Span> = HashMap::new();
        let mut entries = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            let key_span = self.span(&key, parent);
            let key = key.value;
            let path = join_path(path, &key);
            let node = self.node(value, &key_span, &path);
            match first.get(&key) {
                Some(before) => {
                    let message = format!("the key `{key}` is given twice");
                    let help = format!("it is already at {before}; join the two or remove one");
                    self.errors
                        .push(ConfigError::new(key_span, path, message).with_help(help));
                }
                None => {
                    first.insert(key.clone(), key_span.clone());
                    entries.push(Entry {
                        key,
                        key_span,
                        node,
                    });
                }
            }
        }
        entries
    }
}

/// A value as it comes from the parser.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(number.into())))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
