//! Sizes and times with their units, as they are written: `64MiB`, `200ms`, `24h`.

use std::{borrow::Cow, fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// The units of sizes, the largest first: a size is shown in the largest one that gives a whole number.
const SIZES: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

/// The units of times, the largest first.
const TIMES: &[(&str, u64)] = &[
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A number of bytes, written with its unit: `64MiB`, `100kB`; a bare number counts bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// A length of time, written with its unit: `10s`, `200ms`, `1h30m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub time::Duration);

/// Text that is no size or no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a size.
    #[error("expected a size with its unit (B, kB, KiB, MB, MiB, GB, GiB), such as 64MiB")]
    Size,
    /// Not a length of time.
    #[error("expected a length of time with its unit (ns, us, ms, s, m, h, d), such as 10s")]
    Time,
}

impl ByteSize {
    /// So many times 1,024 bytes.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// So many times 1,048,576 bytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}

impl Duration {
    /// So many seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(time::Duration::from_secs(count))
    }

    /// So many milliseconds.
    pub const fn millis(count: u64) -> Self {
        Self(time::Duration::from_millis(count))
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if let Ok(bytes) = text.parse() {
            return Ok(Self(bytes));
        }
        match first_quantity(text, SIZES) {
            Some((bytes, "")) => Ok(Self(bytes)),
            _ => Err(UnitError::Size),
        }
    }
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "0" {
            return Ok(Self(time::Duration::ZERO));
        }
        let (mut total, mut rest) = (0_u64, text);
        while let Some((nanos, behind)) = first_quantity(rest, TIMES) {
            total = total.checked_add(nanos).ok_or(UnitError::Time)?;
            if behind.is_empty() {
                return Ok(Self(time::Duration::from_nanos(total)));
            }
            rest = behind;
        }
        Err(UnitError::Time)
    }
}

/// The number with unit at the beginning of `text` (`1.5h`, `64 MiB`), and what stands behind it.
fn first_quantity<'a>(text: &'a str, units: &[(&str, u64)]) -> Option<(u64, &'a str)> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(digits)?;
    let rest = rest.trim_start_matches(' ');
    let letters = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    let (name, behind) = rest.split_at_checked(letters)?;
    let (_, unit) = units.iter().find(|(unit, _)| *unit == name)?;
    let value = match number.split_once('.') {
        None => number.parse::<u64>().ok()?.checked_mul(*unit)?,
        Some((whole, fraction)) => {
            let whole = whole.parse::<u64>().ok()?.checked_mul(*unit)?;
            whole.checked_add(part_of(fraction, *unit)?)?
        }
    };
    Some((value, behind))
}

/// The decimal fraction of `unit`, rounded down; `None` if it isn't one or is finer than 18 digits.
fn part_of(fraction: &str, unit: u64) -> Option<u64> {
    let scale = 10_u128.checked_pow(
        u32::try_from(fraction.len())
            .ok()
            .filter(|digits| *digits <= 18)?,
    )?;
    let part: u64 = fraction.parse().ok()?;
    u64::try_from(u128::from(part) * u128::from(unit) / scale).ok()
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_units(f, self.0, SIZES, "0B")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_units(
            f,
            u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX),
            TIMES,
            "0s",
        )
    }
}

/// Writes `value` in the largest unit that gives a whole number.
fn write_in_units(
    f: &mut fmt::Formatter<'_>,
    value: u64,
    units: &[(&str, u64)],
    zero: &str,
) -> fmt::Result {
    match units.iter().find(|(_, unit)| value.is_multiple_of(*unit)) {
        Some((name, unit)) if value > 0 => write!(f, "{}{name}", value / unit),
        _ => f.write_str(zero),
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size with its unit, such as 64MiB")
    }

    fn visit_u64<E>(self, bytes: u64) -> Result<ByteSize, E> {
        Ok(ByteSize(bytes))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
        text.parse()
            .map_err(|error: UnitError| E::custom(format_args!("{error}; found text {text:?}")))
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time with its unit, such as 10s")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Duration, E> {
        match number {
            0 => Ok(Duration::default()),
            _ => Err(E::custom(format_args!(
                "{}; found the number {number} without one",
                UnitError::Time
            ))),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        text.parse()
            .map_err(|error: UnitError| E::custom(format_args!("{error}; found text {text:?}")))
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "pattern": r"^([0-9]+|[0-9]+(\.[0-9]+)? *(B|[kKMGT]B|[KMGT]iB)|.*\$\{.*)$",
            "minimum": 0,
        })
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "pattern": r"^(0|([0-9]+(\.[0-9]+)? *(ns|us|ms|s|m|h|d))+|.*\$\{.*)$",
            "minimum": 0,
            "maximum": 0,
        })
    }
}
