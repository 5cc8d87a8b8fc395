//! Types of C as shapes of values, and what annotations make of them.

use std::sync::Arc;

use eunomia_core::names::Names;
use eunomia_core::schema::{IntegerSize, Part, Render, Shape};

use super::btf::{Btf, Enumerator, Kind, Member, POINTER_SIZE, Type, TypeId};
use super::error::FieldError;
use super::tags::Rendering;

/// What a member's type is to a schema.
pub(crate) enum Form<'a> {
    /// One value.
    Leaf(Shape),
    /// Members of its own.
    Struct(TypeId, &'a [Member]),
    /// Elements that are no integers.
    Array { element: TypeId, count: u32 },
}

/// What the type `id` is to a schema.
pub(crate) fn form(btf: &Btf, id: TypeId) -> Result<Form<'_>, FieldError> {
    let (id, found) = btf.resolve(id).ok_or(FieldError::Unknown)?;
    let refuse = |what| Err(FieldError::Type { what });
    Ok(Form::Leaf(match &found.kind {
        Kind::Int {
            size,
            bits,
            signed,
            is_bool,
        } => {
            if u32::from(*bits) != size.saturating_mul(8) {
                return refuse("an integer with padding bits");
            }
            if *is_bool && *size == 1 {
                Shape::Bool
            } else {
                number(*size, *signed, Render::Number)?
            }
        }
        Kind::Float { size } => Shape::Float {
            size: match size {
                4 => IntegerSize::Four,
                8 => IntegerSize::Eight,
                _ => return refuse("a long double"),
            },
        },
        Kind::Pointer(_) => number(POINTER_SIZE, false, Render::Hex)?,
        Kind::Enum {
            size,
            signed,
            values,
        } => number(*size, *signed, Render::Enum(names(values, *size)))?,
        Kind::Array { element, count } => return array(btf, *element, *count),
        Kind::Struct { size, members } => match ours(btf, &found.name, *size, members) {
            Some(shape) => shape,
            None => return Ok(Form::Struct(id, members)),
        },
        Kind::Function | Kind::Other | Kind::Alias(_) => return refuse("incomplete"),
        Kind::Variable { .. } | Kind::Section(_) => return refuse("no type"),
    }))
}

fn number(size: u32, signed: bool, render: Render) -> Result<Shape, FieldError> {
    let size = integer_size(size).ok_or(FieldError::Type {
        what: "an integer of 16 bytes",
    })?;
    Ok(Shape::Integer {
        size,
        signed,
        render,
    })
}

/// The width of an integer of `size` bytes.
pub(crate) fn integer_size(size: u32) -> Option<IntegerSize> {
    Some(match size {
        1 => IntegerSize::One,
        2 => IntegerSize::Two,
        4 => IntegerSize::Four,
        8 => IntegerSize::Eight,
        _ => return None,
    })
}

fn array(btf: &Btf, element: TypeId, count: u32) -> Result<Form<'_>, FieldError> {
    if count == 0 {
        return Err(FieldError::Type {
            what: "an array without a length",
        });
    }
    let (_, found) = btf.resolve(element).ok_or(FieldError::Unknown)?;
    Ok(match array_of(found, count) {
        Some(shape) => Form::Leaf(shape),
        None => Form::Array { element, count },
    })
}

/// The shape of an array of integers; `None` for other elements.
pub(crate) fn array_of(element: &Type, count: u32) -> Option<Shape> {
    let Kind::Int {
        size,
        signed,
        is_bool,
        ..
    } = element.kind
    else {
        return None;
    };
    Some(match size {
        // clang's BTF has nothing but the name to tell `char` from `signed char`.
        1 if &*element.name == "char" => Shape::Chars { length: count },
        1 if !signed && !is_bool => Shape::Bytes { length: count },
        _ => Shape::Integers {
            size: integer_size(size)?,
            signed,
            count,
        },
    })
}

/// The shape of the structs that our headers declare for values of their own
/// kind. Somebody else's struct of the same name has other members.
fn ours(btf: &Btf, name: &str, size: u32, members: &[Member]) -> Option<Shape> {
    let has = |member: &str, byte: u32, bytes: u32| {
        members.iter().any(|found| {
            &*found.name == member
                && found.bit_offset == byte.saturating_mul(8)
                && btf.size(found.target) == Some(bytes)
        })
    };
    let in_tail = size == 8 && has("offset", 0, 4) && has("length", 4, 2) && has("flags", 6, 2);
    let is_address = size == 20 && has("family", 0, 1) && has("bytes", 4, 16);
    Some(match name {
        "text" if in_tail => Shape::Text(Part::Whole),
        "text_list" if in_tail => Shape::TextList(Part::Whole),
        "bytes" if in_tail => Shape::TailBytes,
        "address" if is_address => Shape::Address,
        _ => return None,
    })
}

/// Names of the values as they stand in a field of `size` bytes.
fn names(values: &[Enumerator], size: u32) -> Arc<Names> {
    let mask = mask(size);
    Arc::new(Names::new(
        values.iter().map(|one| (one.value & mask, &*one.name)),
    ))
}

