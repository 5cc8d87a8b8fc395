//! The wire format of protocol buffers: as much of it as the exporters need.
//!
//! The length of a nested message stands before it and is known behind it. As
//! many bytes are kept for it as most messages of its kind take; others are
//! moved by the difference.

use eunomia_core::value::read_unsigned;

use crate::number::write_lossy;

/// What a field's value looks like on the wire.
pub(crate) const VARINT: u32 = 0;
const FIXED64: u32 = 1;
pub(crate) const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Writes the fields of one message.
#[derive(Debug)]
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(crate) fn varint(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        write_varint(value, self.0);
    }

    pub(crate) fn bool(&mut self, field: u32, value: bool) {
        self.varint(field, u64::from(value));
    }

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, LENGTH);
        write_varint(value.len() as u64, self.0);
        self.0.extend_from_slice(value);
    }

    /// Text, with U+FFFD where it is not UTF-8: readers refuse anything else.
    pub(crate) fn lossy(&mut self, field: u32, text: &[u8]) {
        if str::from_utf8(text).is_ok() {
            return self.bytes(field, text);
        }
        self.message(field, |message| write_lossy(text, message.0));
    }

    /// A nested message, written by `fill`.
    pub(crate) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Writer<'_>)) {
        self.message_of::<1>(field, fill);
    }

    /// As [`Self::message`], of 128 to 16,383 bytes most often.
    pub(crate) fn long_message(&mut self, field: u32, fill: impl FnOnce(&mut Writer<'_>)) {
        self.message_of::<2>(field, fill);
    }

    /// A nested message whose length takes `KEPT` bytes most often.
    fn message_of<const KEPT: usize>(&mut self, field: u32, fill: impl FnOnce(&mut Writer<'_>)) {
        self.tag(field, LENGTH);
        let prefix = self.0.len();
        self.0.extend_from_slice(&[0; KEPT]);
        fill(&mut Writer(self.0));
        let (start, end) = (prefix + KEPT, self.0.len());
        let length = end - start;
        let needed = varint_length(length as u64);
        if needed != KEPT {
            self.0.resize(end + needed.saturating_sub(KEPT), 0);
            self.0.copy_within(start..end, prefix + needed);
            self.0.truncate(prefix + needed + length);
        }
        put_varint(length as u64, self.0.get_mut(prefix..).unwrap_or_default());
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        write_varint(u64::from(field << 3 | wire_type), self.0);
    }
}

pub(crate) fn write_varint(value: u64, out: &mut Vec<u8>) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or(0));
}

/// Bytes of `value` as a varint.
pub(crate) fn varint_length(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes `value` to the front of `slots`, which has room for it.
fn put_varint(mut value: u64, slots: &mut [u8]) {
    for slot in slots {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            *slot = low;
            return;
        }
        *slot = low | 0x80;
    }
}

/// A field as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire<'a> {
    /// A varint or a fixed integer.
    Number(u64),
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
}

/// Reads the fields of one message; what is broken ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The last value of `field` that is a number, as the format has it.
    pub(crate) fn number(self, field: u32) -> Option<u64> {
        let number = |(at, wire)| match wire {
            Wire::Number(number) if at == field => Some(number),
            Wire::Number(_) | Wire::Bytes(_) => None,
        };
        self.filter_map(number).last()
    }

    /// All values of `field` that are bytes.
    pub(crate) fn all_bytes(self, field: u32) -> impl Iterator<Item = &'a [u8]> {
        self.filter_map(move |(at, wire)| match wire {
            Wire::Bytes(bytes) if at == field => Some(bytes),
            Wire::Number(_) | Wire::Bytes(_) => None,
        })
    }

    /// The last value of `field` that is bytes.
    pub(crate) fn bytes(self, field: u32) -> Option<&'a [u8]> {
        self.all_bytes(field).last()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = (u32, Wire<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = u32::try_from(self.varint()?).ok()?;
        let number = |bytes: &[u8]| Wire::Number(read_unsigned(bytes));
        let wire = match tag & 7 {
            VARINT => Wire::Number(self.varint()?),
            FIXED64 => number(self.take(8)?),
            LENGTH => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            FIXED32 => number(self.take(4)?),
            _ => return None,
        };
        Some((tag >> 3, wire))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Writer, varint_length, write_varint};

    /// Lengths around each border of a varint are written with as many bytes as
    /// they need, and what stands in the message is not damaged.
    #[test]
    fn nested_messages_have_their_length_before_them() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_152] {
            let content = vec![0xa5; length];
            let mut out = b"before".to_vec();
            Writer(&mut out).message(1, |message| message.0.extend_from_slice(&content));
            let written = &out[6..];
            assert_eq!(Reader::new(written).bytes(1), Some(&content[..]));
            assert_eq!(written.len(), 1 + varint_length(length as u64) + length);
            let mut long = b"before".to_vec();
            Writer(&mut long).long_message(1, |message| message.0.extend_from_slice(&content));
            assert_eq!(out, long);
        }
    }

    /// Varints are as long as they must be and read back.
    #[test]
    fn varints_read_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            write_varint(value, &mut out);
            assert_eq!(out.len(), varint_length(value));
            let mut message = vec![0x08];
            message.extend(out);
            assert_eq!(Reader::new(&message).number(1), Some(value));
        }
    }

    /// A message that ends too early reads nothing and panics nowhere.
    #[test]
    fn broken_messages_end() {
        assert_eq!(Reader::new(&[0x0a, 9, 1]).bytes(1), None);
        assert_eq!(Reader::new(&[0x08, 0x80]).number(1), None);
        assert_eq!(Reader::new(&[0xff; 12]).count(), 0);
    }
}
