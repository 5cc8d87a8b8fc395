//! Where a compiled condition takes values from.

use std::sync::Arc;

use super::ast::Function;
use super::number::Number;
use super::pattern::decode_base64;
use crate::batch::RowView;
use crate::schema::EventSchema;
use crate::value::{Item, List, Value};

/// The attribute that is the event's kind.
pub(super) const KIND: &str = "event";
/// The attribute that is the event's time, nanoseconds since 1970.
pub(super) const TIME: &str = "time";

/// An attribute as a condition names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldName {
    pub(super) name: Box<str>,
    /// Which item of a list is meant.
    pub(super) item: Option<usize>,
}

/// Where an attribute stands, for rows of one schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Kind,
    Time,
    Attribute(usize),
    /// The `_raw` companion of the attribute at this position.
    Raw(usize),
    /// The `_truncated` companion.
    Truncated(usize),
    /// Beside the schema: found by name.
    Named,
}

impl Source {
    pub(super) fn find(schema: &EventSchema, name: &str) -> Self {
        match name {
            KIND => return Self::Kind,
            TIME => return Self::Time,
            _ => {}
        }
        for (position, attribute) in schema.attributes.iter().enumerate() {
            if attribute.key.name() == name {
                return Self::Attribute(position);
            }
            if attribute.raw_key.name() == name {
                return Self::Raw(position);
            }
            if attribute.truncated_key.name() == name {
                return Self::Truncated(position);
            }
        }
        Self::Named
    }

    fn read<'a>(self, row: &RowView<'a>, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Kind => Some(Value::Str(row.schema().name.name())),
            Self::Time => Some(Value::Uint(row.time().0)),
            Self::Attribute(position) => row.attribute(position),
            Self::Raw(position) => match row.attribute(position)? {
                Value::Text(bytes) => Some(Value::Raw(bytes)),
                Value::List(list) if !list.is_utf8() => Some(Value::RawList(list)),
                Value::List(_)
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Uint(_)
                | Value::Float(_)
                | Value::Str(_)
                | Value::Short(_)
                | Value::Raw(_)
                | Value::RawList(_) => None,
            },
            Self::Truncated(position) => {
                row.attribute(position)?;
                let attribute = row.schema().attributes.get(position)?;
                let cut = attribute.field.is_truncated(row.record());
                cut.then_some(Value::Bool(true))
            }
            Self::Named => row.beside_schema(name),
        }
    }
}

/// What a comparison takes its value from.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Field(usize),
    Text(Box<[u8]>),
    Call(Function, Box<[Self]>),
    List(Box<[Self]>),
}

/// A row with what is known of its schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'r, 'a> {
    pub(super) row: &'r RowView<'a>,
    pub(super) fields: &'r [FieldName],
    pub(super) sources: &'r [Source],
}

