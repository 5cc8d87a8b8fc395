//! From the bytes of a `.BTF` section to types.

use super::types::{Btf, BtfError, Enumerator, Kind, Member, SectionEntry, Type, TypeId};

const MAGIC: u16 = 0xeb9f;
/// Magic, version, flags, header length, then four section bounds.
const HEADER_SIZE: usize = 24;

/// The little-endian words of a part of the section.
struct Words<'a> {
    rest: &'a [u8],
}

impl Words<'_> {
    fn next(&mut self) -> Result<u32, BtfError> {
        let (word, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(BtfError::Truncated { part: "types" })?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*word))
    }
}

struct Strings<'a>(&'a [u8]);

impl Strings<'_> {
    /// The text at `offset`. Names are C identifiers and tags are ASCII by
    /// convention, so decoding them lossily loses nothing that matters.
    fn get(&self, offset: u32) -> Result<Box<str>, BtfError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self
            .0
            .get(start..)
            .ok_or(BtfError::Truncated { part: "strings" })?;
        let end = bytes.iter().position(|&byte| byte == 0);
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        Ok(String::from_utf8_lossy(text).into())
    }
}

/// Where types and strings stand.
fn split(section: &[u8]) -> Result<(&[u8], &[u8]), BtfError> {
    let header = section.get(..HEADER_SIZE).ok_or(BtfError::Header)?;
    let mut words = Words { rest: header };
    let first = words.next()?;
    if first.to_le_bytes().get(..2) != Some(&MAGIC.to_le_bytes()) {
        return Err(BtfError::Header);
    }
    let header_length = words.next()?;
    let mut part = |part| -> Result<&[u8], BtfError> {
        let (offset, length) = (words.next()?, words.next()?);
        let start = usize::try_from(u64::from(header_length) + u64::from(offset));
        let range = start.ok().and_then(|start| {
            let length = usize::try_from(length).ok()?;
            Some(start..start.checked_add(length)?)
        });
        range
            .and_then(|range| section.get(range))
            .ok_or(BtfError::Truncated { part })
    };
    Ok((part("types")?, part("strings")?))
}

pub(super) fn parse(section: &[u8]) -> Result<Btf, BtfError> {
    let (types, strings) = split(section)?;
    let mut words = Words { rest: types };
    let strings = Strings(strings);
    let mut btf = Btf::default();
    while !words.rest.is_empty() {
        let head = Head::read(&mut words)?;
        let name = strings.get(head.name)?;
        let kind = if head.kind == DECL_TAG {
            let component = words.next()?.cast_signed();
            let target = (TypeId(head.size_or_type), component);
            btf.tags.entry(target).or_default().push(name.clone());
            Kind::Other
        } else {
            head.kind(&mut words, &strings)?
        };
        btf.types.push(Type { name, kind });
    }
    Ok(btf)
}

/// What every type begins with.
struct Head {
    name: u32,
    kind: u32,
    /// How many members, values or entries follow.
    length: u32,
    flag: bool,
    size_or_type: u32,
}

const DECL_TAG: u32 = 17;

impl Head {
    fn read(words: &mut Words<'_>) -> Result<Self, BtfError> {
        let name = words.next()?;
        let info = words.next()?;
        Ok(Self {
            name,
            kind: (info >> 24) & 0x1f,
            length: info & 0xffff,
            flag: info >> 31 != 0,
            size_or_type: words.next()?,
        })
    }

    /// Reads what follows the head.
    fn kind(&self, words: &mut Words<'_>, strings: &Strings<'_>) -> Result<Kind, BtfError> {
        let target = TypeId(self.size_or_type);
        let size = self.size_or_type;
        Ok(match self.kind {
            1 => int(size, words.next()?),
            2 => Kind::Pointer(target),
            3 => {
                let (element, _index, count) = (words.next()?, words.next()?, words.next()?);
                Kind::Array {
                    element: TypeId(element),
                    count,
                }
            }
            4 | 5 => Kind::Struct {
                size,
                members: self.each(|| self.member(words, strings))?,
            },
            6 => Kind::Enum {
                size,
                signed: self.flag,
                values: self.each(|| self.enumerator(words, strings))?,
            },
            19 => Kind::Enum {
                size,
                signed: self.flag,
                values: self.each(|| wide_enumerator(words, strings))?,
            },
            8..=11 | 18 => Kind::Alias(target),
            12 => Kind::Function,
            // A forward declaration has nothing behind its head.
            7 => Kind::Other,
            13 => {
                self.each(|| Ok((words.next()?, words.next()?)))?;
                Kind::Other
            }
            14 => Kind::Variable {
                target,
                is_static: words.next()? == 0,
            },
            15 => Kind::Section(self.each(|| section_entry(words))?),
            16 => Kind::Float { size },
            kind => return Err(BtfError::Kind { kind }),
        })
    }

    fn each<T>(&self, mut read: impl FnMut() -> Result<T, BtfError>) -> Result<Vec<T>, BtfError> {
        (0..self.length).map(|_| read()).collect()
    }

    fn member(&self, words: &mut Words<'_>, strings: &Strings<'_>) -> Result<Member, BtfError> {
        let name = strings.get(words.next()?)?;
        let target = TypeId(words.next()?);
        let offset = words.next()?;
        let (bit_offset, bit_size) = if self.flag {
            (offset & 0x00ff_ffff, offset.to_le_bytes()[3])
        } else {
            (offset, 0)
        };
        Ok(Member {
            name,
            target,
            bit_offset,
            bit_size,
        })
    }

    fn enumerator(
        &self,
        words: &mut Words<'_>,
        strings: &Strings<'_>,
    ) -> Result<Enumerator, BtfError> {
        let name = strings.get(words.next()?)?;
        let value = words.next()?;
        let value = if self.flag {
            i64::from(value.cast_signed()).cast_unsigned()
        } else {
            u64::from(value)
        };
        Ok(Enumerator { name, value })
    }
}

fn wide_enumerator(words: &mut Words<'_>, strings: &Strings<'_>) -> Result<Enumerator, BtfError> {
    let name = strings.get(words.next()?)?;
    let (low, high) = (words.next()?, words.next()?);
    Ok(Enumerator {
        name,
        value: u64::from(high) << 32 | u64::from(low),
    })
}

fn int(size: u32, encoding: u32) -> Kind {
    let [bits, _, _, flags] = encoding.to_le_bytes();
    Kind::Int {
        size,
        bits,
        signed: flags & 1 != 0,
        is_bool: flags & 4 != 0,
    }
}

fn section_entry(words: &mut Words<'_>) -> Result<SectionEntry, BtfError> {
    Ok(SectionEntry {
        variable: TypeId(words.next()?),
        offset: words.next()?,
        size: words.next()?,
    })
}
