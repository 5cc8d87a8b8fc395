//! The value of an attribute, as every encoder sees it.
//!
//! Encoders know these few shapes and nothing of C types: what a field's type
//! and annotations mean is settled where a field is read (`schema`), so a new
//! field kind never touches an encoder. Text from the kernel stays bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::Names;

/// One value, borrowed from where it lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer; often beyond `i64` only in theory.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// Text known to be UTF-8.
    Str(&'a str),
    /// Text rendered from a number or an address.
    Short(ShortText),
    /// Text that is not UTF-8: shown with U+FFFD where it breaks. A `Raw` value
    /// under the `_raw` key follows it.
    Text(&'a [u8]),
    /// Exact bytes: hex in text formats, bytes where the format has them.
    Raw(&'a [u8]),
    /// Several texts.
    List(List<'a>),
    /// Beside a list that holds text which is not UTF-8: as long as the list,
    /// exact bytes in hex where an item breaks, absent (null) where not.
    RawList(List<'a>),
}

/// The type of an attribute's values: fixed by the schema, never by a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Int`].
    Int,
    /// [`Value::Uint`].
    Uint,
    /// [`Value::Float`].
    Float,
    /// [`Value::Str`], [`Value::Short`] or [`Value::Text`].
    Text,
    /// [`Value::Raw`].
    Raw,
    /// [`Value::List`].
    List,
    /// [`Value::RawList`].
    RawList,
}

/// Several texts or numbers, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum List<'a> {
    /// Texts one after another, each ended by a NUL byte; the last NUL may be
    /// missing where the text was cut.
    Nul(&'a [u8]),
    /// The names of the bits that are set.
    Flags {
        /// The flags.
        bits: u64,
        /// The bits that together are one value (an access mode), named first.
        mask: u64,
        /// The names.
        names: &'a Names,
    },
    /// Integers as the machine stores them, one after another.
    Integers {
        /// The bytes, a multiple of `size` long.
        bytes: &'a [u8],
        /// Bytes an integer: 1, 2, 4 or 8.
        size: u8,
        /// Whether they are signed.
        signed: bool,
    },
    /// Texts kept by the program itself.
    Owned(&'a [Box<[u8]>]),
}

/// One item of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// A text, maybe not UTF-8.
    Text(&'a [u8]),
    /// A text rendered from a number.
    Short(ShortText),
    /// An integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
}

impl<'a> List<'a> {
    /// Calls `each` with every item in order.
    pub fn for_each(&self, mut each: impl FnMut(Item<'a>)) {
        match *self {
            List::Nul(bytes) => split_at_nul(bytes, each),
            List::Flags { bits, mask, names } => names.for_each_flag(bits, mask, each),
            List::Integers {
                bytes,
                size,
                signed,
            } => {
                let item: fn(&[u8]) -> Item<'a> = if signed {
                    |bytes| Item::Int(read_signed(bytes))
                } else {
                    |bytes| Item::Uint(read_unsigned(bytes))
                };
                bytes
                    .chunks_exact(usize::from(size.max(1)))
                    .for_each(|bytes| each(item(bytes)));
            }
            List::Owned(items) => items.iter().for_each(|item| each(Item::Text(item))),
        }
    }

    /// Whether every text in the list is UTF-8.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        match self {
            List::Nul(bytes) => str::from_utf8(bytes).is_ok(),
            List::Owned(items) => items.iter().all(|item| str::from_utf8(item).is_ok()),
            List::Flags { .. } | List::Integers { .. } => true,
        }
    }
}

fn split_at_nul<'a>(bytes: &'a [u8], mut each: impl FnMut(Item<'a>)) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
        each(Item::Text(rest.get(..end).unwrap_or_default()));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
}

/// Reads a little-endian unsigned integer of up to eight bytes.
#[must_use]
pub fn read_unsigned(bytes: &[u8]) -> u64 {
    // The usual widths are one load each; a loop over bytes costs ten times that.
    match *bytes {
        [a, b, c, d, e, f, g, h] => return u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        [a, b, c, d] => return u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b] => return u64::from(u16::from_le_bytes([a, b])),
        [a] => return u64::from(a),
        _ => {}
    }
    let mut wide = [0; 8];
    for (slot, byte) in wide.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    u64::from_le_bytes(wide)
}

/// Reads a little-endian signed integer of one to eight bytes.
#[must_use]
pub fn read_signed(bytes: &[u8]) -> i64 {
    let unused_bits = 64 - 8 * u32::try_from(bytes.len().clamp(1, 8)).unwrap_or(8);
    read_unsigned(bytes).cast_signed() << unused_bits >> unused_bits
}

/// A short text made from a number or an address, kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortText {
    length: u8,
    bytes: [u8; Self::CAPACITY],
}

impl ShortText {
    /// Room for the longest: an IPv6 address with an embedded IPv4 one.
    pub const CAPACITY: usize = 47;

    /// Formats `what`; what does not fit is cut.
    #[must_use]
    pub fn format(what: impl fmt::Display) -> Self {
        use fmt::Write as _;
        let mut text = Self {
            length: 0,
            bytes: [0; Self::CAPACITY],
        };
        // A short text that overflows keeps what fits: `write_str` never fails.
        write!(text, "{what}").unwrap_or_default();
        text
    }

