//! The language of conditions: Falco's grammar over our attribute names.
//!
//! ```text
//! process.executable.name in (sh, bash) and not container.id exists
//! ```
//!
//! `or` binds weaker than `and`, `and` weaker than `not`; parentheses group.
//!
//! | operator | holds if |
//! |---|---|
//! | `exists` | the attribute has a value |
//! | `= == !=` | the values are equal, or not |
//! | `< <= > >=` | the numbers are in this order |
//! | `contains icontains` | the text has this part; `i`: ASCII letters in either case |
//! | `startswith endswith` | it begins or ends so |
//! | `bcontains bstartswith` | the same of bytes, written in hex |
//! | `glob iglob` | a shell pattern matches all of the text; `*` matches `/` too |
//! | `regex` | a regular expression matches all of the text, `.` any byte |
//! | `in` | the value is one of the list's; of a list: every item is |
//! | `intersects` | some item is one of the list's |
//! | `pmatch` | the path is one of these or below it, part by part; parts may be globs |
//!
//! The operators on text take several values too: `startswith anyof (/etc, /usr)`;
//! `oneof` wants exactly one to match, `allof` all. `val(NAME)` and
//! transformers give a computed value: `NAME = basename(OTHER)`. The
//! transformers: `tolower toupper b64` (decodes) `basename len join concat`.
//! `NAME[n]` is a list's item, counted from 0.
//!
//! Rules that surprise:
//!
//! - A comparison with a value that does not exist is false, `!=` too; hence
//!   `not NAME exists`.
//! - The type of the attribute decides how a written value is read: as a number
//!   for numbers, as text for texts, as an address or network where the text is
//!   an address (`NAME = 10.0.0.0/8`).
//! - On a list, `=` and the operators on text hold if they hold for an item,
//!   `!=` if no item is equal.
//! - A bare value ends at a blank or one of `( ) " ' = ,`; others stand in
//!   quotes, where `\b \f \n \r \t \\ \/ \" \'` are escapes.
//!
//! `event` is the event's kind, `time` its time in nanoseconds since 1970.

mod ast;
mod compare;
mod compile;
mod error;
mod number;
mod operand;
mod parser;
mod pattern;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use ast::{Call, Check, Expression, Field, Function, Modifier, Operand, Operator};
pub use ast::{Right, Span, Word};
pub use compile::{Known, Vocabulary};
pub use error::ExpressionError;
pub use parser::{MAX_DEPTH, MAX_LENGTH, parse};
pub use pattern::Glob;

use crate::batch::RowView;
use compile::{Node, Program};
use operand::{Reader, SourceCache};

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
        Self::compile(text, &parse(text)?, known)
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
