//! Paths with attributes in them: `out/{event}.csv`.

use std::path::{Path, PathBuf, absolute};

use eunomia_core::time::WallNanos;
use eunomia_core::value::{List, ShortText, Value};

use super::name::{self, write_value};
use crate::names::HOST_NAME;
use crate::number::write_unsigned;

/// Bytes of a file's name, less than the 255 that Linux allows by what a
/// rotated file has in its name besides.
const MAX_NAME_BYTES: usize = 220;
/// What braces may hold beside attributes.
const KNOWN: &str = "{event}, {signal}, {date} and attributes such as {container.name}";

/// A path, or the pattern of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<[u8]>),
    Value {
        field: Field,
        /// What the name goes on with, if another value follows in it.
        guard: Option<u8>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Event,
    Signal,
    Date,
    Attribute(Box<str>),
}

/// What a path is made of.
pub(super) struct Subject<'a> {
    /// The event's or the metric's name.
    pub(super) event: &'a str,
    /// Which of several kinds of that name it is, counted from one.
    pub(super) version: u32,
    /// `events` or `metrics`.
    pub(super) signal: &'static str,
    pub(super) time: WallNanos,
    pub(super) attribute: &'a dyn Fn(&str) -> Option<Value<'a>>,
}

impl Template {
    /// A path without any attribute in it, whatever it looks like.
    pub(crate) fn literal(path: &str) -> Self {
        let part = Part::Literal(path.as_bytes().into());
        Self { parts: vec![part] }
    }

    /// Reads a path with `{...}` in it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = path;
        while let Some((literal, behind)) = rest.split_once('{') {
            let (field, behind) = behind
                .split_once('}')
                .ok_or("a `{` in a path wants its `}`")?;
            push_literal(&mut parts, literal)?;
            let field = Field::parse(field)?;
            parts.push(Part::Value { field, guard: None });
            rest = behind;
        }
        push_literal(&mut parts, rest)?;
        let mut template = Self { parts };
        template.check_folders()?;
        template.set_guards()?;
        template.check_names()?;
        Ok(template)
    }

    /// The same on the host called `name`.
    pub(super) fn on_host(&self, name: &str) -> Self {
        let on_host = |part: &Part| match part {
            Part::Value { field, guard } if field.name() == HOST_NAME => {
                let mut literal = Vec::new();
                let value = Some(name.as_bytes()).filter(|name| !name.is_empty());
                write_value(value, *guard, &mut literal);
                Part::Literal(literal.into())
            }
            Part::Value { .. } | Part::Literal(_) => part.clone(),
        };
        let parts = self.parts.iter().map(on_host).collect();
        Self { parts }
    }

    /// Whether it is one path.
    pub(crate) fn is_literal(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Literal(_)))
    }

    /// Whether events of different kinds have different paths.
    pub(super) fn tells_events_apart(&self) -> bool {
        let is_event =
            |part: &Part| matches!(part, Part::Value { field, .. } if *field == Field::Event);
        self.parts.iter().any(is_event)
    }

    /// Whether events and metric points have different paths, and all of a batch
    /// the same.
    pub(super) fn tells_signals_apart(&self) -> bool {
        let is_in = |wanted: fn(&Field) -> bool| {
            let mut parts = self.parts.iter();
            parts.any(|part| matches!(part, Part::Value { field, .. } if wanted(field)))
        };
        let differs = |field: &Field| match field {
            Field::Event => true,
            Field::Attribute(name) => &**name != HOST_NAME,
            Field::Signal | Field::Date => false,
        };
        is_in(|field| *field == Field::Signal) && !is_in(differs)
    }

    /// All of its paths as one pattern, `*` for what differs.
    pub(crate) fn pattern(&self) -> String {
        let text = |part: &Part| match part {
            Part::Literal(text) => String::from_utf8_lossy(text).into_owned(),
            Part::Value { .. } => "*".to_owned(),
        };
        let path = PathBuf::from(self.parts.iter().map(text).collect::<String>());
        absolute(&path).unwrap_or(path).display().to_string()
    }

    /// As it is written.
    pub(crate) fn text(&self) -> String {
        let text = |part: &Part| match part {
            Part::Literal(text) => String::from_utf8_lossy(text).into_owned(),
            Part::Value { field, .. } => format!("{{{}}}", field.name()),
        };
        self.parts.iter().map(text).collect()
    }

    /// The folder that no path leaves.
    pub(crate) fn folder(&self) -> &Path {
        let Some(Part::Literal(literal)) = self.parts.first() else {
            return Path::new("");
        };
        let end = literal.iter().rposition(|&byte| byte == b'/');
        let folder = literal.get(..end.map_or(0, |end| end + 1));
        Path::new(str::from_utf8(folder.unwrap_or_default()).unwrap_or_default())
    }

    /// Appends the path of `subject`.
    pub(super) fn write(&self, subject: &Subject<'_>, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Literal(literal) => out.extend_from_slice(literal),
                Part::Value { field, guard } => field.write(subject, *guard, out),
            }
        }
    }

    /// Where a value has chosen a folder there is no way back out of it.
    fn check_folders(&self) -> Result<(), String> {
        for part in self.parts.iter().skip(1) {
            if let Part::Literal(literal) = part
                && literal
                    .split(|&byte| byte == b'/')
                    .any(|name| name == b"..")
            {
                return Err("a path cannot have .. behind a {...}".into());
            }
        }
        Ok(())
    }

    fn set_guards(&mut self) -> Result<(), String> {
        let mut rest = self.parts.as_mut_slice();
        while let Some((part, behind)) = rest.split_first_mut() {
            if let Part::Value { guard, .. } = part {
                *guard = separator(behind)?;
            }
            rest = behind;
        }
        Ok(())
    }

    /// Whatever the values are, a name is no longer than the kernel allows.
    fn check_names(&self) -> Result<(), String> {
        let mut length = 0;
        for part in &self.parts {
            length = match part {
                Part::Value { .. } => length + name::MAX_BYTES,
                Part::Literal(literal) => match literal.iter().rposition(|&byte| byte == b'/') {
                    Some(slash) => literal.len() - slash - 1,
                    None => length + literal.len(),
                },
            };
            if length > MAX_NAME_BYTES {
                return Err(format!(
                    "a name with {{...}} has at most {MAX_NAME_BYTES} bytes, {} for each {{...}}",
                    name::MAX_BYTES
                ));
            }
        }
        Ok(())
    }
}

