//! Events in words for people: the details of the console's table and the body
//! of a log record are the same text.

mod escape;
mod kind;
mod sentence;
mod value;

pub(crate) use escape::write_harmless;
#[cfg(test)]
pub(crate) use escape::write_word;
pub(crate) use kind::{Detail, Form, Kind, Kinds};
pub(crate) use sentence::Sentences;
pub(crate) use value::{ListForm, write_detail, write_nanoseconds, write_value};
