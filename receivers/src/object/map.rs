//! The maps that an object defines.

use super::btf::{Btf, Kind, Member, TypeId};
use super::elf::Elf;
use super::error::ObjectError;
use super::tags::{self, Tags};

/// A map as the object defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Its name.
    pub name: Box<str>,
    /// What kind of map it is.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value; of a per-CPU map, on one CPU.
    pub value_size: u32,
    /// How many entries; 0 where the loader has to say.
    pub max_entries: u32,
    /// Whether objects share it by its name.
    pub is_pinned: bool,
    /// Entries that it needs for each possible CPU.
    pub entries_per_cpu: Option<u32>,
}

/// The kind of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in the kernel")]
pub enum MapType {
    Hash,
    Array,
    ProgArray,
    PerfEventArray,
    PerCpuHash,
    PerCpuArray,
    LruHash,
    LruPerCpuHash,
    RingBuf,
    /// Any other, by its number.
    Other(u32),
}

impl MapType {
    fn of(number: u32) -> Self {
        match number {
            1 => Self::Hash,
            2 => Self::Array,
            3 => Self::ProgArray,
            4 => Self::PerfEventArray,
            5 => Self::PerCpuHash,
            6 => Self::PerCpuArray,
            9 => Self::LruHash,
            10 => Self::LruPerCpuHash,
            27 => Self::RingBuf,
            other => Self::Other(other),
        }
    }

    /// Whether each CPU has a value of its own.
    #[must_use]
    pub fn is_per_cpu(self) -> bool {
        matches!(
            self,
            Self::PerCpuHash | Self::PerCpuArray | Self::LruPerCpuHash
        )
    }

    /// Whether every entry exists from the beginning.
    #[must_use]
    pub fn is_array(self) -> bool {
        matches!(self, Self::Array | Self::PerCpuArray)
    }

    /// Whether records come out of it.
    #[must_use]
    pub fn is_ring(self) -> bool {
        matches!(self, Self::RingBuf)
    }

    /// Whether it holds values of its own by their keys.
    #[must_use]
    pub fn is_table(self) -> bool {
        self.is_array() || self.is_per_cpu() || matches!(self, Self::Hash | Self::LruHash)
    }
}

/// A map with what its variable says beside the definition.
pub(crate) struct Definition<'a> {
    pub(crate) map: Map,
    pub(crate) key: Option<TypeId>,
    pub(crate) value: Option<TypeId>,
    pub(crate) tags: Tags<'a>,
}

/// Reads the definitions: variables of `.maps`, whose type says everything, and
/// those of `maps`, the older form.
pub(crate) fn read<'a>(elf: &Elf<'_>, btf: &'a Btf) -> Result<Vec<Definition<'a>>, ObjectError> {
    let mut found = Vec::new();
    for variable in btf.variables(|section| section == ".maps") {
        let Some((_, definition)) = btf.resolve(variable.target) else {
            continue;
        };
        let Kind::Struct { members, .. } = &definition.kind else {
            continue;
        };
        let tags = tags::parse(btf.tags(variable.id), variable.name)?;
        found.push(define(btf, variable.name, members, tags));
    }
    found.extend(elf.variables_of("maps").into_iter().filter_map(legacy));
    Ok(found)
}

fn define<'a>(btf: &'a Btf, name: &str, members: &[Member], tags: Tags<'a>) -> Definition<'a> {
    const PIN_BY_NAME: u32 = 1;
    // `__uint(NAME, VALUE)` is a pointer to an array of VALUE, `__type(NAME, TYPE)` one to TYPE.
    let target = |name: &str| {
        let member = members.iter().find(|member| &*member.name == name)?;
        let (_, found) = btf.resolve(member.target)?;
        let Kind::Pointer(target) = found.kind else {
            return None;
        };
        Some(target)
    };
    let number = |name: &str| {
        let (_, found) = btf.resolve(target(name)?)?;
        let Kind::Array { count, .. } = found.kind else {
            return None;
        };
        Some(count)
    };
    let size = |of: &str, otherwise: &str| {
        let by_type = target(of).and_then(|target| btf.size(target));
        by_type.or_else(|| number(otherwise)).unwrap_or(0)
    };
    Definition {
        map: Map {
            name: name.into(),
            map_type: MapType::of(number("type").unwrap_or(0)),
            key_size: size("key", "key_size"),
            value_size: size("value", "value_size"),
            max_entries: number("max_entries").unwrap_or(0),
            is_pinned: number("pinning") == Some(PIN_BY_NAME),
            entries_per_cpu: tags.per_cpu(),
        },
        key: target("key"),
        value: target("value"),
        tags,
    }
}

/// `struct bpf_map_def`: type, key size, value size, entries.
fn legacy<'a>((name, bytes): (&str, &[u8])) -> Option<Definition<'a>> {
    let (words, _) = bytes.as_chunks::<4>();
    let [map_type, key_size, value_size, max_entries] = *words.first_chunk::<4>()?;
    Some(Definition {
        map: Map {
            name: name.into(),
            map_type: MapType::of(u32::from_le_bytes(map_type)),
            key_size: u32::from_le_bytes(key_size),
            value_size: u32::from_le_bytes(value_size),
            max_entries: u32::from_le_bytes(max_entries),
            is_pinned: false,
            entries_per_cpu: None,
        },
        key: None,
        value: None,
        tags: Tags::default(),
    })
}