/// The byte behind a value that the parts `behind` follow, if another value
/// follows in the same name.
fn separator(behind: &[Part]) -> Result<Option<u8>, String> {
    let separator = match behind {
        [Part::Value { .. }, ..] => None,
        [Part::Literal(literal), Part::Value { .. }, ..] if !literal.contains(&b'/') => {
            literal.first().copied()
        }
        _ => return Ok(None),
    };
    match separator {
        Some(byte) if !byte.is_ascii_alphanumeric() && byte != b'%' => Ok(Some(byte)),
        _ => Err("two {...} in one name want a separator such as - between".into()),
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &str) -> Result<(), String> {
    if literal.contains('}') {
        return Err("a `}` in a path wants its `{`".into());
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.as_bytes().into()));
    }
    Ok(())
}

impl Field {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "event" => Self::Event,
            "signal" => Self::Signal,
            "date" => Self::Date,
            attribute if attribute.contains('.') => Self::Attribute(attribute.into()),
            _ => return Err(format!("{{{name}}} is not known; known are {KNOWN}")),
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Event => "event",
            Self::Signal => "signal",
            Self::Date => "date",
            Self::Attribute(name) => name,
        }
    }

    fn write(&self, subject: &Subject<'_>, guard: Option<u8>, out: &mut Vec<u8>) {
        match self {
            Self::Signal => out.extend_from_slice(subject.signal.as_bytes()),
            Self::Event => {
                write_value(Some(subject.event.as_bytes()), guard, out);
                if subject.version > 1 {
                    // A plus sign is in no value.
                    out.push(b'+');
                    write_unsigned(u64::from(subject.version), out);
                }
            }
            Self::Date => {
                let mut text = [0; 30];
                subject.time.write_rfc3339(&mut text);
                out.extend_from_slice(text.get(..10).unwrap_or_default());
            }
            Self::Attribute(name) => write_attribute((subject.attribute)(name), guard, out),
        }
    }
}

fn write_attribute(value: Option<Value<'_>>, guard: Option<u8>, out: &mut Vec<u8>) {
    let mut write = |bytes: &[u8]| write_value(Some(bytes), guard, out);
    let short = match value {
        None => return write_value(None, guard, out),
        Some(Value::Str(text)) => return write(text.as_bytes()),
        Some(Value::Text(bytes) | Value::Raw(bytes)) => return write(bytes),
        Some(Value::List(list) | Value::RawList(list)) => return write_list(list, guard, out),
        Some(Value::Short(text)) => text,
        Some(Value::Bool(value)) => ShortText::format(value),
        Some(Value::Int(value)) => ShortText::format(value),
        Some(Value::Uint(value)) => ShortText::format(value),
        Some(Value::Float(value)) => ShortText::format(value),
    };
    write(short.as_str().as_bytes());
}

/// Hardly anybody names files after a list: it is not written for the eye.
fn write_list(list: List<'_>, guard: Option<u8>, out: &mut Vec<u8>) {
    let mut write = |bytes: &[u8]| write_value(Some(bytes), guard, out);
    match list {
        List::Nul(bytes) | List::Integers { bytes, .. } => write(bytes),
        List::Flags { bits, .. } => write(ShortText::format(bits).as_str().as_bytes()),
        List::Owned(items) => write(&items.join(&0)),
    }
}
