//! From text to [`Expression`]: recursive descent without a separate lexer,
//! because what a sign means depends on where it stands (`/`, `-` and `*` are
//! part of a bare value).

use std::result;

use super::ast::{Call, Check, Expression, Field, Function, Modifier, Operand, Operator};
use super::ast::{Right, Span, Word};
use super::error::ExpressionError;
use super::number::Number;
use crate::config::did_you_mean;

/// How long a condition may be, in bytes.
pub const MAX_LENGTH: usize = 1 << 20;
/// How deep parentheses, `not` and transformers may be nested.
pub const MAX_DEPTH: usize = 100;

/// Takes the value of another attribute for comparison.
const VALUE_OF: &str = "val";

type Result<T> = result::Result<T, ExpressionError>;

/// Parses a condition.
///
/// # Errors
/// The first thing that is not as the grammar has it.
pub fn parse(text: &str) -> Result<Expression> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    if text.len() > MAX_LENGTH {
        return Err(parser.error(format!("the condition is longer than {MAX_LENGTH} bytes")));
    }
    let expression = parser.either()?;
    parser.skip_blanks();
    if parser.at < text.len() {
        return Err(parser.expected("`and`, `or` or the end"));
    }
    Ok(expression)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// What conditions joined by `or`.
    fn either(&mut self) -> Result<Expression> {
        let mut parts = vec![self.all()?];
        while self.take_keyword("or") {
            parts.push(self.all()?);
        }
        Ok(alone_or(parts, Expression::Or))
    }

    fn all(&mut self) -> Result<Expression> {
        let mut parts = vec![self.negation()?];
        while self.take_keyword("and") {
            parts.push(self.negation()?);
        }
        Ok(alone_or(parts, Expression::And))
    }

    fn negation(&mut self) -> Result<Expression> {
        if self.take_keyword("not") {
            let inner = self.nested(Self::negation)?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.nested(Self::either)?;
            self.expect(")", "`)`, `and` or `or`")?;
            return Ok(inner);
        }
        self.check()
    }

    fn check(&mut self) -> Result<Expression> {
        const EXPECTED: &str = "an attribute, a transformer, `not` or `(`";
        self.skip_blanks();
        let name = self.peek_word();
        if matches!(name, "and" | "or") {
            return Err(self.expected(EXPECTED));
        }
        let left = self.operand(EXPECTED)?;
        let Some(operator) = self.operator() else {
            return match left {
                Operand::Field(field) if is_macro(&field) => Ok(Expression::Macro(Word {
                    text: field.name,
                    span: field.span,
                })),
                Operand::Field(_) | Operand::Call(_) | Operand::Text(_) | Operand::List(_) => {
                    Err(self.expected_operator())
                }
            };
        };
        let right = self.right(operator)?;
        Ok(Expression::Check(Check {
            left,
            operator,
            right,
        }))
    }

    fn operator(&mut self) -> Option<Operator> {
        self.skip_blanks();
        let letters = self.peek_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let known = |operator: &&Operator| match operator.is_word() {
            true => operator.as_str() == letters,
            false => self.rest().starts_with(operator.as_str()),
        };
        // Longer signs stand before their beginnings in the list.
        let operator = *Operator::ALL.iter().find(known)?;
        self.at += operator.as_str().len();
        Some(operator)
    }

    fn expected_operator(&self) -> ExpressionError {
        let found = self.peek_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let names = Operator::ALL.iter().map(|operator| operator.as_str());
        match did_you_mean(found, names) {
            Some(name) => self.expected(&format!("an operator (did you mean `{name}`?)")),
            None => self.expected("an operator such as `=`, `in`, `startswith` or `exists`"),
        }
    }

    fn right(&mut self, operator: Operator) -> Result<Right> {
        if operator == Operator::Exists {
            return Ok(Right::Nothing);
        }
        self.skip_blanks();
        if !operator.is_order()
            && !operator.takes_list()
            && let Some(modifier) = self.modifier()
        {
            self.expect("(", "`(`")?;
            return Ok(Right::Several(modifier, self.values()?));
        }
        if let Some(computed) = self.computed()? {
            if operator.is_pattern() {
                let message = format!("`{}` takes no computed value", operator.as_str());
                return Err(self.error(message));
            }
            return Ok(Right::Computed(computed));
        }
        if operator.takes_list() {
            return self.list_or_name();
        }
        let value = self.value(if operator.is_order() {
            "a number"
        } else {
            "a value"
        })?;
        if operator.is_order() && Number::parse(&value.text).is_none() {
            let message = format!("expected a number, found `{}`", value.text);
            return Err(ExpressionError::new(self.text, value.span, message));
        }
        Ok(Right::Value(value))
    }

    fn list_or_name(&mut self) -> Result<Right> {
        if self.take("(") {
            return Ok(Right::List(self.values()?));
        }
        const EXPECTED: &str = "a list such as `(a, b)`";
        let name = self.peek_word();
        if name.is_empty() {
            return Err(self.expected(EXPECTED));
        }
        Ok(Right::ListName(self.word(name)))
    }

    /// A modifier, if one stands here with a list behind it.
    fn modifier(&mut self) -> Option<Modifier> {
        let modifier = Modifier::named(self.peek_word())?;
        let behind = self.rest().get(modifier.as_str().len()..)?;
        if !behind.trim_start_matches(is_blank).starts_with('(') {
            return None;
        }
        self.at += modifier.as_str().len();
        Some(modifier)
    }

    /// Values up to the closing parenthesis; the opening one is taken.
    fn values(&mut self) -> Result<Vec<Word>> {
        let mut values = Vec::new();
        if self.take(")") {
            return Ok(values);
        }
        loop {
            values.push(self.value("a value")?);
            if self.take(")") {
                return Ok(values);
            }
            self.expect(",", "`,` or `)`")?;
        }
    }

    fn value(&mut self, what: &str) -> Result<Word> {
        self.skip_blanks();
        if self.rest().starts_with(['"', '\'']) {
            return self.quoted();
        }
        let bare = self.peek_while(|c| !is_blank(c) && !"()\"'=,".contains(c));
        if bare.is_empty() {
            return Err(self.expected(what));
        }
        Ok(self.word(bare))
    }

    fn quoted(&mut self) -> Result<Word> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let mut text = String::new();
        let quote = chars.next().map_or('"', |(_, quote)| quote);
        while let Some((at, c)) = chars.next() {
            let c = match c {
                c if c == quote => {
                    self.at += at + 1;
                    let span = Span {
                        start,
                        end: self.at,
                    };
                    let text = text.into();
                    return Ok(Word { text, span });
                }
                '\\' => chars.next().and_then(|(_, c)| unescape(c)).ok_or_else(|| {
                    let start = start + at;
                    let span = Span {
                        start,
                        end: start + 1,
                    };
                    let message = r#"expected one of the escapes \b \f \n \r \t \\ \/ \" \'"#;
                    ExpressionError::new(self.text, span, message)
                })?,
                c => c,
            };
            text.push(c);
        }
        Err(self.error(format!("the closing {quote} is missing")))
    }

    /// `val(...)` or a transformer, if one stands here.
    fn computed(&mut self) -> Result<Option<Operand>> {
        let name = self.peek_word();
        let is_call = self
            .rest()
            .get(name.len()..)
            .is_some_and(|rest| rest.starts_with('('));
        if name.is_empty() || !is_call {
            return Ok(None);
        }
        if name != VALUE_OF {
            return self.operand("a transformer").map(Some);
        }
        self.at += name.len() + 1;
        let inner = self.nested(|parser| parser.operand("an attribute"))?;
        self.expect(")", "`)`")?;
        Ok(Some(inner))
    }

    fn operand(&mut self, expected: &str) -> Result<Operand> {
        self.skip_blanks();
        let name = self.peek_word();
        if name.is_empty() {
            return Err(self.expected(expected));
        }
        let word = self.word(name);
        if self.rest().starts_with('(') {
            return self.call(word).map(Operand::Call);
        }
        let argument = self.argument()?;
        Ok(Operand::Field(Field {
            name: word.text,
            argument,
            span: word.span,
        }))
    }

    fn argument(&mut self) -> Result<Option<Box<str>>> {
        if !self.rest().starts_with('[') {
            return Ok(None);
        }
        self.at += 1;
        let argument = if self.rest().starts_with(['"', '\'']) {
            self.quoted()?.text
        } else {
            let bare = self.peek_while(|c| c != ']');
            self.word(bare).text
        };
        self.expect("]", "`]`")?;
        Ok(Some(argument))
    }

    fn call(&mut self, name: Word) -> Result<Call> {
        let names = || Function::ALL.iter().map(|function| function.as_str());
        let function = Function::named(&name.text).ok_or_else(|| {
            let known: Vec<_> = names().collect();
            let message = match did_you_mean(&name.text, names()) {
                Some(meant) => format!(
                    "unknown transformer `{}`: did you mean `{meant}`?",
                    name.text
                ),
                None if &*name.text == VALUE_OF => "`val` stands only behind an operator".into(),
                None => format!(
                    "unknown transformer `{}`: there are {}",
                    name.text,
                    known.join(", ")
                ),
            };
            ExpressionError::new(self.text, name.span, message)
        })?;
        self.at += 1;
        let arguments = self.nested(Self::arguments)?;
        let span = Span {
            start: name.span.start,
            end: self.at,
        };
        let (least, most, takes) = match function {
            Function::Join => (2, 2, "two arguments: a separator and a list"),
            Function::Concat => (1, usize::MAX, "one argument or more"),
            Function::ToLower
            | Function::ToUpper
            | Function::Base64
            | Function::BaseName
            | Function::Length => (1, 1, "one argument"),
        };
        if arguments.len() < least || arguments.len() > most {
            let message = format!("`{}` takes {takes}", function.as_str());
            return Err(ExpressionError::new(self.text, span, message));
        }
        Ok(Call {
            function,
            arguments,
            span,
        })
    }

    /// A transformer's arguments up to the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Operand>> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            self.skip_blanks();
            arguments.push(if self.rest().starts_with(['"', '\'']) {
                Operand::Text(self.quoted()?)
            } else if self.take("(") {
                Operand::List(self.nested(Self::arguments)?)
            } else {
                self.operand("an attribute, a transformer or a text in quotes")?
            });
            if self.take(")") {
                return Ok(arguments);
            }
            self.expect(",", "`,` or `)`")?;
        }
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let result = inner(self)?;
        self.depth -= 1;
        Ok(result)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
    }

    fn peek_while(&self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    /// The name that stands here: letters, digits and `_ . - /`, a letter first.
    fn peek_word(&self) -> &'a str {
        if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return "";
        }
        self.peek_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
    }

    fn word(&mut self, text: &str) -> Word {
        let start = self.at;
        self.at += text.len();
        Word {
            text: text.into(),
            span: Span {
                start,
                end: self.at,
            },
        }
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        self.skip_blanks();
        let found = self.peek_word() == keyword;
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn expect(&mut self, sign: &str, what: &str) -> Result<()> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.expected(what))
    }

    fn expected(&self, what: &str) -> ExpressionError {
        let found = self.peek_while(|c| !is_blank(c) && !"(),".contains(c));
        let found = match (found, self.rest().chars().next()) {
            (_, None) => "the end".to_owned(),
            ("", Some(sign)) => format!("`{sign}`"),
            (found, Some(_)) => format!("`{found}`"),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    fn error(&self, message: String) -> ExpressionError {
        let span = Span {
            start: self.at,
            end: self.at,
        };
        ExpressionError::new(self.text, span, message)
    }
}

fn alone_or(mut parts: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(alone) if parts.is_empty() => alone,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}

/// Names of macros have no dot; nothing stands in brackets behind them.
fn is_macro(field: &Field) -> bool {
    field.argument.is_none() && !field.name.contains('.')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn unescape(c: char) -> Option<char> {
    Some(match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        // An escaped blank is one backslash in rules that are out there.
        ' ' => '\\',
        '\\' | '/' | '"' | '\'' => c,
        _ => return None,
    })
}
