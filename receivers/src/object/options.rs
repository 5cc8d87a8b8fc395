//! Read-only variables of an object: options by their key, others by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time;

use eunomia_core::config::{ByteSize, ConfigError, Duration, Node, Value};
use eunomia_core::names::Names;
use eunomia_core::schema::{IntegerSize, Render, Shape};
use eunomia_core::value::{read_signed, read_unsigned};
use serde::de::DeserializeOwned;

use super::btf::{Btf, TypeId, Variable};
use super::elf::Elf;
use super::error::ObjectError;
use super::shape::{self, Form};
use super::tags::{self, Tags};

/// A read-only variable, which is set before the object is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Its name in C.
    pub name: Box<str>,
    /// What it holds.
    pub value_type: GlobalType,
    /// UCUM unit, where it has one.
    pub unit: Option<Box<str>>,
    /// Its bytes as compiled; setting it takes as many.
    pub default: Box<[u8]>,
}

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobalType {
    /// `bool`.
    Bool,
    /// An integer.
    #[expect(missing_docs, reason = "the names say it")]
    Integer { size: IntegerSize, signed: bool },
    /// An enumeration, set by name.
    #[expect(missing_docs, reason = "the names say it")]
    Enum {
        size: IntegerSize,
        names: Arc<Names>,
    },
    /// `float` or `double`.
    #[expect(missing_docs, reason = "the name says it")]
    Float { size: IntegerSize },
    /// `char[N]`: text with a NUL byte behind it.
    #[expect(missing_docs, reason = "the name says it")]
    Text { length: u32 },
    /// An array of integers, set by a list; what the list lacks is 0.
    #[expect(missing_docs, reason = "the names say it")]
    Integers {
        size: IntegerSize,
        signed: bool,
        count: u32,
    },
    /// Anything else: it cannot be set.
    Other,
}

/// A variable that the object's author means to be set by users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOption {
    /// Its key in the configuration.
    pub key: Box<str>,
    /// One sentence for people.
    pub doc: Box<str>,
    /// The variable.
    pub global: Global,
}

/// The read-only variables of an object.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(crate) globals: Vec<Global>,
    pub(crate) options: Vec<ProbeOption>,
    pub(crate) abi: Option<u32>,
}

/// The variable that carries the version of the headers.
const ABI_GLOBAL: &str = "eunomia_abi";

/// Reads the variables of the `.rodata` sections.
pub(crate) fn read(elf: &Elf<'_>, btf: &Btf) -> Result<Variables, ObjectError> {
    let mut found = Variables::default();
    for variable in btf.variables(|section| section.starts_with(".rodata")) {
        let Some(default) = bytes(elf, &variable) else {
            continue;
        };
        let tags = tags::parse(btf.tags(variable.id), variable.name)?;
        let global = Global {
            name: variable.name.into(),
            value_type: GlobalType::of(btf, variable.target, default.len()),
            unit: tags.unit().map(Into::into),
            default: default.into(),
        };
        let stored = || (variable.name == ABI_GLOBAL).then(|| read_unsigned(default));
        let stored = || stored().map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        found.abi = found.abi.or(tags.abi()).or_else(stored);
        found.options.extend(option(&tags, &global)?);
        found.globals.push(global);
    }
    check_keys(&found.options)?;
    Ok(found)
}

fn bytes<'a>(elf: &Elf<'a>, variable: &Variable<'_>) -> Option<&'a [u8]> {
    let by_symbol = elf
        .variable(variable.name)
        .filter(|data| data.section.starts_with(".rodata"));
    match by_symbol {
        Some(data) => Some(data.bytes),
        // Only static variables can be without a symbol, and theirs is the offset in BTF.
        None if variable.is_static => {
            let start = usize::try_from(variable.offset).ok()?;
            let end = start.checked_add(usize::try_from(variable.size).ok()?)?;
            elf.section(".rodata")?.get(start..end)
        }
        None => None,
    }
}

fn option(tags: &Tags<'_>, global: &Global) -> Result<Option<ProbeOption>, ObjectError> {
    let Some(key) = tags.option() else {
        return Ok(None);
    };
    if global.value_type == GlobalType::Other {
        return Err(ObjectError::Option {
            option: key.into(),
            reason: format!(
                "the type of {} can't be set from a configuration",
                global.name
            ),
        });
    }
    Ok(Some(ProbeOption {
        key: key.into(),
        doc: tags.doc().unwrap_or_default().into(),
        global: global.clone(),
    }))
}

