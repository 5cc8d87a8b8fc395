//! An event as it stands in a line of NDJSON.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::workload::from_hex;
use crate::{Error, Result};

/// One event: flat attributes under their names.
#[derive(Clone, Debug, Deserialize, PartialEq)]
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

fn exact(text: &str, raw: Option<&str>) -> Option<Vec<u8>> {
    match raw {
        Some(hex) => from_hex(hex),
        None => Some(text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
