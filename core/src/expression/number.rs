//! Numbers of any type, compared as numbers.

use std::cmp::Ordering;

/// A number: all integers of 64 bits, signed or not, and floating point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    /// Reads decimal, hexadecimal (`0x`) or floating-point digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        if let Some(hex) = digits.strip_prefix("0x") {
            let value = u64::from_str_radix(hex, 16).ok()?;
            return (!hex.starts_with('+')).then_some(Self::Integer(sign * i128::from(value)));
        }
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        if digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return digits
                .parse()
                .map(|value: i128| Self::Integer(sign * value))
                .ok();
        }
        text.parse().map(Self::Float).ok()
    }

    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (a, b) => a.float().partial_cmp(&b.float()),
        }
    }

    pub(super) fn equals(self, other: Self) -> bool {
        self.order(other) == Some(Ordering::Equal)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "compared with a float, which is no more exact"
    )]
    fn float(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}
