//! Records described in the configuration, for objects whose BTF does not have
//! their struct.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use eunomia_core::key::Key;
use eunomia_core::schema::{Attribute, EventSchema, Field, IntegerSize, Render, Shape};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::schema::{Event, prefix};
use super::shape;

/// A record: its event, its size, and where its fields stand. Bytes that no
/// field names are left out; fields may overlap, as in a union.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", deny_unknown_fields)]
pub struct Layout {
    /// The event's name; `eunomia.<probe>` if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Bytes of a record.
    pub size: u32,
    /// The fields in the order of their attributes, which are called
    /// `eunomia.<probe>.<field>`: `NAME: TYPE@OFFSET`.
    pub fields: LayoutFields,
}

/// Fields by name, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutFields(pub Vec<(String, LayoutField)>);

/// A type at an offset in bytes: `u32@0`, `char[127]@40`. Types are u8, u16,
/// u32, u64, s8 (or i8) to s64, bool, char, f32, f64 and ptr, and arrays of
/// integers and char.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutField {
    /// As it is written.
    text: String,
    shape: Shape,
    offset: u32,
}

/// Why a layout is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum LayoutError {
    /// There is no offset.
    #[error("expected TYPE@OFFSET such as \"u32@0\" or \"char[16]@8\", found \"{text}\"")]
    Form { text: String },
    /// The type is none that is known.
    #[error(
        "unknown type \"{name}\": known are u8, u16, u32, u64, s8, s16, s32, s64 (also i8 to i64), \
         bool, char, f32, f64, ptr, and arrays of integers and char such as char[16]"
    )]
    Type { name: String },
    /// The array has no length that makes sense.
    #[error("\"{text}\" is no length of an array: expected a number from 1 to {MAX_SIZE}")]
    Length { text: String },
    /// The offset is no number.
    #[error("\"{text}\" is no offset: expected a number of bytes below {MAX_SIZE}")]
    Offset { text: String },
    /// The field stands outside of the record.
    #[error("field {field} ({text}) ends at byte {end}, the record has {size} bytes")]
    Beyond {
        field: String,
        text: String,
        end: u64,
        size: u32,
    },
    /// A record of no size, or too large for a ring.
    #[error("size {size} is no size of a record: expected 1 to {MAX_SIZE} bytes")]
    Size { size: u32 },
    /// A name that cannot be part of an attribute's.
    #[error("\"{name}\" is no name of a field: expected letters, digits, \"_\" and \".\"")]
    Name { name: String },
    /// Two fields of one name.
    #[error("field {name} is there twice")]
    Twice { name: String },
    /// Nothing to show.
    #[error("has no fields: expected NAME: TYPE@OFFSET")]
    Empty,
}

/// Rings take records below a few MiB; nobody sends as much as that.
const MAX_SIZE: u32 = 1 << 20;

/// A record: its event, its size, and where its fields stand. As [`Layout`],
/// before the fields are held against the size.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Layout")]
struct Written {
    /// The event's name; `eunomia.<probe>` if it is not given.
    event: Option<String>,
    /// Bytes of a record.
    size: u32,
    /// The fields in the order of their attributes: `NAME: TYPE@OFFSET`.
    fields: LayoutFields,
}

impl TryFrom<Written> for Layout {
    type Error = LayoutError;

    fn try_from(written: Written) -> Result<Self, LayoutError> {
        let Written {
            event,
            size,
            fields,
        } = written;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(LayoutError::Size { size });
        }
        if fields.0.is_empty() {
            return Err(LayoutError::Empty);
        }
        for (name, field) in &fields.0 {
            let end = u64::from(field.offset) + shape::width(&field.shape);
            if end > u64::from(size) {
                return Err(LayoutError::Beyond {
                    field: name.clone(),
                    text: field.text.clone(),
                    end,
                    size,
                });
            }
        }
        Ok(Self {
            event,
            size,
            fields,
        })
    }
}

