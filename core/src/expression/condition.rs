//! A condition, and whether it holds.

use std::sync::Arc;

use super::ast::Expression;
use super::compile::{self, Known, Node, Program};
use super::error::ExpressionError;
use super::operand::{Reader, SourceCache};
use super::{compare, parser};
use crate::batch::RowView;

/// A condition that rows are held against.
///
/// Where its attributes stand in a row is found once a schema. Nothing is
/// allocated for a row, but for the first ones that a transformer sees.
#[derive(Clone, Debug)]
pub struct Condition {
    program: Arc<Program>,
    sources: SourceCache,
    scratch: Vec<u8>,
}

impl Condition {
    /// Parses and compiles `text`.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn new(text: &str, known: Known<'_>) -> Result<Self, ExpressionError> {
        Self::compile(text, &parser::parse(text)?, known)
    }

    /// Compiles what was parsed from `text`, where macros and lists have been
    /// put in.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn compile(
        text: &str,
        expression: &Expression,
        known: Known<'_>,
    ) -> Result<Self, ExpressionError> {
        Ok(Self {
            program: Arc::new(compile::compile(text, expression, known)?),
            sources: SourceCache::default(),
            scratch: Vec::new(),
        })
    }

    /// Whether it holds for `row`.
    pub fn matches(&mut self, row: &RowView<'_>) -> bool {
        let fields = &self.program.fields;
        let reader = Reader {
            row,
            fields,
            sources: self.sources.get(row.schema(), fields),
        };
        self.program.root.holds(reader, &mut self.scratch)
    }

    /// The names of the attributes that it looks at.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.program.fields.iter().map(|field| &*field.name)
    }
}

impl Node {
    fn holds(&self, reader: Reader<'_, '_>, scratch: &mut Vec<u8>) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.holds(reader, scratch)),
            Self::And(parts) => parts.iter().all(|part| part.holds(reader, scratch)),
            Self::Not(inner) => !inner.holds(reader, scratch),
            Self::Test(operand, matcher) => {
                scratch.clear();
                operand
                    .get(reader, scratch)
                    .is_some_and(|got| matcher.matches(got.view(scratch)))
            }
            Self::Compare(left, operator, right) => {
                scratch.clear();
                let left = left.get(reader, scratch);
                let right = right.get(reader, scratch);
                left.zip(right).is_some_and(|(left, right)| {
                    compare::compare(*operator, left.view(scratch), right.view(scratch))
                })
            }
        }
    }
}
