//! The types that a field may have.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::names::Names;
use crate::value::ValueType;

/// The type of a field, with what its annotations say about rendering it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// An integer.
    Integer {
        /// Its width.
        size: IntegerSize,
        /// Whether it is signed.
        signed: bool,
        /// What it is shown as.
        render: Render,
    },
    /// A bit field: at most 64 bits, counted from the lowest of the byte at the
    /// field's offset.
    Bits {
        /// Bits before it.
        shift: u8,
        /// Bits of it.
        width: u8,
        /// Whether its highest bit is a sign.
        signed: bool,
    },
    /// A boolean of one byte.
    Bool,
    /// `float` or `double`.
    Float {
        /// Four bytes or eight.
        size: IntegerSize,
    },
    /// `char[N]`: text up to the first NUL byte.
    Chars {
        /// N.
        length: u32,
    },
    /// `unsigned char[N]`: exact bytes.
    Bytes {
        /// N.
        length: u32,
    },
    /// An array of integers.
    Integers {
        /// Width of one.
        size: IntegerSize,
        /// Whether they are signed.
        signed: bool,
        /// How many.
        count: u32,
    },
    /// `struct text`: bytes in the record's tail.
    Text(Part),
    /// `struct text_list`: texts in the tail, each ended by NUL.
    TextList(Part),
    /// `struct bytes`: exact bytes in the tail.
    TailBytes,
    /// `struct address`: an IP address.
    Address,
}

/// Which part of a text or a list an attribute shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Whole,
    /// A path's part after the last slash.
    Base,
    /// A list's first text.
    First,
    /// A list's texts with a blank between each two.
    Joined,
}

/// Width of an integer in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum IntegerSize {
    One = 1,
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl IntegerSize {
    /// The width in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self as usize
    }
}

/// What an integer is shown as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Render {
    /// A number.
    Number,
    /// Text, lower-case hex without prefix, all digits of its width.
    Hex,
    /// Text, octal with a leading zero as `ls` and `chmod` users write it.
    Octal,
    /// A port in network byte order.
    Port,
    /// The name of an errno; 0 is absent.
    Errno,
    /// The name of a signal; 0 is absent.
    Signal,
    /// An enumerator's name, the number in decimal where it has none.
    Enum(Arc<Names>),
    /// A list of flag names.
    Flags {
        /// The names.
        names: Arc<Names>,
        /// Bits that together are one value, named first.
        mask: u64,
    },
}

impl Shape {
    /// The type of every value of this shape.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Integer { signed, render, .. } => match render {
                Render::Number if *signed => ValueType::Int,
                Render::Number | Render::Port => ValueType::Uint,
                Render::Hex | Render::Octal | Render::Errno | Render::Signal | Render::Enum(_) => {
                    ValueType::Text
                }
                Render::Flags { .. } => ValueType::List,
            },
            Self::Bits { signed: true, .. } => ValueType::Int,
            Self::Bits { signed: false, .. } => ValueType::Uint,
            Self::Bool => ValueType::Bool,
            Self::Float { .. } => ValueType::Float,
            Self::Bytes { .. } | Self::TailBytes => ValueType::Raw,
            Self::Integers { .. } | Self::TextList(Part::Whole | Part::Base) => ValueType::List,
            Self::Chars { .. }
            | Self::Text(_)
            | Self::TextList(Part::First | Part::Joined)
            | Self::Address => ValueType::Text,
        }
    }

    /// Whether the value may be text that spells a number out: by names, in digits
    /// of another base, as an IPv4 address.
    #[must_use]
    pub fn is_spelled(&self) -> bool {
        match self {
            Self::Integer { render, .. } => !matches!(render, Render::Number | Render::Port),
            Self::Address => true,
            Self::Bits { .. }
            | Self::Bool
            | Self::Float { .. }
            | Self::Chars { .. }
            | Self::Bytes { .. }
            | Self::Integers { .. }
            | Self::Text(_)
            | Self::TextList(_)
            | Self::TailBytes => false,
        }
    }

    /// Whether the bytes stand in the record's tail, so that they can be cut.
    #[must_use]
    pub fn is_tail(&self) -> bool {
        matches!(self, Self::Text(_) | Self::TextList(_) | Self::TailBytes)
    }

    /// Whether the text may be something else than UTF-8.
    #[must_use]
    pub fn may_break(&self) -> bool {
        matches!(self, Self::Chars { .. } | Self::Text(_) | Self::TextList(_))
    }
}
