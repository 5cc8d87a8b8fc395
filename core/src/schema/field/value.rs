//! How the bytes of a record become a value.

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::shape::{Part, Render, Shape};
use super::tail::{TEXT_TRUNCATED, TailRef, slice};
use crate::names;
use crate::value::{List, ShortText, Value, read_signed, read_unsigned};

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
fn text(bytes: &[u8]) -> Value<'_> {
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

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
