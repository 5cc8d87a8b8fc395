//! An event as it stands in a line of NDJSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::workload::from_hex;
use crate::{Error, Result};

/// One event: flat attributes under their names.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(transparent)]
pub struct Event(pub Map<String, Value>);

impl Event {
    /// Reads every line of an NDJSON text.
    ///
    /// # Errors
    /// A line is no JSON object.
    pub fn read_all(text: &str) -> Result<Vec<Self>> {
        text.lines().map(Self::read).collect()
    }

    /// Reads one line.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn read(line: &str) -> Result<Self> {
        serde_json::from_str(line).map_err(|source| Error::Json {
            line: line.to_owned(),
            source,
        })
    }

    /// Its kind, such as `process.exec`; empty if it has none.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("event").unwrap_or_default()
    }

    /// The names of its attributes, `time` and `event` among them.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Its time in nanoseconds since 1970, if it is written as the documentation says.
    #[must_use]
    pub fn time(&self) -> Option<u64> {
        nanoseconds(self.text("time")?)
    }

    /// The same with its time as OTLP in JSON has it: nanoseconds, as text.
    #[must_use]
    pub fn in_nanoseconds(mut self) -> Self {
        if let Some(time) = self.time() {
            self.0.insert("time".to_owned(), time.to_string().into());
        }
        self
    }

    /// All of them as texts that are equal exactly if the events are, whatever their order.
    #[must_use]
    pub fn comparable(events: &[Self]) -> Vec<String> {
        let text = |event: &Self| {
            let ordered: BTreeMap<_, _> = event.0.iter().collect();
            format!("{ordered:?}")
        };
        let mut texts: Vec<_> = events.iter().map(text).collect();
        texts.sort();
        texts
    }

    /// The attribute's value, if it is present.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The attribute as an integer, if it is one.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// The attribute as text, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The exact bytes of a text, taken from its `_raw` twin where it has one.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let text = self.text(name)?;
        exact(text, self.text(&format!("{name}_raw")))
    }

    /// The exact bytes of each text of a list.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        let texts = self.get(name)?.as_array()?;
        let raw = self.get(&format!("{name}_raw")).and_then(Value::as_array);
        let each = texts.iter().enumerate().map(|(index, text)| {
            exact(text.as_str()?, raw.and_then(|raw| raw.get(index)?.as_str()))
        });
        each.collect()
    }
}

/// Reads `2026-11-22T08:00:00.123456789Z`: always nanoseconds, always UTC.
fn nanoseconds(text: &str) -> Option<u64> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000000000Z";
    let bytes = text.as_bytes();
    let fits =
        |(byte, shape): (&u8, &u8)| byte == shape || (*shape == b'0' && byte.is_ascii_digit());
    if bytes.len() != SHAPE.len() || !bytes.iter().zip(SHAPE).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leaps(year) != leaps(year - 1);
    let lengths = [
        31,
        28 + u64::from(is_leap),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let months: u64 = lengths.iter().take(usize::try_from(month).ok()? - 1).sum();
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + months + day - 1;
    let seconds = days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    Some(seconds * 1_000_000_000 + number(20, 29)?)
}

fn exact(text: &str, raw: Option<&str>) -> Option<Vec<u8>> {
    match raw {
        Some(hex) => from_hex(hex),
        None => Some(text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leap days and years are counted; another shape is none.
    #[test]
    fn time_is_read_in_one_shape_only() {
        let rows = [
            ("1970-01-01T00:00:00.000000001Z", Some(1)),
            (
                "2000-03-01T00:00:00.000000000Z",
                Some(951_868_800_000_000_000),
            ),
            (
                "2024-02-29T23:59:59.999999999Z",
                Some(1_709_251_199_999_999_999),
            ),
            (
                "2026-11-22T08:00:00.123456789Z",
                Some(1_795_334_400_123_456_789),
            ),
            ("2026-11-22T08:00:00.123456Z", None),
            ("2026-11-22T08:00:00.123456789+", None),
        ];
        for (text, expected) in rows {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }

    /// With and without a twin, alone and in a list.
    #[test]
    fn exact_bytes_come_from_the_raw_twin() {
        let line = r#"{"event":"e","a":"x","b":"x\ufffd","b_raw":"78ff",
            "l":["x","\ufffd"],"l_raw":[null,"fe"]}"#;
        let event = Event::read(line).unwrap();
        assert_eq!(event.bytes("a"), Some(b"x".to_vec()));
        assert_eq!(event.bytes("b"), Some(b"x\xff".to_vec()));
        assert_eq!(event.list("l"), Some(vec![b"x".to_vec(), b"\xfe".to_vec()]));
        assert_eq!(event.bytes("absent"), None);
    }
}
