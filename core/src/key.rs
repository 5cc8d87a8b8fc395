//! The name of an attribute, with what encoders need of it prepared once.
//!
//! An attribute name is written millions of times and made once. Escaping it or
//! writing its length anew for every event would cost more than the value does.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::line;

/// An attribute's name; cloning shares it.
#[derive(Clone)]
pub struct Key(Arc<Prepared>);

struct Prepared {
    name: Box<str>,
    json: Box<[u8]>,
    proto: Box<[u8]>,
    line: Box<[u8]>,
}

impl Key {
    /// Prepares `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut json = Vec::with_capacity(name.len() + 4);
        json.push(b',');
        write_json_string(name, &mut json);
        json.push(b':');
        let mut proto = vec![PROTO_FIELD_1_BYTES];
        write_varint(name.len(), &mut proto);
        proto.extend_from_slice(name.as_bytes());
        Self(Arc::new(Prepared {
            name: name.into(),
            json: json.into(),
            proto: proto.into(),
            line: line_protocol_key(name).into(),
        }))
    }

    /// The name itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name as a JSON string with what stands around it between the members of an
    /// object: `,"process.pid":`.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.0.json
    }

    /// The name as field 1 of a protobuf message, the `key` of OTLP's
    /// `KeyValue`.
    #[must_use]
    pub fn proto(&self) -> &[u8] {
        &self.0.proto
    }

    /// The name as a tag's or field's key in InfluxDB's line protocol, with the
    /// equals sign behind it: `process.pid=`.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.0.line
    }
}

const PROTO_FIELD_1_BYTES: u8 = 0x0a;

fn write_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// InfluxDB keeps a few names for itself, and takes none that is empty.
fn line_protocol_key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 2);
    line::write_unquoted(name.as_bytes(), line::IN_NAME, &mut key);
    if matches!(name, "" | "time" | "_measurement" | "_field") {
        key.push(b'_');
    }
    key.push(b'=');
    key
}

fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push(b'\\');
                out.push(if c == '"' { b'"' } else { b'\\' });
            }
            c if c < ' ' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.name == other.0.name
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.name)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.name, f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    /// What is prepared is what an encoder would have written.
    #[test]
    fn key_is_prepared_for_every_encoder() {
        let key = Key::new("process.pid");
        assert_eq!(key.json(), b",\"process.pid\":");
        assert_eq!(key.proto(), b"\x0a\x0bprocess.pid");
        assert_eq!(Key::new("a\"\n").json(), b",\"a\\\"\\u000a\":");
        assert_eq!(Key::new(&"x".repeat(200)).proto()[..3], [0x0a, 0xc8, 0x01]);
        assert_eq!(key.line(), b"process.pid=");
        assert_eq!(Key::new("a b\n").line(), "a\\ b\u{fffd}=".as_bytes());
        assert_eq!(Key::new("time").line(), b"time_=");
        assert_eq!(Key::new("").line(), b"_=");
    }
}
