//! One [`Node`] as a serde deserializer that converts nothing: a number is no text, `yes` is no `true`, 80.7 is no port.

use serde::{
    Deserializer,
    de::{self, Visitor, value::StrDeserializer},
};

use super::{
    access::{Entries, Items, Parts, Variant},
    attempts::Attempts,
    problem::{Kind, Problem},
};
use crate::config::{Node, Value, capture, secret};

/// A node to be given a type.
pub(super) struct Typed<'a> {
    pub(super) node: &'a Node,
    pub(super) attempts: &'a Attempts,
}

impl<'a> Typed<'a> {
    fn wrong(&self, expected: impl Into<String>) -> Problem {
        Problem::wrong(expected, self.node)
    }

    fn integer(&self, least: i128, most: i128) -> Result<i128, Problem> {
        let number = if let Value::Integer(number) = self.node.value {
            Some(number)
        } else {
            self.untyped().and_then(|text| text.parse().ok())
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.wrong(format!("a whole number from {least} to {most}")))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "whoever writes a whole number where a fraction may stand means it"
    )]
    fn float(&self) -> Result<f64, Problem> {
        let number = if let Value::Float(number) = self.node.value {
            Some(number)
        } else if let Value::Integer(number) = self.node.value {
            Some(number as f64)
        } else {
            self.untyped().and_then(|text| text.parse().ok())
        };
        number.ok_or_else(|| self.wrong("a number"))
    }

    fn boolean(&self) -> Result<bool, Problem> {
        let value = if let Value::Bool(value) = self.node.value {
            Some(value)
        } else {
            self.untyped().and_then(|text| text.parse().ok())
        };
        value.ok_or_else(|| self.wrong("`true` or `false`"))
    }

    fn text(&self) -> Result<&'a str, Problem> {
        if let Value::Text(text) | Value::Untyped(text) = &self.node.value {
            return Ok(text);
        }
        let plain = matches!(
            self.node.value,
            Value::Integer(_) | Value::Float(_) | Value::Bool(_)
        );
        Err(self.wrong(if plain { "text (in quotes)" } else { "text" }))
    }

    /// Text that takes the type of its field.
    fn untyped(&self) -> Option<&'a str> {
        if let Value::Untyped(text) = &self.node.value {
            return Some(text);
        }
        None
    }

    fn items(&self) -> Result<Items<'a>, Problem> {
        let Value::List(items) = &self.node.value else {
            return Err(self.wrong("a list, such as [a, b]"));
        };
        Ok(Items {
            rest: items.iter(),
            attempts: self.attempts,
        })
    }

    /// The entries of a map; nothing at all stands for an empty one, as in `console:`.
    fn entries(&self, known: &'static [&'static str]) -> Result<Entries<'a>, Problem> {
        let entries = if let Value::Map(entries) = &self.node.value {
            entries.as_slice()
        } else if self.node.is_null() {
            &[]
        } else if known.is_empty() {
            return Err(self.wrong("a map, such as { key: value }"));
        } else {
            return Err(self.wrong(format!("a map with keys out of {}", known.join(", "))));
        };
        Ok(Entries {
            rest: entries.iter(),
            current: None,
            attempts: self.attempts,
            known,
        })
    }

    /// Walks through a list to its end, so that a tuple can't ignore what follows it.
    fn visit_items<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Problem> {
        let mut items = self.items()?;
        let value = visitor.visit_seq(&mut items)?;
        match items.rest.as_slice() {
            [] => Ok(value),
            rest => Err(self.wrong(format!("{} of them fewer", rest.len()))),
        }
    }

    /// The value as a secret: what was written is kept out of every message.
    fn secret<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let (node, attempts) = (self.node, self.attempts);
        let secret = if let Value::Text(text) | Value::Untyped(text) = &node.value {
            Some(text.clone())
        } else if let Value::Integer(number) = node.value {
            // Refused below; its line is shown all the same.
            Some(number.to_string())
        } else {
            None
        };
        let known = |secret: &String| attempts.secrets.borrow().contains(secret);
        if let Some(secret) = secret.filter(|secret| !known(secret)) {
            attempts.secrets.borrow_mut().push(secret);
        }
        visitor
            .visit_newtype_struct(self)
            .map_err(|problem| problem.at(node).hush())
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let number = self.integer($type::MIN.into(), $type::MAX.into())?;
            let number = $type::try_from(number).map_err(|error| <Problem as de::Error>::custom(error))?;
            visitor.$visit(number).map_err(|problem: Problem| problem.at(self.node))
        }
    )*};
}

impl<'de> Deserializer<'de> for Typed<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let node = self.node;
        let result = match &node.value {
            Value::Null | Value::Refused => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(number) => match (u64::try_from(*number), i64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_i128(*number),
            },
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) | Value::Untyped(text) => visitor.visit_str(text),
            Value::List(_) => self.visit_items(visitor),
            Value::Map(_) => self
                .entries(&[])
                .and_then(|entries| visitor.visit_map(entries)),
        };
        result.map_err(|problem| problem.at(node))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let value = self.boolean()?;
        visitor
            .visit_bool(value)
            .map_err(|problem: Problem| problem.at(self.node))
    }

    integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let number = self.float()?;
        visitor
            .visit_f64(number)
            .map_err(|problem: Problem| problem.at(self.node))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let text = self.text()?;
        visitor
            .visit_str(text)
            .map_err(|problem: Problem| problem.at(self.node))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.node.is_null() {
            visitor.visit_unit()
        } else {
            Err(self.wrong("nothing"))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let node = self.node;
        match name {
            secret::NAME => self.secret(visitor),
            _ => visitor
                .visit_newtype_struct(self)
                .map_err(|problem| problem.at(node)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.visit_items(visitor)
            .map_err(|problem| problem.at(self.node))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor
            .visit_map(self.entries(&[])?)
            .map_err(|problem| problem.at(self.node))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let node = self.node;
        if name == capture::SPANNED {
            let untyped = matches!(node.value, Value::Untyped(_));
            return visitor.visit_map(Parts::new(&node.span, &node.path, untyped, self));
        }
        visitor
            .visit_map(self.entries(fields)?)
            .map_err(|problem| problem.at(node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let result = match (&self.node.value, self.node.entries()) {
            (Value::Text(word) | Value::Untyped(word), _) => {
                visitor.visit_enum::<StrDeserializer<'_, Problem>>(StrDeserializer::new(word))
            }
            (_, [entry]) => visitor.visit_enum(Variant {
                entry,
                attempts: self.attempts,
            }),
            _ => Err(self.wrong(format!("one of {}", variants.join(", ")))),
        };
        result.map_err(|problem| problem.at(self.node))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    /// A value that nobody wants belongs to an unknown key, whether its struct says so or not.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Problem> {
        Err(Kind::Unwanted.into())
    }
}
