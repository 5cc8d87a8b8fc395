//! Where a value stands in a record and how its bytes become a value.

use std::net::Ipv6Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::names::{self, Names};
use crate::value::{List, ShortText, Value, ValueType, read_signed, read_unsigned};

/// One value's place and form in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Bytes from the record's first byte.
    pub offset: u32,
    /// Type and rendering.
    pub shape: Shape,
    /// The integer that says: this value does not exist.
    pub absent: Option<u64>,
}

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

/// `flags` of a tail reference in a record.
pub(crate) const TEXT_PRESENT: u16 = 1;
pub(crate) const TEXT_TRUNCATED: u16 = 2;
pub(crate) const TEXT_LEAF_FIRST: u16 = 4;

/// `struct text`, `struct text_list` or `struct bytes` as it stands in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailRef {
    pub(crate) offset: u32,
    pub(crate) length: u16,
    pub(crate) flags: u16,
}

impl TailRef {
    pub(crate) const SIZE: usize = 8;

    pub(crate) fn read(record: &[u8], at: u32) -> Option<Self> {
        let bytes = slice(record, at, Self::SIZE)?;
        let &[a, b, c, d, e, f, g, h] = bytes else {
            return None;
        };
        Some(Self {
            offset: u32::from_le_bytes([a, b, c, d]),
            length: u16::from_le_bytes([e, f]),
            flags: u16::from_le_bytes([g, h]),
        })
    }

    pub(crate) fn write(self, record: &mut [u8], at: u32) {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let Some(slot) = start
            .checked_add(Self::SIZE)
            .and_then(|end| record.get_mut(start..end))
        else {
            return;
        };
        slot[..4].copy_from_slice(&self.offset.to_le_bytes());
        slot[4..6].copy_from_slice(&self.length.to_le_bytes());
        slot[6..].copy_from_slice(&self.flags.to_le_bytes());
    }

    pub(crate) fn bytes(self, record: &[u8]) -> Option<&[u8]> {
        if self.flags & TEXT_PRESENT == 0 {
            return None;
        }
        slice(record, self.offset, usize::from(self.length))
    }
}

impl Field {
    /// Reads the value out of `record`; `None` where it does not exist or the
    /// record is too short to hold it.
    #[must_use]
    pub fn read<'a>(&'a self, record: &'a [u8]) -> Option<Value<'a>> {
        match &self.shape {
            Shape::Integer {
                size,
                signed,
                render,
            } => self.integer(slice(record, self.offset, size.bytes())?, *signed, render),
            Shape::Bits {
                shift,
                width,
                signed,
            } => self.bits(record, (*shift, *width), *signed),
            Shape::Bool => Some(Value::Bool(slice(record, self.offset, 1)? != [0])),
            Shape::Float { size } => Some(Value::Float(float(slice(
                record,
                self.offset,
                size.bytes(),
            )?))),
            Shape::Chars { length } => {
                let bytes = slice(record, self.offset, to_usize(*length))?;
                let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
                Some(text(bytes.get(..end)?))
            }
            Shape::Bytes { length } => {
                Some(Value::Raw(slice(record, self.offset, to_usize(*length))?))
            }
            Shape::Integers {
                size,
                signed,
                count,
            } => {
                let bytes = slice(
                    record,
                    self.offset,
                    size.bytes().checked_mul(to_usize(*count))?,
                )?;
                let size = u8::try_from(size.bytes()).ok()?;
                Some(Value::List(List::Integers {
                    bytes,
                    size,
                    signed: *signed,
                }))
            }
            Shape::Text(part) => {
                let bytes = TailRef::read(record, self.offset)?.bytes(record)?;
                Some(text(if *part == Part::Base {
                    base(bytes)
                } else {
                    bytes
                }))
            }
            Shape::TextList(part) => {
                let bytes = TailRef::read(record, self.offset)?.bytes(record)?;
                match part {
                    Part::First => Some(text(bytes.split(|&b| b == 0).next().unwrap_or_default())),
                    // Joined text is made when the record enters a batch.
                    Part::Joined => None,
                    Part::Whole | Part::Base => Some(Value::List(List::Nul(bytes))),
                }
            }
            Shape::TailBytes => Some(Value::Raw(
                TailRef::read(record, self.offset)?.bytes(record)?,
            )),
            Shape::Address => address(slice(record, self.offset, ADDRESS_SIZE)?),
        }
    }