/// A value at hand: the row's own, or one that a transformer made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Got<'a> {
    Value(Value<'a>),
    Item(Item<'a>),
    Number(u64),
    /// Bytes of the scratch memory.
    Made {
        start: usize,
        end: usize,
    },
}

/// A value as comparisons see it.
#[derive(Clone, Copy, Debug)]
pub(super) enum View<'v> {
    Bool(bool),
    Number(Number),
    Text(&'v [u8]),
    Raw(&'v [u8]),
    List(List<'v>),
}

impl<'a> Got<'a> {
    pub(super) fn view<'v>(&'v self, scratch: &'v [u8]) -> View<'v>
    where
        'a: 'v,
    {
        match self {
            Self::Number(number) => View::Number(Number::Integer(i128::from(*number))),
            Self::Made { start, end } => View::Text(scratch.get(*start..*end).unwrap_or_default()),
            Self::Item(item) => view_item(item),
            Self::Value(value) => match value {
                Value::Bool(value) => View::Bool(*value),
                Value::Int(value) => View::Number(Number::Integer(i128::from(*value))),
                Value::Uint(value) => View::Number(Number::Integer(i128::from(*value))),
                Value::Float(value) => View::Number(Number::Float(*value)),
                Value::Str(text) => View::Text(text.as_bytes()),
                Value::Short(text) => View::Text(text.as_str().as_bytes()),
                Value::Text(bytes) => View::Text(bytes),
                Value::Raw(bytes) => View::Raw(bytes),
                Value::List(list) | Value::RawList(list) => View::List(*list),
            },
        }
    }
}

pub(super) fn view_item<'v>(item: &'v Item<'_>) -> View<'v> {
    match item {
        Item::Text(bytes) => View::Text(bytes),
        Item::Short(text) => View::Text(text.as_str().as_bytes()),
        Item::Int(value) => View::Number(Number::Integer(i128::from(*value))),
        Item::Uint(value) => View::Number(Number::Integer(i128::from(*value))),
    }
}

impl Operand {
    /// The value for this row; `None` where there is none. What transformers
    /// make is appended to `scratch`.
    pub(super) fn get<'a>(&self, reader: Reader<'_, 'a>, scratch: &mut Vec<u8>) -> Option<Got<'a>> {
        match self {
            Self::Field(index) => {
                let field = reader.fields.get(*index)?;
                let value = reader.sources.get(*index)?.read(reader.row, &field.name)?;
                match field.item {
                    None => Some(Got::Value(value)),
                    Some(item) => nth(value, item).map(Got::Item),
                }
            }
            Self::Text(text) => Some(keep(scratch, |out| out.extend_from_slice(text))),
            Self::List(_) => None,
            Self::Call(function, arguments) => call(*function, arguments, reader, scratch),
        }
    }
}

fn nth(value: Value<'_>, item: usize) -> Option<Item<'_>> {
    let (Value::List(list) | Value::RawList(list)) = value else {
        return None;
    };
    let (mut at, mut found) = (0, None);
    list.for_each(|one| {
        if at == item {
            found = Some(one);
        }
        at += 1;
    });
    found
}

fn call<'a>(
    function: Function,
    arguments: &[Operand],
    reader: Reader<'_, 'a>,
    scratch: &mut Vec<u8>,
) -> Option<Got<'a>> {
    match (function, arguments) {
        (Function::Join, [separator, list]) => join(separator, list, reader, scratch),
        (Function::Concat, parts) => concat(parts, reader, scratch),
        (Function::Length, [one]) => {
            let got = one.get(reader, scratch)?;
            let length = match got.view(scratch) {
                View::Text(bytes) | View::Raw(bytes) => bytes.len(),
                View::List(list) => {
                    let mut count = 0;
                    list.for_each(|_| count += 1);
                    count
                }
                View::Bool(_) | View::Number(_) => return None,
            };
            Some(Got::Number(u64::try_from(length).ok()?))
        }
        (_, [one]) => {
            let got = one.get(reader, scratch)?;
            let start = scratch.len();
            // The text may stand in the scratch memory itself: it is copied to the end first.
            append_text(&got, scratch)?;
            change(function, start, scratch)
        }
        _ => None,
    }
}

/// Turns the text from `start` to the end of `scratch` into what `function`
/// makes of it.
fn change<'a>(function: Function, start: usize, scratch: &mut Vec<u8>) -> Option<Got<'a>> {
    let text = scratch.get_mut(start..)?;
    match function {
        Function::ToLower => text.make_ascii_lowercase(),
        Function::ToUpper => text.make_ascii_uppercase(),
        Function::BaseName => {
            let slash = text.iter().rposition(|&byte| byte == b'/');
            let start = slash.map_or(start, |at| start + at + 1);
            let end = scratch.len();
            return Some(Got::Made { start, end });
        }
        Function::Base64 => {
            let end = start + decode_base64(text)?;
            scratch.truncate(end);
        }
        Function::Length | Function::Join | Function::Concat => return None,
    }
    let end = scratch.len();
    Some(Got::Made { start, end })
}

fn join<'a>(
    separator: &Operand,
    list: &Operand,
    reader: Reader<'_, 'a>,
    scratch: &mut Vec<u8>,
) -> Option<Got<'a>> {
    if let Operand::List(parts) = list {
        let start = scratch.len();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                append_operand(separator, reader, scratch)?;
            }
            append_operand(part, reader, scratch)?;
        }
        let end = scratch.len();
        return Some(Got::Made { start, end });
    }
    let separator = separator.get(reader, scratch)?;
    let Got::Value(Value::List(list)) = list.get(reader, scratch)? else {
        return None;
    };
    let start = scratch.len();
    let mut is_first = true;
    list.for_each(|item| {
        if !is_first {
            append_text(&separator, scratch).unwrap_or_default();
        }
        is_first = false;
        append_view(view_item(&item), scratch).unwrap_or_default();
    });
    let end = scratch.len();
    Some(Got::Made { start, end })
}

