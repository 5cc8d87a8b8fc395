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
mod condition;
mod error;
mod number;
mod operand;
mod parser;
mod pattern;
#[cfg(test)]
mod tests;

pub use ast::{Call, Check, Expression, Field, Function, Modifier, Operand, Operator};
pub use ast::{Right, Span, Word};
pub use compile::{Known, Vocabulary};
pub use condition::Condition;
pub use error::ExpressionError;
pub use parser::{MAX_DEPTH, MAX_LENGTH, parse};
pub use pattern::Glob;
