//! Maps, lists and enums of a [`Node`] as serde walks through them.

use std::{slice, sync::Arc};

use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::StrDeserializer, value::U32Deserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    attempts::Attempts,
    problem::{Kind, Problem},
    typed::Typed,
};
use crate::config::{Entry, Node, Span, capture};

/// The entries of a map.
pub(super) struct Entries<'a> {
    pub(super) rest: slice::Iter<'a, Entry>,
    pub(super) current: Option<&'a Entry>,
    pub(super) attempts: &'a Attempts,
    /// The keys of a struct, empty for a map with keys of its own.
    pub(super) known: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        let attempts = self.attempts;
        self.current = self
            .rest
            .by_ref()
            .find(|entry| !attempts.is_masked(&entry.node));
        let Some(entry) = self.current else {
            return Ok(None);
        };
        seed.deserialize(Key { entry })
            .map(Some)
            .map_err(|problem| {
                problem.at_place(&entry.key_span, &entry.node.path, &entry.node.path)
            })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        seed.deserialize(Typed {
            node: &entry.node,
            attempts: self.attempts,
        })
        .map_err(|problem| {
            if !matches!(problem.kind, Kind::Unwanted) {
                return problem.at(&entry.node);
            }
            let (key, known) = (entry.key.clone(), self.known);
            Problem::from(Kind::UnknownKey { key, known }).at_place(
                &entry.key_span,
                &entry.node.path,
                &entry.node.path,
            )
        })
    }
}

/// A key of a map.
struct Key<'a> {
    entry: &'a Entry,
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(&self.entry.key)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name != capture::SPANNED {
            return visitor.visit_str(&self.entry.key);
        }
        let Entry { key_span, node, .. } = self.entry;
        visitor.visit_map(Parts::new(key_span, &node.path, false, self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(StrDeserializer::new(&self.entry.key))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

/// The items of a list.
pub(super) struct Items<'a> {
    pub(super) rest: slice::Iter<'a, Node>,
    pub(super) attempts: &'a Attempts,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Problem> {
        let attempts = self.attempts;
        let Some(node) = self.rest.by_ref().find(|node| !attempts.is_masked(node)) else {
            return Ok(None);
        };
        seed.deserialize(Typed { node, attempts })
            .map(Some)
            .map_err(|problem| problem.at(node))
    }
}

/// An enum written as a map of one key, its variant.
pub(super) struct Variant<'a> {
    pub(super) entry: &'a Entry,
    pub(super) attempts: &'a Attempts,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Problem;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'a>), Problem> {
        let Entry { node, key_span, .. } = self.entry;
        let variant = seed
            .deserialize(Key { entry: self.entry })
            .map_err(|problem| problem.at_place(key_span, &node.path, &node.path))?;
        Ok((
            variant,
            Content {
                node,
                attempts: self.attempts,
            },
        ))
    }
}

/// What an enum's variant holds.
pub(super) struct Content<'a> {
    node: &'a Node,
    attempts: &'a Attempts,
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        if self.node.is_null() {
            Ok(())
        } else {
            Err(Problem::wrong("nothing", self.node))
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(Typed {
            node: self.node,
            attempts: self.attempts,
        })
        .map_err(|problem| problem.at(self.node))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        Typed {
            node: self.node,
            attempts: self.attempts,
        }
        .deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        Typed {
            node: self.node,
            attempts: self.attempts,
        }
        .deserialize_struct("", fields, visitor)
    }
}

/// A value together with its place, as [`capture`] asks for it: a map with [`capture::PARTS`] as its keys.
pub(super) struct Parts<'a, D> {
    next: usize,
    span: &'a Span,
    path: &'a Arc<str>,
    untyped: bool,
    value: Option<D>,
}

impl<'a, D> Parts<'a, D> {
    pub(super) fn new(span: &'a Span, path: &'a Arc<str>, untyped: bool, value: D) -> Self {
        Self {
            next: 0,
            span,
            path,
            untyped,
            value: Some(value),
        }
    }
}

impl<'de, D: Deserializer<'de, Error = Problem>> MapAccess<'de> for Parts<'_, D> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        match capture::PARTS.get(self.next) {
            Some(part) => seed.deserialize(StrDeserializer::new(part)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let part = self.next;
        self.next += 1;
        match part {
            0 => seed.deserialize(StrDeserializer::new(&self.span.file)),
            1 => seed.deserialize(U32Deserializer::new(self.span.line)),
            2 => seed.deserialize(U32Deserializer::new(self.span.column)),
            3 => seed.deserialize(StrDeserializer::new(self.path)),
            4 => seed.deserialize(U32Deserializer::new(u32::from(self.untyped))),
            _ => match self.value.take() {
                Some(value) => seed.deserialize(value),
                None => Err(de::Error::custom("a value was asked for twice")),
            },
        }
    }
}
