//! Values that keep the place where they were written.

use std::{borrow::Cow, fmt, marker::PhantomData, mem, ops::Deref, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::{ConfigError, Entry, Node, Span, Value};

/// The struct name by which a type asks for the place of a value; no struct of a configuration has it.
pub(super) const SPANNED: &str = "$eunomia::Spanned";
/// The keys of the map in which it is handed over.
pub(super) const PARTS: &[&str] = &["file", "line", "column", "path", "untyped", "value"];

/// A value that knows where it was written, so that it can be refused there later.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
    /// Its path from the root.
    pub path: Arc<str>,
}

impl<T> Spanned<T> {
    /// A value that nobody wrote: a default.
    pub fn unwritten(value: T) -> Self {
        Self {
            value,
            span: Span::whole("default"),
            path: Arc::from(""),
        }
    }

    /// An error about this value.
    pub fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::new(self.span.clone(), Arc::clone(&self.path), message)
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    /// Two values are equal wherever they were written.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Self::unwritten(T::default())
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let captured: Captured<T> =
            deserializer.deserialize_struct(SPANNED, PARTS, CaptureVisitor(PhantomData))?;
        Ok(Self {
            value: captured.value,
            span: captured.span,
            path: captured.path,
        })
    }
}

impl<T: Serialize> Serialize for Spanned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let captured: Captured<Value> =
            deserializer.deserialize_struct(SPANNED, PARTS, CaptureVisitor(PhantomData))?;
        let mut value = captured.value;
        if let (true, Value::Text(text)) = (captured.untyped, &mut value) {
            value = Value::Untyped(mem::take(text));
        }
        Ok(Self {
            value,
            span: captured.span,
            path: captured.path,
        })
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null | Value::Refused => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(number) => match u64::try_from(*number) {
                Ok(number) => serializer.serialize_u64(number),
                Err(_) => i64::try_from(*number)
                    .unwrap_or(i64::MIN)
                    .serialize(serializer),
            },
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) | Value::Untyped(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, &entry.node)))
            }
        }
    }
}

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

/// The parts in which the place of a value is handed over.
struct Captured<T> {
    span: Span,
    path: Arc<str>,
    untyped: bool,
    value: T,
}

struct CaptureVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for CaptureVisitor<T> {
    type Value = Captured<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the configuration with its place")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Captured<T>, A::Error> {
        let file: String = part(&mut map)?;
        let (line, column) = (part(&mut map)?, part(&mut map)?);
        let path: String = part(&mut map)?;
        let untyped: u32 = part(&mut map)?;
        let value = part(&mut map)?;
        Ok(Captured {
            span: Span::new(file, line, column),
            path: path.into(),
            untyped: untyped != 0,
            value,
        })
    }
}

/// The next part, whatever its key: their order is fixed.
fn part<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A) -> Result<T, A::Error> {
    match map.next_entry::<String, T>()? {
        Some((_, value)) => Ok(value),
        None => Err(A::Error::custom("the place of the value is missing")),
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
            entries.push(Entry {
                key: key.value,
                key_span: key.span,
                node,
            });
        }
        Ok(Value::Map(entries))
    }
}