fn check_keys(options: &[ProbeOption]) -> Result<(), ObjectError> {
    let mut known = BTreeMap::new();
    for option in options {
        if let Some(other) = known.insert(&option.key, &option.global.name) {
            return Err(ObjectError::Option {
                option: option.key.clone(),
                reason: format!("both {other} and {} are it", option.global.name),
            });
        }
    }
    Ok(())
}

impl GlobalType {
    /// What a variable of the type `id` in so many bytes holds.
    fn of(btf: &Btf, id: TypeId, bytes: usize) -> Self {
        match shape::form(btf, id) {
            Ok(Form::Leaf(shape)) if shape::width(&shape) == bytes as u64 => Self::of_shape(shape),
            Ok(Form::Leaf(_) | Form::Struct(..) | Form::Array { .. }) | Err(_) => Self::Other,
        }
    }

    fn of_shape(shape: Shape) -> Self {
        match shape {
            Shape::Bool => Self::Bool,
            Shape::Integer {
                size,
                render: Render::Enum(names),
                ..
            } => Self::Enum { size, names },
            Shape::Integer {
                size,
                signed,
                render: Render::Number,
            } => Self::Integer { size, signed },
            Shape::Float { size } => Self::Float { size },
            Shape::Chars { length } => Self::Text { length },
            Shape::Bytes { length } => Self::Integers {
                size: IntegerSize::One,
                signed: false,
                count: length,
            },
            Shape::Integers {
                size,
                signed,
                count,
            } => Self::Integers {
                size,
                signed,
                count,
            },
            Shape::Integer { .. }
            | Shape::Bits { .. }
            | Shape::Text(_)
            | Shape::TextList(_)
            | Shape::TailBytes
            | Shape::Address => Self::Other,
        }
    }
}

impl Global {
    /// The bytes to give the variable for what was configured.
    ///
    /// # Errors
    /// What was configured is of another type or does not fit; the error says
    /// what was expected, at the place where it was written.
    pub fn encode(&self, node: &Node) -> Result<Vec<u8>, ConfigError> {
        match &self.value_type {
            GlobalType::Bool => Ok(vec![u8::from(decode::<bool>(node)?)]),
            GlobalType::Integer { size, signed } => self.number(*size, *signed, node),
            GlobalType::Enum { size, names } => enumerator(*size, names, node),
            GlobalType::Float { size } => {
                let number: f64 = decode(node)?;
                Ok(match size {
                    IntegerSize::Four => single(number).to_le_bytes().into(),
                    IntegerSize::One | IntegerSize::Two | IntegerSize::Eight => {
                        number.to_le_bytes().into()
                    }
                })
            }
            GlobalType::Text { length } => text(*length, node),
            GlobalType::Integers {
                size,
                signed,
                count,
            } => integers(*size, *signed, *count, node),
            GlobalType::Other => Err(node.error(format!(
                "{} is neither a number, a bool nor text: it can't be set",
                self.name
            ))),
        }
    }

    /// The value as compiled, as a configuration would have it.
    #[must_use]
    pub fn default_value(&self) -> Value {
        self.show(&self.default)
    }

