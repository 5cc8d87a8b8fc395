//! Labels: what tells one series of a metric from the others.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::name::is_legacy;

/// Labels as they stand in the braces, values escaped, in the order of their
/// names; names that old readers do not understand are quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Labels(Box<str>);

impl Labels {
    /// The labels of these attributes. Of attributes that become one label the
    /// values are joined by semicolons, in the order of the attributes' names;
    /// empty values are as good as none.
    pub(super) fn new<K: AsRef<str>>(
        name: impl Fn(&str) -> String,
        attributes: impl Iterator<Item = (K, String)>,
    ) -> Self {
        let mut named: Vec<_> = attributes
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (name(key.as_ref()), key, value))
            .collect();
        named.sort_unstable_by(|a, b| (&a.0, a.1.as_ref()).cmp(&(&b.0, b.1.as_ref())));
        let mut text = String::new();
        for of_one in named.chunk_by(|(a, ..), (b, ..)| a == b) {
            let values: Vec<_> = of_one.iter().map(|(.., value)| value.as_str()).collect();
            let name = of_one.first().map(|(name, ..)| name.as_str());
            push_label(name.unwrap_or_default(), &values.join(";"), &mut text);
        }
        Self(text.into())
    }

    /// The labels as they stand in the braces.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Names and values, in the order of the names.
    pub(super) fn pairs(&self) -> Pairs<'_> {
        Pairs(&self.0)
    }
}

/// Reads back what [`Labels`] wrote.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a>(&'a str);

impl<'a> Iterator for Pairs<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.strip_prefix(',').unwrap_or(self.0);
        let (name, rest) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside)?,
            None => rest
                .find('=')
                .and_then(|end| rest.split_at_checked(end))
                .map(|(name, rest)| (name.into(), rest))?,
        };
        let (value, rest) = quoted(rest.strip_prefix("=\"")?)?;
        self.0 = rest;
        Some((name, value))
    }
}

/// The text up to the closing quote, and what stands behind it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    let (inside, rest) = text.split_at_checked(end)?;
    Some((unescaped(inside), rest.strip_prefix('"')?))
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            c => plain.push(c),
        }
    }
    plain.into()
}

fn push_label(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() {
        out.push(',');
    }
    push_name(name, out);
    out.push_str("=\"");
    push_escaped(value, out);
    out.push('"');
}

/// Appends a name as it stands in the braces: quoted where it must be.
pub(super) fn push_name(name: &str, out: &mut String) {
    if is_legacy(name) {
        return out.push_str(name);
    }
    out.push('"');
    push_escaped(name, out);
    out.push('"');
}

/// Appends what stands between quotes.
pub(super) fn push_escaped(text: &str, out: &mut String) {
    let is_plain = |byte: u8| !matches!(byte, b'\\' | b'"' | b'\n');
    if text.bytes().all(is_plain) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            // Writing to memory cannot fail.
            '\\' | '"' => write!(out, "\\{c}").unwrap_or_default(),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Labels;
    use crate::prometheus::name::TranslationStrategy;

    const RAW: TranslationStrategy = TranslationStrategy::NoTranslation;
    const ESCAPED: TranslationStrategy = TranslationStrategy::UnderscoreEscapingWithSuffixes;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[track_caller]
    fn become_labels(
        strategy: TranslationStrategy,
        pairs: &[(&str, &str)],
        expected: &[(&str, &str)],
    ) {
        let own = pairs.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let labels = Labels::new(|key| strategy.label_name(key), own);
        let read: Vec<_> = labels
            .pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        assert_eq!(read, owned(expected), "{}", labels.as_str());
    }

    /// Sorted by name; empty ones are gone; colliding ones are joined in the
    /// order of the attributes, whatever order they came in.
    #[test]
    fn attributes_become_labels() {
        become_labels(ESCAPED, &[], &[]);
        become_labels(
            ESCAPED,
            &[("b", "2"), ("a", "1"), ("c", "")],
            &[("a", "1"), ("b", "2")],
        );
        let colliding = [("a_b", "x"), ("a.b", "y"), ("a-b", "z")];
        become_labels(ESCAPED, &colliding, &[("a_b", "z;y;x")]);
        become_labels(RAW, &colliding, &[("a-b", "z"), ("a.b", "y"), ("a_b", "x")]);
        become_labels(ESCAPED, &[("a", "\\\"\n,=")], &[("a", "\\\"\n,=")]);
    }

    /// A name that reaches for the metric's own does not get it.
    #[test]
    fn reserved_names_are_not_taken() {
        become_labels(RAW, &[("__name__", "evil")], &[("_name__", "evil")]);
        become_labels(ESCAPED, &[("__name__", "evil")], &[("_name", "evil")]);
    }

    proptest! {
        /// Whatever names and values are, they read back.
        #[test]
        fn labels_read_back(pairs in vec((".{1,9}", ".{1,9}"), 0..5)) {
            let pairs: std::collections::BTreeMap<String, String> = pairs
                .into_iter()
                .filter(|(name, _)| !name.starts_with("__"))
                .collect();
            let own = pairs.iter().map(|(name, value)| (name.as_str(), value.clone()));
            let labels = Labels::new(|key| RAW.label_name(key), own);
            let read: Vec<_> = labels
                .pairs()
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            prop_assert_eq!(read, pairs.into_iter().collect::<Vec<_>>());
        }
    }
}
