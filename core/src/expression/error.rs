//! What is wrong with a condition.

use super::ast::Span;

/// Why a condition can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {column}: {message}")]
pub struct ExpressionError {
    /// Where, in bytes from the start of the text.
    pub span: Span,
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What was expected and what is there.
    pub message: String,
}

impl ExpressionError {
    pub(super) fn new(text: &str, span: Span, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        Self {
            span,
            column: before.chars().count() + 1,
            message: message.into(),
        }
    }
}