    /// An IPv4 address. The machinery of `fmt` takes ten times as long.
    #[must_use]
    pub fn ipv4(octets: [u8; 4]) -> Self {
        let mut text = Self {
            length: 0,
            bytes: [0; Self::CAPACITY],
        };
        for (index, octet) in octets.into_iter().enumerate() {
            if index > 0 {
                text.push(b'.');
            }
            if octet >= 100 {
                text.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                text.push(b'0' + octet / 10 % 10);
            }
            text.push(b'0' + octet % 10);
        }
        text
    }

    /// Appends an ASCII byte, where there is room.
    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(usize::from(self.length)) {
            *slot = byte;
            self.length += 1;
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text's bytes, all ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let length = usize::from(self.length);
        self.bytes.get(..length).unwrap_or_default()
    }
}

impl fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes().filter(u8::is_ascii) {
            self.push(byte);
        }
        Ok(())
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// A value that owns what it is made of: for processes, containers, metric
/// points and whatever outlives a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OwnedValue {
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// Text, UTF-8.
    Str(Box<str>),
    /// Text that is not UTF-8.
    Text(Box<[u8]>),
    /// Exact bytes.
    Raw(Box<[u8]>),
    /// Several texts.
    List(Box<[Box<[u8]>]>),
    /// Beside a list that holds text which is not UTF-8.
    RawList(Box<[Box<[u8]>]>),
}

impl OwnedValue {
    /// Text if `bytes` are UTF-8, bytes to be shown lossily if not.
    #[must_use]
    pub fn text(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Str(text.into()),
            Err(_) => Self::Text(bytes.into()),
        }
    }

    /// Memory of the value beyond itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Uint(_) | Self::Float(_) => 0,
            Self::Str(text) => text.len(),
            Self::Text(bytes) | Self::Raw(bytes) => bytes.len(),
            Self::List(items) | Self::RawList(items) => items
                .iter()
                .map(|item| item.len() + size_of::<Box<[u8]>>())
                .sum(),
        }
    }

    /// Borrows the value.
    #[must_use]
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Str(text) => Value::Str(text),
            Self::Text(bytes) => Value::Text(bytes),
            Self::Raw(bytes) => Value::Raw(bytes),
            Self::List(items) => Value::List(List::Owned(items)),
            Self::RawList(items) => Value::RawList(List::Owned(items)),
        }
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Uint(value) => Self::Uint(value),
            Value::Float(value) => Self::Float(value),
            Value::Str(text) => Self::Str(text.into()),
            Value::Short(text) => Self::Str(text.as_str().into()),
            Value::Text(bytes) => Self::Text(bytes.into()),
            Value::Raw(bytes) => Self::Raw(bytes.into()),
            Value::List(list) => Self::List(own_items(&list)),
            Value::RawList(list) => Self::RawList(own_items(&list)),
        }
    }
}

fn own_items(list: &List<'_>) -> Box<[Box<[u8]>]> {
    let mut items = Vec::new();
    list.for_each(|item| {
        items.push(match item {
            Item::Text(bytes) => bytes.into(),
            Item::Short(text) => text.as_str().as_bytes().into(),
            Item::Int(value) => value.to_string().into_bytes().into(),
            Item::Uint(value) => value.to_string().into_bytes().into(),
        });
    });
    items.into()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{Item, List, ShortText, read_signed, read_unsigned};

    #[track_caller]
    fn splits(bytes: &[u8], expected: &[&[u8]]) {
        let mut items = Vec::new();
        List::Nul(bytes).for_each(|item| items.push(item));
        let expected: Vec<_> = expected.iter().map(|&item| Item::Text(item)).collect();
        assert_eq!(items, expected);
    }

    /// Empty arguments are arguments; a cut list may lack its last NUL.
    #[test]
    fn arguments_are_split_at_their_nul_bytes() {
        splits(b"", &[]);
        splits(b"\0", &[b""]);
        splits(b"sh\0-c\0\0", &[b"sh", b"-c", b""]);
        splits(b"sh\0cu", &[b"sh", b"cu"]);
    }

    /// Integers are read by size and sign.
    #[test]
    fn integers_are_read_by_size_and_sign() {
        assert_eq!(read_unsigned(&[0xff]), 255);
        assert_eq!(read_signed(&[0xff]), -1);
        assert_eq!(read_signed(&[0xfe, 0xff, 0xff, 0xff]), -2);
        assert_eq!(read_signed(&[1, 0, 0, 0, 0, 0, 0, 0x80]), i64::MIN + 1);
    }

    /// Addresses are written as the standard library writes them.
    #[test]
    fn addresses_are_written_in_dotted_decimal() {
        for octets in [[0, 9, 10, 99], [100, 127, 200, 255], [192, 168, 1, 101]] {
            let expected = Ipv4Addr::from(octets).to_string();
            assert_eq!(ShortText::ipv4(octets).as_str(), expected);
        }
    }

    /// A short text keeps what fits.
    #[test]
    fn short_text_is_cut_at_its_capacity() {
        assert_eq!(ShortText::format("::1").as_str(), "::1");
        assert_eq!(
            ShortText::format("x".repeat(60)).as_str().len(),
            ShortText::CAPACITY
        );
    }
}