    /// As [`Self::read`], where `text` was read before it from a field at that
    /// offset: of a path that is UTF-8 its last part is it, too.
    pub(crate) fn read_behind<'a>(
        &'a self,
        text: Option<(u32, &'a str)>,
        record: &'a [u8],
    ) -> Option<Value<'a>> {
        match (&self.shape, text) {
            (Shape::Text(Part::Base), Some((offset, path))) if offset == self.offset => {
                path.get(base_start(path.as_bytes())..).map(Value::Str)
            }
            _ => self.read(record),
        }
    }

    /// Whether the value in `record` was cut.
    #[must_use]
    pub fn is_truncated(&self, record: &[u8]) -> bool {
        // The base name of a path that lost its front, or a list's first text, is whole.
        let is_part = matches!(
            self.shape,
            Shape::Text(Part::Base) | Shape::TextList(Part::First)
        );
        self.shape.is_tail()
            && !is_part
            && TailRef::read(record, self.offset)
                .is_some_and(|tail| tail.flags & TEXT_TRUNCATED != 0)
    }

    /// The number in `record` that the value spells out, where it does: two records
    /// with the same number have the same value.
    #[must_use]
    pub fn spelled(&self, record: &[u8]) -> Option<u64> {
        if !self.shape.is_spelled() {
            return None;
        }
        if let Shape::Integer { size, .. } = &self.shape {
            return slice(record, self.offset, size.bytes()).map(read_unsigned);
        }
        let address = slice(record, self.offset, ADDRESS_SIZE)?;
        let is_ipv4 = address.first() == Some(&AF_INET);
        address.get(4..8).filter(|_| is_ipv4).map(read_unsigned)
    }

    fn bits(&self, record: &[u8], (shift, width): (u8, u8), signed: bool) -> Option<Value<'_>> {
        let end = u32::from(shift) + u32::from(width);
        let bytes = slice(record, self.offset, to_usize(end.div_ceil(8)))?;
        // Both ends of the field at the ends of the word leave its bits alone.
        let unused = 64u32.checked_sub(u32::from(width).max(1))?;
        let high = (read_unsigned(bytes) >> shift.min(63)) << unused;
        if self.absent == Some(high >> unused) {
            return None;
        }
        Some(if signed {
            Value::Int(high.cast_signed() >> unused)
        } else {
            Value::Uint(high >> unused)
        })
    }

    fn integer<'a>(&'a self, bytes: &[u8], signed: bool, render: &'a Render) -> Option<Value<'a>> {
        let raw = read_unsigned(bytes);
        if self.absent.is_some_and(|absent| absent == raw) {
            return None;
        }
        match render {
            Render::Number if signed => Some(Value::Int(read_signed(bytes))),
            Render::Number => Some(Value::Uint(raw)),
            Render::Hex => {
                let width = bytes.len() * 2;
                Some(Value::Short(ShortText::format(format_args!(
                    "{raw:0width$x}"
                ))))
            }
            Render::Octal => Some(Value::Short(ShortText::format(format_args!("{raw:04o}")))),
            Render::Port => Some(Value::Uint(u64::from(
                u16::try_from(raw).ok()?.swap_bytes(),
            ))),
            Render::Errno if raw == 0 => None,
            Render::Errno => Some(name_or_number(names::errno(raw), raw)),
            Render::Signal if raw == 0 => None,
            Render::Signal => Some(name_or_number(names::signal(raw), raw)),
            Render::Enum(names) => Some(name_or_number(names.get(raw), raw)),
            Render::Flags { names, mask } => Some(Value::List(List::Flags {
                bits: raw,
                mask: *mask,
                names,
            })),
        }
    }
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

/// `struct address`: family, three bytes of padding, sixteen of address.
const ADDRESS_SIZE: usize = 20;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

fn address(bytes: &[u8]) -> Option<Value<'_>> {
    let octets = bytes.get(4..ADDRESS_SIZE)?;
    let address = match *bytes.first()? {
        AF_INET => ShortText::ipv4(<[u8; 4]>::try_from(octets.get(..4)?).ok()?),
        AF_INET6 => ShortText::format(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?)),
        _ => return None,
    };
    Some(Value::Short(address))
}

fn name_or_number(name: Option<&str>, number: u64) -> Value<'_> {
    name.map_or_else(|| Value::Short(ShortText::format(number)), Value::Str)
}

fn float(bytes: &[u8]) -> f64 {
    match *bytes {
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => f64::NAN,
    }
}

/// Text of `bytes`: known to be UTF-8 or known not to be.
pub(crate) fn text(bytes: &[u8]) -> Value<'_> {
    str::from_utf8(bytes).map_or(Value::Text(bytes), Value::Str)
}

/// The part of a path after its last slash; all of it where that is empty.
fn base(path: &[u8]) -> &[u8] {
    path.get(base_start(path)..).unwrap_or(path)
}

fn base_start(path: &[u8]) -> usize {
    let slash = path.iter().rposition(|&byte| byte == b'/');
    let start = slash.map_or(0, |slash| slash + 1);
    if start < path.len() { start } else { 0 }
}

fn slice(record: &[u8], offset: u32, length: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    record.get(start..start.checked_add(length)?)
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