/// The bits of `size` bytes.
fn mask(size: u32) -> u64 {
    let unused = 64u32.saturating_sub(size.saturating_mul(8)).min(63);
    u64::MAX >> unused
}

/// Bytes a value of this shape takes in the fixed part of a record.
pub(crate) fn width(shape: &Shape) -> u64 {
    match shape {
        Shape::Integer { size, .. } | Shape::Float { size } => size.bytes() as u64,
        Shape::Bits { shift, width, .. } => {
            u64::from(u16::from(*shift) + u16::from(*width)).div_ceil(8)
        }
        Shape::Bool => 1,
        Shape::Chars { length } | Shape::Bytes { length } => u64::from(*length),
        Shape::Integers { size, count, .. } => size.bytes() as u64 * u64::from(*count),
        Shape::Text(_) | Shape::TextList(_) | Shape::TailBytes => 8,
        Shape::Address => 20,
    }
}

/// The shape of a bit field with its first byte.
pub(crate) fn bits(btf: &Btf, member: &Member) -> Result<(u32, Shape), FieldError> {
    let (_, found) = btf.resolve(member.target).ok_or(FieldError::Unknown)?;
    let (Kind::Int { signed, .. } | Kind::Enum { signed, .. }) = found.kind else {
        return Err(FieldError::Type {
            what: "a bit field",
        });
    };
    let [shift, ..] = (member.bit_offset % 8).to_le_bytes();
    let width = member.bit_size;
    if u16::from(shift) + u16::from(width) > 64 {
        let what = "a bit field over more than eight bytes";
        return Err(FieldError::Type { what });
    }
    let shape = Shape::Bits {
        shift,
        width,
        signed,
    };
    Ok((member.bit_offset / 8, shape))
}

/// The shape without any rendering: what the process table computes with.
pub(crate) fn raw(shape: &Shape) -> Shape {
    if let Shape::Integer { size, signed, .. } = *shape {
        Shape::Integer {
            size,
            signed,
            render: Render::Number,
        }
    } else {
        shape.clone()
    }
}

/// The shape as an annotation wants it.
pub(crate) fn rendered(
    btf: &Btf,
    shape: &Shape,
    rendering: Rendering<'_>,
) -> Result<Shape, FieldError> {
    let refuse = |wanted| FieldError::Annotation {
        annotation: rendering.macro_name(),
        wanted,
    };
    let Shape::Integer { size, signed, .. } = *shape else {
        return Err(refuse("integers"));
    };
    let render = match rendering {
        Rendering::Errno => Render::Errno,
        Rendering::Signal => Render::Signal,
        Rendering::Hex => Render::Hex,
        Rendering::Octal => Render::Octal,
        Rendering::Port if size != IntegerSize::Two => {
            return Err(refuse("integers of two bytes"));
        }
        Rendering::Port => Render::Port,
        Rendering::Enum(name) => Render::Enum(named(btf, name, size)?),
        Rendering::Flags(name, mask) => Render::Flags {
            names: named(btf, name, size)?,
            mask,
        },
    };
    Ok(Shape::Integer {
        size,
        signed,
        render,
    })
}

fn named(btf: &Btf, name: &str, size: IntegerSize) -> Result<Arc<Names>, FieldError> {
    let values = btf
        .enumeration(name)
        .ok_or_else(|| FieldError::NoEnum { name: name.into() })?;
    let size = u32::try_from(size.bytes()).unwrap_or(u32::MAX);
    Ok(names(values, size))
}

/// The part of a text or a list that a derived attribute shows.
pub(crate) fn part(shape: &Shape, part: Part) -> Result<Shape, FieldError> {
    match (part, shape) {
        (Part::Base, Shape::Text(_)) => Ok(Shape::Text(part)),
        (Part::First | Part::Joined, Shape::TextList(_)) => Ok(Shape::TextList(part)),
        (Part::Base | Part::Whole, _) => Err(FieldError::Annotation {
            annotation: "DERIVED(base)",
            wanted: "struct text",
        }),
        (Part::First | Part::Joined, _) => Err(FieldError::Annotation {
            annotation: "DERIVED(first) and DERIVED(joined)",
            wanted: "struct text_list",
        }),
    }
}

/// The bits of `number` in a field of this shape.
pub(crate) fn absent(shape: &Shape, number: i128) -> Result<u64, FieldError> {
    let bits = if let Shape::Integer { size, .. } = shape {
        8 * u32::try_from(size.bytes()).unwrap_or(8)
    } else if let Shape::Bits { width, .. } = shape {
        u32::from(*width)
    } else {
        return Err(FieldError::Annotation {
            annotation: "ABSENT",
            wanted: "integers",
        });
    };
    let limit = 1i128 << bits;
    if number >= limit || number < -limit / 2 {
        return Err(FieldError::Number { number });
    }
    u64::try_from(number.rem_euclid(limit)).map_err(|_ignored| FieldError::Number { number })
}
