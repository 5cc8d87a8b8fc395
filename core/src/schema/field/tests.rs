//! How each shape reads a record, whole and broken.

use std::sync::Arc;

use super::{Field, IntegerSize, Part, Render, Shape, TEXT_PRESENT, TailRef};
use crate::names::Names;
use crate::value::{ShortText, Value};

fn integer(size: IntegerSize, signed: bool, render: Render) -> Shape {
    Shape::Integer {
        size,
        signed,
        render,
    }
}

#[track_caller]
fn reads(shape: Shape, absent: Option<u64>, record: &[u8], expected: Option<Value<'_>>) {
    let field = Field {
        offset: 0,
        shape,
        absent,
    };
    assert_eq!(field.read(record), expected);
}

/// Every rendering of an integer, and each way for it not to exist.
#[test]
fn integers_are_rendered_as_annotated() {
    use IntegerSize::{Eight, Four, Two};
    let short = |text: &str| Some(Value::Short(ShortText::format(text)));
    reads(
        integer(Four, true, Render::Number),
        None,
        &[0xff; 4],
        Some(Value::Int(-1)),
    );
    reads(
        integer(Four, true, Render::Number),
        Some(0xffff_ffff),
        &[0xff; 4],
        None,
    );
    reads(
        integer(Four, false, Render::Number),
        None,
        &[0xff; 4],
        Some(Value::Uint(0xffff_ffff)),
    );
    reads(integer(Four, false, Render::Number), None, &[0xff; 3], None);
    reads(
        integer(Eight, false, Render::Hex),
        None,
        &[0x1f, 0, 0, 0, 0, 0, 0, 0],
        short("000000000000001f"),
    );
    reads(
        integer(Four, false, Render::Octal),
        None,
        &[0xa4, 1, 0, 0],
        short("0644"),
    );
    reads(
        integer(Two, false, Render::Port),
        None,
        &[0x1f, 0x90],
        Some(Value::Uint(8080)),
    );
    reads(
        integer(Four, false, Render::Errno),
        None,
        &[2, 0, 0, 0],
        Some(Value::Str("ENOENT")),
    );
    reads(integer(Four, false, Render::Errno), None, &[0; 4], None);
    reads(
        integer(Four, false, Render::Errno),
        None,
        &[255, 0, 0, 0],
        short("255"),
    );
    reads(
        integer(Four, false, Render::Signal),
        None,
        &[9, 0, 0, 0],
        Some(Value::Str("SIGKILL")),
    );
    let names = Arc::new(Names::new([(7, "SEVEN")]));
    reads(
        integer(Four, false, Render::Enum(Arc::clone(&names))),
        None,
        &[7, 0, 0, 0],
        Some(Value::Str("SEVEN")),
    );
    reads(
        integer(Four, false, Render::Enum(names)),
        None,
        &[8, 0, 0, 0],
        short("8"),
    );
}

/// Bit fields are cut out of the bytes around them.
#[test]
fn bit_fields_are_read_without_their_neighbours() {
    let bits = |shift, width, signed| Shape::Bits {
        shift,
        width,
        signed,
    };
    let record = [0b1011_0101, 0b0000_0011];
    reads(bits(0, 3, false), None, &record, Some(Value::Uint(5)));
    reads(
        bits(4, 6, false),
        None,
        &record,
        Some(Value::Uint(0b11_1011)),
    );
    reads(bits(4, 6, true), None, &record, Some(Value::Int(-5)));
    reads(bits(0, 3, false), Some(5), &record, None);
    reads(bits(0, 64, false), None, &record, None);
    reads(bits(0, 64, true), None, &[0xff; 8], Some(Value::Int(-1)));
}

fn with_tail(flags: u16, length: u16, tail: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 8];
    TailRef {
        offset: 8,
        length,
        flags,
    }
    .write(&mut record, 0);
    record.extend_from_slice(tail);
    record
}

/// Text comes from the tail; a reference beyond the record reads nothing.
#[test]
fn texts_are_read_from_the_tail() {
    let path = with_tail(TEXT_PRESENT, 6, b"/a/b\xffc");
    reads(
        Shape::Text(Part::Whole),
        None,
        &path,
        Some(Value::Text(b"/a/b\xffc")),
    );
    let path = with_tail(TEXT_PRESENT, 8, b"/bin/cat");
    reads(
        Shape::Text(Part::Base),
        None,
        &path,
        Some(Value::Str("cat")),
    );
    reads(
        Shape::Text(Part::Whole),
        None,
        &with_tail(0, 3, b"abc"),
        None,
    );
    reads(
        Shape::Text(Part::Whole),
        None,
        &with_tail(TEXT_PRESENT, 4, b"abc"),
        None,
    );
    let arguments = with_tail(TEXT_PRESENT, 6, b"sh\0-c\0");
    reads(
        Shape::TextList(Part::First),
        None,
        &arguments,
        Some(Value::Str("sh")),
    );
}

/// Both families are shown in their usual text form; family 0 is absent.
#[test]
fn addresses_are_shown_by_family() {
    let mut record = [0; 20];
    reads(Shape::Address, None, &record, None);
    record[0] = 2;
    record[4..8].copy_from_slice(&[127, 0, 0, 1]);
    reads(
        Shape::Address,
        None,
        &record,
        Some(Value::Short(ShortText::format("127.0.0.1"))),
    );
    record[0] = 10;
    record[4..8].copy_from_slice(&[0; 4]);
    record[19] = 1;
    reads(
        Shape::Address,
        None,
        &record,
        Some(Value::Short(ShortText::format("::1"))),
    );
}
