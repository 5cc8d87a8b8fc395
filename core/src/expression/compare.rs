//! Comparisons of a value with what was written or computed.

use std::cmp::Ordering;

use memchr::memmem;
use regex::bytes::Regex;
use rustc_hash::FxHashSet;

use super::ast::{Modifier, Operator};
use super::number::Number;
use super::operand::{View, view_item};
use super::pattern::{Glob, Network, PathPrefix, decode_hex};

/// A written value, ready for every type that an attribute may have.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    text: Box<[u8]>,
    number: Option<Number>,
    network: Option<Network>,
    bytes: Option<Box<[u8]>>,
}

impl Literal {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.as_bytes().into(),
            number: Number::parse(text),
            network: Network::parse(text),
            bytes: decode_hex(text),
        }
    }

    /// Text equals text, a number a number, an address an address or its
    /// network, bytes their hex form.
    fn equals(&self, view: View<'_>) -> bool {
        match view {
            View::Text(text) => {
                text == &*self.text || self.network.is_some_and(|network| network.contains(text))
            }
            View::Number(number) => self.number.is_some_and(|own| own.equals(number)),
            View::Bool(value) => &*self.text == if value { &b"true"[..] } else { b"false" },
            View::Raw(bytes) => self.bytes.as_deref() == Some(bytes),
            View::List(_) => view.any(|item| self.equals(item)),
        }
    }
}

/// Written values that are searched by hash.
#[derive(Clone, Debug)]
pub(super) struct Set {
    texts: FxHashSet<Box<[u8]>>,
    integers: FxHashSet<i128>,
    /// What is not found by its hash.
    others: Box<[Literal]>,
}

impl Set {
    pub(super) fn new(literals: Vec<Literal>) -> Self {
        let (mut texts, mut integers, mut others) =
            (FxHashSet::default(), FxHashSet::default(), Vec::new());
        for literal in literals {
            texts.insert(literal.text.clone());
            if let Some(Number::Integer(integer)) = literal.number {
                integers.insert(integer);
            }
            let is_float = matches!(literal.number, Some(Number::Float(_)));
            if is_float || literal.network.is_some() || literal.bytes.is_some() {
                others.push(literal);
            }
        }
        Self {
            texts,
            integers,
            others: others.into(),
        }
    }

    fn contains(&self, view: View<'_>) -> bool {
        let found = match view {
            View::Text(text) => self.texts.contains(text),
            View::Number(Number::Integer(integer)) => self.integers.contains(&integer),
            View::Bool(value) => self
                .texts
                .contains(if value { &b"true"[..] } else { b"false" }),
            View::Number(Number::Float(_)) | View::Raw(_) | View::List(_) => false,
        };
        found || self.others.iter().any(|literal| literal.equals(view))
    }
}

/// A comparison of texts with one written value.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Equal(Literal),
    NotEqual(Literal),
    Contains(Box<memmem::Finder<'static>>),
    ContainsAnyCase(Box<[u8]>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<[u8]>),
    Glob(Glob),
    Regex(Regex),
}

impl Pattern {
    fn matches(&self, view: View<'_>) -> bool {
        match (self, view) {
            (Self::Equal(literal), view) => literal.equals(view),
            (Self::NotEqual(literal), view) => !literal.equals(view),
            (_, View::List(_)) => view.any(|item| self.matches(item)),
            (_, View::Text(text) | View::Raw(text)) => self.matches_bytes(text),
            (_, View::Bool(_) | View::Number(_)) => false,
        }
    }

    fn matches_bytes(&self, text: &[u8]) -> bool {
        match self {
            Self::Contains(finder) => finder.find(text).is_some(),
            Self::ContainsAnyCase(part) => contains_any_case(text, part),
            Self::StartsWith(part) => text.starts_with(part),
            Self::EndsWith(part) => text.ends_with(part),
            Self::Glob(glob) => glob.matches(text),
            Self::Regex(regex) => regex.is_match(text),
            Self::Equal(_) | Self::NotEqual(_) => false,
        }
    }
}

/// What a value is compared with, once it exists.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    Exists,
    Order(Operator, Number),
    One(Pattern),
    Several(Modifier, Box<[Pattern]>),
    In(Set),
    Intersects(Set),
    PathPrefix(Box<[PathPrefix]>),
}

