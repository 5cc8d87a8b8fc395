//! From [`Expression`] to what is evaluated.

use std::collections::{BTreeMap, BTreeSet};
use std::num::ParseIntError;
use std::{result, slice};

use memchr::memmem;
use regex::bytes::RegexBuilder;

use super::ast::{self, Operand as Written};
use super::ast::{Call, Check, Expression, Field, Function, Operator, Right, Span, Word};
use super::compare::{Literal, Matcher, Pattern, Set};
use super::error::ExpressionError;
use super::number::Number;
use super::operand::{FieldName, KIND, Operand, TIME};
use super::pattern::{Glob, PathPrefix, decode_hex};
use crate::config::did_you_mean;
use crate::value::ValueType;

type Result<T> = result::Result<T, ExpressionError>;

/// What events may be called and have.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Kinds of events.
    pub kinds: BTreeSet<Box<str>>,
    /// Attributes, with the type of their values where it is the same in every event that has them.
    pub attributes: BTreeMap<Box<str>, Option<ValueType>>,
}

impl Vocabulary {
    /// Adds an attribute.
    pub fn add(&mut self, name: Box<str>, value_type: Option<ValueType>) {
        let known = self.attributes.entry(name).or_insert(value_type);
        *known = known.filter(|known| Some(*known) == value_type);
    }
}

/// What a condition may name.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// Anything: schemas are not there yet. A name that no event has is never an
    /// error then; its value does not exist.
    Anything,
    /// These events with these attributes, and `event` and `time`.
    Only(&'a Vocabulary),
}

/// A condition that can be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) root: Node,
    pub(super) fields: Box<[FieldName]>,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Or(Box<[Self]>),
    And(Box<[Self]>),
    Not(Box<Self>),
    Test(Operand, Matcher),
    Compare(Operand, Operator, Operand),
}

/// How long a compiled regular expression may get, in bytes.
const MAX_REGEX_BYTES: usize = 1 << 20;

pub(super) fn compile(text: &str, expression: &Expression, known: Known<'_>) -> Result<Program> {
    let mut compiler = Compiler {
        text,
        known,
        fields: Vec::new(),
    };
    let root = compiler.node(expression)?;
    Ok(Program {
        root,
        fields: compiler.fields.into(),
    })
}

struct Compiler<'a> {
    text: &'a str,
    known: Known<'a>,
    fields: Vec<FieldName>,
}

