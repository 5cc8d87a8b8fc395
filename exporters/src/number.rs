//! Numbers and bytes as text, without the machinery of `fmt`: every event has a
//! dozen of them.

/// The digits of the numbers below 100.
static PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
}

/// The digits of a number, at the front.
struct Digits {
    bytes: [u8; 20],
    length: usize,
}

impl Digits {
    fn new(mut value: u64) -> Self {
        let length = value.checked_ilog10().map_or(1, |log| log as usize + 1);
        let mut bytes = [0; 20];
        let (first, pairs) = bytes
            .get_mut(..length)
            .unwrap_or_default()
            .as_rchunks_mut::<2>();
        // A division takes longer than all else: one for two digits.
        for pair in pairs.iter_mut().rev() {
            *pair = PAIRS
                .get((value % 100) as usize)
                .copied()
                .unwrap_or_default();
            value /= 100;
        }
        if let [digit] = first {
            *digit = b'0' + (value % 10) as u8;
        }
        Self { bytes, length }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Appends `value` in decimal.
pub(crate) fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    let digits = Digits::new(value);
    let end = out.len() + digits.length;
    // A copy of fixed length is two moves, one of a length that varies is a call.
    out.extend_from_slice(&digits.bytes);
    out.truncate(end);
}

/// Appends `value` in decimal.
pub(crate) fn write_signed(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    write_unsigned(value.unsigned_abs(), out);
}

/// Appends `value` in decimal.
pub(crate) fn push_unsigned(value: u64, out: &mut String) {
    out.push_str(str::from_utf8(Digits::new(value).as_bytes()).unwrap_or_default());
}

/// Appends `value` in decimal.
pub(crate) fn push_signed(value: i64, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    push_unsigned(value.unsigned_abs(), out);
}

/// Appends `bytes` in lower-case hex.
pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
    );
}

/// Appends `bytes` in base64, with padding.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let byte = |index| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = bits >> (18 - 6 * index) & 63;
            let is_padding = index as usize > group.len();
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'A');
            out.push(if is_padding { b'=' } else { digit });
        }
    }
}

/// Appends `bytes` as text, with U+FFFD where they are not UTF-8.
pub(crate) fn write_lossy(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{write_base64, write_hex, write_signed, write_unsigned};

    /// The ends of the ranges, and zero, are written as `fmt` writes them.
    #[test]
    fn numbers_are_written_in_decimal() {
        for value in [0, 9, 10, 99, 100, 999, 4_294_967_296, u64::MAX] {
            let mut out = Vec::new();
            write_unsigned(value, &mut out);
            assert_eq!(out, value.to_string().as_bytes());
        }
        for value in [0, -1, 7, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            write_signed(value, &mut out);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }

    /// Two digits a byte, the high one first.
    #[test]
    fn bytes_are_written_in_hex() {
        let mut out = Vec::new();
        write_hex(&[0x00, 0xa5, 0xff], &mut out);
        assert_eq!(out, b"00a5ff");
    }

    /// Three bytes are four digits; what is missing of them is padded.
    #[test]
    fn bytes_are_written_in_base64() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"\xff\xfe\xfd\xfb", "//79+w=="),
        ] {
            let mut out = Vec::new();
            write_base64(bytes, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