impl Matcher {
    pub(super) fn matches(&self, view: View<'_>) -> bool {
        match self {
            Self::Exists => true,
            Self::Order(operator, number) => is_ordered(*operator, view, *number),
            Self::One(pattern) => pattern.matches(view),
            Self::Several(Modifier::AnyOf, patterns) => patterns.iter().any(|p| p.matches(view)),
            Self::Several(Modifier::AllOf, patterns) => patterns.iter().all(|p| p.matches(view)),
            Self::Several(Modifier::OneOf, patterns) => {
                patterns.iter().filter(|p| p.matches(view)).take(2).count() == 1
            }
            Self::In(set) => view.all(|value| set.contains(value)),
            Self::Intersects(set) => view.any(|value| set.contains(value)),
            Self::PathPrefix(prefixes) => view.any(|value| {
                let View::Text(path) = value else {
                    return false;
                };
                prefixes.iter().any(|prefix| prefix.matches(path))
            }),
        }
    }
}

/// Compares two values of a row.
pub(super) fn compare(operator: Operator, left: View<'_>, right: View<'_>) -> bool {
    match operator {
        Operator::Equal | Operator::SameAs => are_equal(left, right),
        Operator::NotEqual => !are_equal(left, right),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            matches!(right, View::Number(number) if is_ordered(operator, left, number))
        }
        Operator::In => left.all(|value| are_equal(value, right)),
        Operator::Intersects => left.any(|value| are_equal(value, right)),
        Operator::Contains | Operator::ContainsBytes => {
            compare_texts(left, right, |text, part| memmem::find(text, part).is_some())
        }
        Operator::ContainsAnyCase => compare_texts(left, right, contains_any_case),
        Operator::StartsWith | Operator::StartsWithBytes => {
            compare_texts(left, right, <[u8]>::starts_with)
        }
        Operator::EndsWith => compare_texts(left, right, <[u8]>::ends_with),
        // Patterns are made when the condition is compiled, never out of a row.
        Operator::Exists
        | Operator::Glob
        | Operator::GlobAnyCase
        | Operator::Regex
        | Operator::PathPrefix => false,
    }
}

fn compare_texts(left: View<'_>, right: View<'_>, holds: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let (View::Text(part) | View::Raw(part)) = right else {
        return false;
    };
    left.any(|value| match value {
        View::Text(text) | View::Raw(text) => holds(text, part),
        View::Bool(_) | View::Number(_) | View::List(_) => false,
    })
}

/// A list equals a value that is among its items, another list if they share
/// one.
fn are_equal(left: View<'_>, right: View<'_>) -> bool {
    match (left, right) {
        (View::Text(a), View::Text(b)) | (View::Raw(a), View::Raw(b)) => a == b,
        (View::Number(a), View::Number(b)) => a.equals(b),
        (View::Bool(a), View::Bool(b)) => a == b,
        (list @ View::List(_), other) | (other, list @ View::List(_)) => {
            list.any(|item| are_equal(item, other))
        }
        (View::Text(_) | View::Raw(_) | View::Number(_) | View::Bool(_), _) => false,
    }
}

fn is_ordered(operator: Operator, left: View<'_>, right: Number) -> bool {
    let View::Number(left) = left else {
        return false;
    };
    match left.order(right) {
        Some(Ordering::Less) => matches!(operator, Operator::Less | Operator::LessOrEqual),
        Some(Ordering::Greater) => matches!(operator, Operator::Greater | Operator::GreaterOrEqual),
        Some(Ordering::Equal) => {
            matches!(operator, Operator::LessOrEqual | Operator::GreaterOrEqual)
        }
        None => false,
    }
}

impl View<'_> {
    /// Whether it holds for the value or, of a list, for some item.
    fn any(self, holds: impl Fn(View<'_>) -> bool) -> bool {
        let View::List(list) = self else {
            return holds(self);
        };
        let mut found = false;
        list.for_each(|item| found = found || holds(view_item(&item)));
        found
    }

    /// Whether it holds for the value or, of a list, for every item; a list
    /// without items has no value.
    fn all(self, holds: impl Fn(View<'_>) -> bool) -> bool {
        let View::List(list) = self else {
            return holds(self);
        };
        let (mut is_empty, mut hold) = (true, true);
        list.for_each(|item| {
            is_empty = false;
            hold = hold && holds(view_item(&item));
        });
        hold && !is_empty
    }
}

fn contains_any_case(text: &[u8], part: &[u8]) -> bool {
    part.is_empty()
        || text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}