    /// The value `bytes` as a configuration would have it.
    #[must_use]
    pub fn show(&self, bytes: &[u8]) -> Value {
        match &self.value_type {
            GlobalType::Bool => Value::Bool(bytes.iter().any(|byte| *byte != 0)),
            GlobalType::Integer { signed: true, .. } => Value::Integer(read_signed(bytes).into()),
            GlobalType::Integer { signed: false, .. } => self.show_unsigned(read_unsigned(bytes)),
            GlobalType::Enum { names, .. } => {
                let number = read_unsigned(bytes);
                match names.get(number) {
                    Some(name) => Value::Text(name.to_owned()),
                    None => Value::Integer(number.into()),
                }
            }
            GlobalType::Float { .. } => Value::Float(match *bytes {
                [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
                _ => 0.0,
            }),
            GlobalType::Text { .. } => {
                let end = bytes.iter().position(|byte| *byte == 0);
                let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                Value::Text(String::from_utf8_lossy(text).into_owned())
            }
            GlobalType::Integers { .. } | GlobalType::Other => Value::Null,
        }
    }

    fn show_unsigned(&self, number: u64) -> Value {
        match self.measure() {
            Some(Measure::Time(nanos)) => {
                let span = time::Duration::from_nanos(number.saturating_mul(nanos));
                Value::Text(Duration(span).to_string())
            }
            Some(Measure::Size) => Value::Text(ByteSize(number).to_string()),
            None => Value::Integer(number.into()),
        }
    }

    /// What it counts in its unit, where a configuration writes that in another way than as a number.
    pub(crate) fn measure(&self) -> Option<Measure> {
        Some(match self.unit.as_deref()? {
            "ns" => Measure::Time(1),
            "us" => Measure::Time(1_000),
            "ms" => Measure::Time(1_000_000),
            "s" => Measure::Time(1_000_000_000),
            "By" => Measure::Size,
            _ => return None,
        })
    }

    fn number(&self, size: IntegerSize, signed: bool, node: &Node) -> Result<Vec<u8>, ConfigError> {
        let number = match self.measure() {
            Some(Measure::Time(unit)) => {
                let nanos = decode::<Duration>(node)?.0.as_nanos();
                if !nanos.is_multiple_of(unit.into()) {
                    let unit = Duration(time::Duration::from_nanos(unit));
                    return Err(node.error(format!("expected a multiple of {unit}")));
                }
                nanos / u128::from(unit)
            }
            Some(Measure::Size) => u128::from(decode::<ByteSize>(node)?.0),
            None => return integer(size, signed, node),
        };
        // A sign bit is no room for a size or a time.
        let bits = 8 * size.bytes() - usize::from(signed);
        if number >> bits != 0 {
            let found = node.describe();
            return Err(node.error(format!("{found} is too large for {}", self.name)));
        }
        let bytes = number.to_le_bytes();
        Ok(bytes.iter().copied().take(size.bytes()).collect())
    }
}

/// Units in which a configuration writes values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// So many nanoseconds each.
    Time(u64),
    /// Bytes.
    Size,
}

fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, ConfigError> {
    node.decode().map_err(|errors| {
        let first = errors.0.into_iter().next();
        first.unwrap_or_else(|| node.error("can't be read"))
    })
}

fn integer(size: IntegerSize, signed: bool, node: &Node) -> Result<Vec<u8>, ConfigError> {
    Ok(match (size, signed) {
        (IntegerSize::One, false) => decode::<u8>(node)?.to_le_bytes().into(),
        (IntegerSize::Two, false) => decode::<u16>(node)?.to_le_bytes().into(),
        (IntegerSize::Four, false) => decode::<u32>(node)?.to_le_bytes().into(),
        (IntegerSize::Eight, false) => decode::<u64>(node)?.to_le_bytes().into(),
        (IntegerSize::One, true) => decode::<i8>(node)?.to_le_bytes().into(),
        (IntegerSize::Two, true) => decode::<i16>(node)?.to_le_bytes().into(),
        (IntegerSize::Four, true) => decode::<i32>(node)?.to_le_bytes().into(),
        (IntegerSize::Eight, true) => decode::<i64>(node)?.to_le_bytes().into(),
    })
}

fn enumerator(size: IntegerSize, names: &Names, node: &Node) -> Result<Vec<u8>, ConfigError> {
    let name: String = decode(node)?;
    let Some((number, _)) = names.iter().find(|(_, known)| *known == name) else {
        let known: Vec<_> = names.iter().map(|(_, name)| name).collect();
        let list = known.join(", ");
        return Err(node.error(format!("expected one of {list}, found {}", node.describe())));
    };
    Ok(number
        .to_le_bytes()
        .into_iter()
        .take(size.bytes())
        .collect())
}

fn text(length: u32, node: &Node) -> Result<Vec<u8>, ConfigError> {
    let room = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = decode::<String>(node)?.into_bytes();
    if bytes.contains(&0) {
        return Err(node.error("expected text without NUL bytes"));
    }
    // C code reads on until a NUL byte.
    if bytes.len() >= room {
        return Err(node.error(format!(
            "expected text of at most {} bytes",
            room.saturating_sub(1)
        )));
    }
    bytes.resize(room, 0);
    Ok(bytes)
}

fn integers(
    size: IntegerSize,
    signed: bool,
    count: u32,
    node: &Node,
) -> Result<Vec<u8>, ConfigError> {
    let room = usize::try_from(count).unwrap_or(usize::MAX);
    let Value::List(items) = &node.value else {
        return Err(node.error(format!("expected a list, found {}", node.describe())));
    };
    if items.len() > room {
        return Err(node.error(format!("expected at most {room} values")));
    }
    let mut bytes = Vec::new();
    for item in items {
        bytes.extend(integer(size, signed, item)?);
    }
    bytes.resize(room.saturating_mul(size.bytes()), 0);
    Ok(bytes)
}

/// The nearest number of single precision, which is what the variable holds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the precision is the variable's"
)]
fn single(number: f64) -> f32 {
    number as f32
}
