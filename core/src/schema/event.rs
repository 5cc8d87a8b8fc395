//! The schema of one event kind.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::field::{Field, Part, Shape};
use crate::key::Key;
use crate::value::{Value, ValueType};

/// An event kind: its name and attributes in the order of its struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSchema {
    /// The event's name, such as `process.exec`; as a prepared JSON string too.
    pub name: Key,
    /// The probe that makes it.
    pub probe: Box<str>,
    /// Bytes of the fixed part of a record; shorter records are broken.
    pub size: u32,
    /// What it carries.
    pub attributes: Vec<Attribute>,
    /// Where the header's values stand; `None` for objects without our header.
    pub header: Option<HeaderFields>,
    /// What the event means for the process table.
    pub lifecycle: Option<Arc<Lifecycle>>,
}

/// One attribute of an event kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub key: Key,
    /// The name with `_raw`: exact bytes of text that is not UTF-8.
    pub raw_key: Key,
    /// The name with `_truncated`.
    pub truncated_key: Key,
    /// Where it stands.
    pub field: Field,
    /// UCUM unit, where it has one.
    pub unit: Option<Box<str>>,
}

/// Where the values that every record of ours begins with stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the header's roles")]
pub struct HeaderFields {
    pub time: Field,
    pub start_time: Field,
    pub exec_count: Field,
    pub pid: Field,
    pub parent_pid: Field,
    pub cgroup_id: Field,
    pub cgroup_hierarchy: Field,
    /// Bytes of the header's struct, which every record begins with: what
    /// stands in them describes the actor, what stands behind them the event.
    pub size: u32,
}

/// What an event tells the process table, found by role tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// `exec`, `fork`, `exit`, `task` (a process that was there before),
    /// `cgroup` or `cgroup_end`.
    pub role: Box<str>,
    /// Further fields by role name.
    pub fields: Vec<(Box<str>, Field)>,
}

impl Lifecycle {
    /// The field with this role.
    #[must_use]
    pub fn field(&self, role: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|(name, _)| &**name == role)
            .map(|(_, field)| field)
    }
}

impl Attribute {
    /// An attribute called `name` at `field`.
    #[must_use]
    pub fn new(name: &str, field: Field, unit: Option<&str>) -> Self {
        Self {
            key: Key::new(name),
            raw_key: Key::new(&format!("{name}_raw")),
            truncated_key: Key::new(&format!("{name}_truncated")),
            field,
            unit: unit.map(Into::into),
        }
    }

    /// Every name under which this attribute can show up, with the type of the
    /// values there: itself, then its `_raw` and `_truncated` companions.
    pub fn columns(&self) -> impl Iterator<Item = (&Key, ValueType)> {
        let value_type = self.field.shape.value_type();
        let raw_type = if value_type == ValueType::List {
            ValueType::RawList
        } else {
            ValueType::Raw
        };
        let raw = self
            .field
            .shape
            .may_break()
            .then_some((&self.raw_key, raw_type));
        let cut = self
            .field
            .shape
            .is_tail()
            .then_some((&self.truncated_key, ValueType::Bool));
        std::iter::once((&self.key, value_type))
            .chain(raw)
            .chain(cut)
    }

    /// Calls `each` with the attribute's value, if it exists, and its
    /// companions.
    pub fn visit<'a>(&'a self, record: &'a [u8], each: &mut impl FnMut(&'a Key, Value<'a>)) {
        if let Some(value) = self.field.read(record) {
            self.visit_value(value, self.field.is_truncated(record), each);
        }
    }

    /// As [`Self::visit`], with a value that is already at hand.
    pub(crate) fn visit_value<'a>(
        &'a self,
        value: Value<'a>,
        truncated: bool,
        each: &mut impl FnMut(&'a Key, Value<'a>),
    ) {
        each(&self.key, value);
        visit_raw(&self.raw_key, value, each);
        if truncated {
            each(&self.truncated_key, Value::Bool(true));
        }
    }
}

/// Calls `each` with the exact bytes of `value` if it is text that is not UTF-8.
fn visit_raw<'a>(raw_key: &'a Key, value: Value<'a>, each: &mut impl FnMut(&'a Key, Value<'a>)) {
    match value {
        Value::Text(bytes) => each(raw_key, Value::Raw(bytes)),
        Value::List(list) if !list.is_utf8() => each(raw_key, Value::RawList(list)),
        Value::List(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Float(_)
        | Value::Str(_)
        | Value::Short(_)
        | Value::Raw(_)
        | Value::RawList(_) => {}
    }
}

impl EventSchema {
    /// Whether `attribute` is one of the header's: about the actor, not about
    /// what happened.
    #[must_use]
    pub fn is_of_header(&self, attribute: &Attribute) -> bool {
        self.header
            .as_ref()
            .is_some_and(|header| attribute.field.offset < header.size)
    }

    /// How many of the first attributes say something of the actor that stands
    /// in the header itself.
    #[must_use]
    pub fn header_attributes(&self) -> usize {
        let is_in_header = |attribute: &&Attribute| {
            self.is_of_header(attribute) && !attribute.field.shape.is_tail()
        };
        self.attributes.iter().take_while(is_in_header).count()
    }

    /// Where in a record the bytes of those attributes stand.
    #[must_use]
    pub fn header_bytes(&self) -> Option<Range<usize>> {
        let end = self.header.as_ref()?.size;
        let attributes = self.attributes.get(..self.header_attributes())?;
        let start = attributes.iter().map(|one| one.field.offset).min()?;
        Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// The position of the attribute called `name`.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.attributes
            .iter()
            .position(|attribute| attribute.key.name() == name)
    }

    /// The attributes that show a list as one text, with their positions.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (usize, &Attribute)> {
        let is_joined = |shape: &Shape| matches!(shape, Shape::TextList(Part::Joined));
        self.attributes
            .iter()
            .enumerate()
            .filter(move |(_, attribute)| is_joined(&attribute.field.shape))
    }
}