fn concat<'a>(parts: &[Operand], reader: Reader<'_, 'a>, scratch: &mut Vec<u8>) -> Option<Got<'a>> {
    let start = scratch.len();
    for part in parts {
        append_operand(part, reader, scratch)?;
    }
    let end = scratch.len();
    Some(Got::Made { start, end })
}

/// Appends the text of `operand` and nothing else: what it needed on the way is
/// overwritten.
fn append_operand(operand: &Operand, reader: Reader<'_, '_>, scratch: &mut Vec<u8>) -> Option<()> {
    let before = scratch.len();
    let got = operand.get(reader, scratch)?;
    let start = scratch.len();
    append_text(&got, scratch)?;
    let length = scratch.len() - start;
    scratch.copy_within(start.., before);
    scratch.truncate(before + length);
    Some(())
}

fn keep<'a>(scratch: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Got<'a> {
    let start = scratch.len();
    write(scratch);
    let end = scratch.len();
    Got::Made { start, end }
}

/// Appends the text of `got`, which may stand in `scratch` itself.
fn append_text(got: &Got<'_>, scratch: &mut Vec<u8>) -> Option<()> {
    if let Got::Made { start, end } = got {
        scratch.extend_from_within(*start..*end);
        return Some(());
    }
    append_view(got.view(&[]), scratch)
}

/// Appends what is shown of a value; `None` for lists.
fn append_view(view: View<'_>, out: &mut Vec<u8>) -> Option<()> {
    use std::io::Write as _;
    match view {
        View::Text(bytes) => out.extend_from_slice(bytes),
        View::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        View::Number(Number::Integer(value)) => write!(out, "{value}").ok()?,
        View::Number(Number::Float(value)) => write!(out, "{value}").ok()?,
        View::Raw(bytes) => bytes
            .iter()
            .try_for_each(|byte| write!(out, "{byte:02x}"))
            .ok()?,
        View::List(_) => return None,
    }
    Some(())
}

/// Where the attributes of a condition stand, schema by schema.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceCache {
    known: Vec<(Arc<EventSchema>, Box<[Source]>)>,
    last: usize,
}

impl SourceCache {
    /// Schemas beyond these begin the cache anew: objects may come and go.
    const MAX_SCHEMAS: usize = 256;

    pub(super) fn get(&mut self, schema: &Arc<EventSchema>, fields: &[FieldName]) -> &[Source] {
        let is_it = |known: &(Arc<EventSchema>, Box<[Source]>)| Arc::ptr_eq(&known.0, schema);
        // Rows of one kind come in runs.
        if !self.known.get(self.last).is_some_and(is_it) {
            let known = self.known.iter().position(is_it);
            self.last = known.unwrap_or_else(|| self.learn(schema, fields));
        }
        self.known
            .get(self.last)
            .map_or(&[], |(_, sources)| sources)
    }

    fn learn(&mut self, schema: &Arc<EventSchema>, fields: &[FieldName]) -> usize {
        if self.known.len() >= Self::MAX_SCHEMAS {
            self.known.clear();
        }
        let find = |field: &FieldName| Source::find(schema, &field.name);
        let sources = fields.iter().map(find).collect();
        self.known.push((Arc::clone(schema), sources));
        self.known.len() - 1
    }
}