impl Compiler<'_> {
    fn node(&mut self, expression: &Expression) -> Result<Node> {
        Ok(match expression {
            Expression::Or(parts) => Node::Or(self.nodes(parts)?),
            Expression::And(parts) => Node::And(self.nodes(parts)?),
            Expression::Not(inner) => Node::Not(Box::new(self.node(inner)?)),
            Expression::Check(check) => self.check(check)?,
            Expression::Macro(name) => {
                let message = format!(
                    "expected an operator behind `{}`: there is no macro of this name",
                    name.text
                );
                return Err(self.error(name.span, message));
            }
        })
    }

    fn nodes(&mut self, parts: &[Expression]) -> Result<Box<[Node]>> {
        parts.iter().map(|part| self.node(part)).collect()
    }

    fn check(&mut self, check: &Check) -> Result<Node> {
        let value_type = self.type_of(&check.left)?;
        let span = span_of(&check.left);
        self.check_type(check.operator, value_type, span)?;
        self.check_kinds(check)?;
        let left = self.operand(&check.left)?;
        let operator = check.operator;
        let matcher = match &check.right {
            Right::Nothing => Matcher::Exists,
            Right::Computed(right) => {
                self.type_of(right)?;
                let right = self.operand(right)?;
                return Ok(Node::Compare(left, operator, right));
            }
            Right::ListName(name) => {
                let message = format!("there is no list `{}`", name.text);
                return Err(self.error(name.span, message));
            }
            Right::Value(value) if operator.is_order() => {
                Matcher::Order(operator, self.number(value)?)
            }
            Right::Value(value) => Matcher::One(self.pattern(operator, value, value_type)?),
            Right::Several(modifier, values) => {
                let patterns = values
                    .iter()
                    .map(|value| self.pattern(operator, value, value_type));
                Matcher::Several(*modifier, patterns.collect::<Result<_>>()?)
            }
            Right::List(values) => self.list(operator, values, value_type)?,
        };
        Ok(Node::Test(left, matcher))
    }

    fn list(
        &self,
        operator: Operator,
        values: &[Word],
        value_type: Option<ValueType>,
    ) -> Result<Matcher> {
        if operator == Operator::PathPrefix {
            let prefixes = values.iter().map(|value| PathPrefix::new(&value.text));
            return Ok(Matcher::PathPrefix(prefixes.collect()));
        }
        let literals = values.iter().map(|value| {
            self.check_value(value, value_type)?;
            Ok(Literal::new(&value.text))
        });
        let set = Set::new(literals.collect::<Result<_>>()?);
        Ok(if operator == Operator::Intersects {
            Matcher::Intersects(set)
        } else {
            Matcher::In(set)
        })
    }

    fn pattern(
        &self,
        operator: Operator,
        value: &Word,
        value_type: Option<ValueType>,
    ) -> Result<Pattern> {
        let text = &*value.text;
        let bytes = || text.as_bytes().into();
        Ok(match operator {
            Operator::Equal | Operator::SameAs => {
                self.check_value(value, value_type)?;
                Pattern::Equal(Literal::new(text))
            }
            Operator::NotEqual => {
                self.check_value(value, value_type)?;
                Pattern::NotEqual(Literal::new(text))
            }
            Operator::Contains => {
                Pattern::Contains(Box::new(memmem::Finder::new(text).into_owned()))
            }
            Operator::ContainsAnyCase => Pattern::ContainsAnyCase(bytes()),
            Operator::ContainsBytes => Pattern::Contains(Box::new(
                memmem::Finder::new(&*self.bytes(value)?).into_owned(),
            )),
            Operator::StartsWith => Pattern::StartsWith(bytes()),
            Operator::StartsWithBytes => Pattern::StartsWith(self.bytes(value)?),
            Operator::EndsWith => Pattern::EndsWith(bytes()),
            Operator::Glob => Pattern::Glob(Glob::new(text, false)),
            Operator::GlobAnyCase => Pattern::Glob(Glob::new(text, true)),
            Operator::Regex => self.regex(value)?,
            Operator::Exists
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::In
            | Operator::Intersects
            | Operator::PathPrefix => {
                let message = format!("`{}` takes no single value", operator.as_str());
                return Err(self.error(value.span, message));
            }
        })
    }

    /// Kernel text is bytes: `.` stands for any of them, so that neither a
    /// newline nor broken UTF-8 in a name gets around a condition.
    fn regex(&self, value: &Word) -> Result<Pattern> {
        let whole = format!(r"\A(?:{})\z", value.text);
        RegexBuilder::new(&whole)
            .unicode(false)
            .dot_matches_new_line(true)
            .size_limit(MAX_REGEX_BYTES)
            .build()
            .map(Pattern::Regex)
            .map_err(|error| {
                let reason = error.to_string();
                let last = reason.lines().next_back().unwrap_or_default();
                let message = format!(
                    "`{}` is no regular expression: {}",
                    value.text,
                    last.trim_start_matches("error: ")
                );
                self.error(value.span, message)
            })
    }

    fn number(&self, value: &Word) -> Result<Number> {
        Number::parse(&value.text).ok_or_else(|| {
            let message = format!("expected a number, found `{}`", value.text);
            self.error(value.span, message)
        })
    }

    fn bytes(&self, value: &Word) -> Result<Box<[u8]>> {
        decode_hex(&value.text).ok_or_else(|| {
            let message = format!(
                "expected bytes as pairs of hex digits, found `{}`",
                value.text
            );
            self.error(value.span, message)
        })
    }

    fn operand(&mut self, operand: &Written) -> Result<Operand> {
        Ok(match operand {
            Written::Field(field) => Operand::Field(self.field(field)?),
            Written::Text(text) => Operand::Text(text.text.as_bytes().into()),
            Written::Call(call) => {
                self.check_arguments(call)?;
                Operand::Call(call.function, self.operands(&call.arguments)?)
            }
            Written::List(items) => Operand::List(self.operands(items)?),
        })
    }

    fn operands(&mut self, operands: &[Written]) -> Result<Box<[Operand]>> {
        operands
            .iter()
            .map(|operand| self.operand(operand))
            .collect()
    }

    fn check_arguments(&self, call: &Call) -> Result<()> {
        let takes_list = |index: usize| call.function == Function::Join && index == 1;
        for (index, argument) in call.arguments.iter().enumerate() {
            if let Written::List(_) = argument
                && !takes_list(index)
            {
                let message = format!("`{}` takes no list here", call.function.as_str());
                return Err(self.error(call.span, message));
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field) -> Result<usize> {
        let item = match field.argument.as_deref() {
            None => None,
            Some(digits) => Some(digits.parse().map_err(|_no_number: ParseIntError| {
                let message = format!("expected the number of a list's item, found `{digits}`");
                self.error(field.span, message)
            })?),
        };
        let name = FieldName {
            name: field.name.clone(),
            item,
        };
        let position = self.fields.iter().position(|known| *known == name);
        Ok(position.unwrap_or_else(|| {
            self.fields.push(name);
            self.fields.len() - 1
        }))
    }

    /// The type of what `operand` gives, where that is known.
    fn type_of(&self, operand: &Written) -> Result<Option<ValueType>> {
        Ok(match operand {
            Written::Call(call) => {
                for argument in &call.arguments {
                    self.type_of(argument)?;
                }
                let is_length = call.function == Function::Length;
                Some(if is_length {
                    ValueType::Uint
                } else {
                    ValueType::Text
                })
            }
            Written::Field(field) => self.type_of_field(field)?,
            Written::Text(_) => Some(ValueType::Text),
            Written::List(items) => {
                for item in items {
                    self.type_of(item)?;
                }
                None
            }
        })
    }

    fn type_of_field(&self, field: &Field) -> Result<Option<ValueType>> {
        let Known::Only(known) = self.known else {
            return Ok(None);
        };
        match &*field.name {
            KIND => return Ok(Some(ValueType::Text)),
            TIME => return Ok(Some(ValueType::Uint)),
            _ => {}
        }
        if let Some(&value_type) = known.attributes.get(&field.name) {
            // The type of a list's items is not fixed by the schema.
            return Ok(value_type.filter(|_| field.argument.is_none()));
        }
        let names = known.attributes.keys().map(AsRef::as_ref);
        let meant = did_you_mean(&field.name, names.chain([KIND, TIME]));
        let message = unknown("attribute", &field.name, meant);
        Err(self.error(field.span, message))
    }

    fn check_type(&self, operator: Operator, value: Option<ValueType>, span: Span) -> Result<()> {
        let Some(value) = value else {
            return Ok(());
        };
        let is_number = matches!(value, ValueType::Int | ValueType::Uint | ValueType::Float);
        let takes_all = matches!(
            operator,
            Operator::Exists
                | Operator::Equal
                | Operator::SameAs
                | Operator::NotEqual
                | Operator::In
                | Operator::Intersects
        );
        let fits = takes_all
            || if operator.is_order() {
                is_number
            } else {
                !is_number && value != ValueType::Bool
            };
        if fits {
            return Ok(());
        }
        let kind = if is_number {
            "a number"
        } else if value == ValueType::Bool {
            "true or false"
        } else {
            "no number"
        };
        let written = self.text.get(span.start..span.end).unwrap_or_default();
        let message = format!(
            "`{}` can't be used here: `{written}` is {kind}",
            operator.as_str()
        );
        Err(self.error(span, message))
    }

    fn check_value(&self, value: &Word, value_type: Option<ValueType>) -> Result<()> {
        let expected = match value_type {
            Some(ValueType::Int | ValueType::Uint | ValueType::Float)
                if Number::parse(&value.text).is_none() =>
            {
                "a number"
            }
            Some(ValueType::Bool) if !matches!(&*value.text, "true" | "false") => "true or false",
            _ => return Ok(()),
        };
        let message = format!("expected {expected}, found `{}`", value.text);
        Err(self.error(value.span, message))
    }

    /// Refuses kinds that no event is of, where one is meant as a whole.
    fn check_kinds(&self, check: &Check) -> Result<()> {
        let (Known::Only(known), Written::Field(field)) = (self.known, &check.left) else {
            return Ok(());
        };
        let is_whole = matches!(
            check.operator,
            Operator::Equal
                | Operator::SameAs
                | Operator::NotEqual
                | Operator::In
                | Operator::Intersects
        );
        if &*field.name != KIND || !is_whole {
            return Ok(());
        }
        let values = match &check.right {
            Right::Value(value) => slice::from_ref(value),
            Right::Several(_, values) | Right::List(values) => values,
            Right::Nothing | Right::Computed(_) | Right::ListName(_) => return Ok(()),
        };
        let not_there = |value: &&Word| !known.kinds.contains(&value.text);
        let Some(value) = values.iter().find(not_there) else {
            return Ok(());
        };
        let meant = did_you_mean(&value.text, known.kinds.iter().map(AsRef::as_ref));
        Err(self.error(value.span, unknown("event", &value.text, meant)))
    }

    fn error(&self, span: Span, message: String) -> ExpressionError {
        ExpressionError::new(self.text, span, message)
    }
}

/// What is said of a name that nothing has; another one may be `meant`.
fn unknown(what: &str, name: &str, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("unknown {what} `{name}`: did you mean `{meant}`?"),
        None => format!("unknown {what} `{name}`"),
    }
}

fn span_of(operand: &ast::Operand) -> Span {
    match operand {
        Written::Field(field) => field.span,
        Written::Call(call) => call.span,
        Written::Text(text) => text.span,
        Written::List(_) => Span::default(),
    }
}