impl Layout {
    /// The event that the layout describes.
    pub(crate) fn event(&self, probe: &str) -> Event {
        let prefix = prefix(probe);
        let attribute = |(name, field): &(String, LayoutField)| {
            let place = Field {
                offset: field.offset,
                shape: field.shape.clone(),
                absent: None,
            };
            Attribute::new(&format!("{prefix}.{name}"), place, None)
        };
        let name = self.event.as_deref().unwrap_or(&prefix);
        Event {
            schema: Arc::new(EventSchema {
                name: Key::new(name),
                probe: probe.into(),
                size: self.size,
                attributes: self.fields.0.iter().map(attribute).collect(),
                header: None,
                lifecycle: None,
            }),
            record: name.into(),
            kind_global: None,
            skipped: Vec::new(),
        }
    }
}

impl FromStr for LayoutField {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Self, LayoutError> {
        let Some((kind, offset)) = text.split_once('@') else {
            return Err(LayoutError::Form { text: text.into() });
        };
        let offset = offset.trim();
        let number = offset.parse().ok().filter(|number| *number < MAX_SIZE);
        Ok(Self {
            text: text.into(),
            shape: parse_type(kind.trim())?,
            offset: number.ok_or_else(|| LayoutError::Offset {
                text: offset.into(),
            })?,
        })
    }
}

fn parse_type(text: &str) -> Result<Shape, LayoutError> {
    let unknown = || LayoutError::Type { name: text.into() };
    let Some((element, rest)) = text.split_once('[') else {
        return one(text).ok_or_else(unknown);
    };
    let length = rest.strip_suffix(']').ok_or_else(unknown)?.trim();
    let count = length
        .parse()
        .ok()
        .filter(|count| (1..=MAX_SIZE).contains(count))
        .ok_or_else(|| LayoutError::Length {
            text: length.into(),
        })?;
    many(element.trim(), count).ok_or_else(unknown)
}

fn one(name: &str) -> Option<Shape> {
    let number = |size, signed, render| Shape::Integer {
        size,
        signed,
        render,
    };
    Some(match name {
        "bool" => Shape::Bool,
        "char" => Shape::Chars { length: 1 },
        "f32" => Shape::Float {
            size: IntegerSize::Four,
        },
        "f64" => Shape::Float {
            size: IntegerSize::Eight,
        },
        "ptr" => number(IntegerSize::Eight, false, Render::Hex),
        _ => {
            let (size, signed) = integer(name)?;
            number(size, signed, Render::Number)
        }
    })
}

fn many(element: &str, count: u32) -> Option<Shape> {
    Some(match element {
        "char" => Shape::Chars { length: count },
        "u8" => Shape::Bytes { length: count },
        _ => {
            let (size, signed) = integer(element)?;
            Shape::Integers {
                size,
                signed,
                count,
            }
        }
    })
}

fn integer(name: &str) -> Option<(IntegerSize, bool)> {
    let signed = match name.chars().next()? {
        'u' => false,
        's' | 'i' => true,
        _ => return None,
    };
    let size = match name.get(1..)? {
        "8" => IntegerSize::One,
        "16" => IntegerSize::Two,
        "32" => IntegerSize::Four,
        "64" => IntegerSize::Eight,
        _ => return None,
    };
    Some((size, signed))
}

impl fmt::Display for LayoutField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for LayoutField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for LayoutField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for LayoutField {
    fn schema_name() -> Cow<'static, str> {
        "LayoutField".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "TYPE@OFFSET, such as u32@0 or char[16]@8",
            "pattern": r"^[a-z]+[0-9]*(\[[0-9]+\])?@[0-9]+$",
        })
    }
}

impl Serialize for LayoutFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, field)| (name, field)))
    }
}

impl<'de> Deserialize<'de> for LayoutFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

impl JsonSchema for LayoutFields {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LayoutFields".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let field = generator.subschema_for::<LayoutField>();
        json_schema!({ "type": "object", "minProperties": 1, "additionalProperties": field })
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = LayoutFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields, each NAME: TYPE@OFFSET")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LayoutFields, A::Error> {
        let mut fields: Vec<(String, LayoutField)> = Vec::new();
        while let Some((name, field)) = map.next_entry::<String, LayoutField>()? {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            if name.is_empty() || !name.chars().all(is_plain) {
                return Err(A::Error::custom(LayoutError::Name { name }));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(LayoutError::Twice { name }));
            }
            fields.push((name, field));
        }
        Ok(LayoutFields(fields))
    }
}
