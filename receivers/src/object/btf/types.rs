//! Types, and how they refer to each other.

use std::collections::BTreeMap;

use thiserror::Error;

use super::reader;

/// Why the `.BTF` section cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BtfError {
    /// The header is not one of BTF.
    #[error("the .BTF section has no BTF header: compile the object with clang -target bpf -g")]
    Header,
    /// Something stands beyond the section's end.
    #[error("the .BTF section is cut off in its {part}: the file is damaged")]
    Truncated {
        /// `types` or `strings`.
        part: &'static str,
    },
    /// A kind of type that this reader does not know.
    #[error("the .BTF section has a type of the unknown kind {kind}: the compiler is too new")]
    Kind {
        /// Its number.
        kind: u32,
    },
}

/// The number of a type; 0 is `void`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TypeId(pub(crate) u32);

/// A type with its name.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
}

/// What a type is made of.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Int {
        size: u32,
        bits: u8,
        signed: bool,
        is_bool: bool,
    },
    Float {
        size: u32,
    },
    Pointer(TypeId),
    Array {
        element: TypeId,
        count: u32,
    },
    /// A struct, or a union: its members' offsets say the same.
    Struct {
        size: u32,
        members: Vec<Member>,
    },
    Enum {
        size: u32,
        signed: bool,
        values: Vec<Enumerator>,
    },
    /// `typedef`, `const`, `volatile`, `restrict` or a type tag.
    Alias(TypeId),
    Function,
    Variable {
        target: TypeId,
        is_static: bool,
    },
    Section(Vec<SectionEntry>),
    /// Declared only, a prototype, or a tag.
    Other,
}

/// A member of a struct or union.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: Box<str>,
    pub(crate) target: TypeId,
    pub(crate) bit_offset: u32,
    /// Width of a bit field, else 0.
    pub(crate) bit_size: u8,
}

/// A name of a value; negative values are sign-extended.
#[derive(Clone, Debug)]
pub(crate) struct Enumerator {
    pub(crate) name: Box<str>,
    pub(crate) value: u64,
}

/// A variable's place in a section. clang leaves the offset of global variables
/// to the linker: symbols have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectionEntry {
    pub(crate) variable: TypeId,
    pub(crate) offset: u32,
    pub(crate) size: u32,
}

/// All types of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Btf {
    pub(super) types: Vec<Type>,
    pub(super) tags: BTreeMap<(TypeId, i32), Vec<Box<str>>>,
}

/// A variable of a data section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable<'a> {
    pub(crate) id: TypeId,
    pub(crate) name: &'a str,
    pub(crate) target: TypeId,
    pub(crate) is_static: bool,
    pub(crate) offset: u32,
    pub(crate) size: u32,
}

/// The component of a tag that is on the type itself.
const WHOLE: i32 = -1;
/// C code nests typedefs and qualifiers a few levels deep; a longer chain is a
/// cycle.
const MAX_ALIASES: usize = 32;

impl Btf {
    /// Reads the bytes of a `.BTF` section.
    pub(crate) fn parse(section: &[u8]) -> Result<Self, BtfError> {
        reader::parse(section)
    }

    /// The type with this number; `None` for `void` and unknown numbers.
    pub(crate) fn get(&self, id: TypeId) -> Option<&Type> {
        let index = usize::try_from(id.0.checked_sub(1)?).ok()?;
        self.types.get(index)
    }

    /// The type behind typedefs and qualifiers.
    pub(crate) fn resolve(&self, mut id: TypeId) -> Option<(TypeId, &Type)> {
        for _ in 0..MAX_ALIASES {
            let found = self.get(id)?;
            let Kind::Alias(next) = found.kind else {
                return Some((id, found));
            };
            id = next;
        }
        None
    }

    /// The bytes a value of this type takes.
    pub(crate) fn size(&self, id: TypeId) -> Option<u32> {
        let mut count = 1u32;
        let mut id = id;
        for _ in 0..MAX_ALIASES {
            match &self.resolve(id)?.1.kind {
                Kind::Int { size, .. }
                | Kind::Float { size }
                | Kind::Struct { size, .. }
                | Kind::Enum { size, .. } => return count.checked_mul(*size),
                Kind::Pointer(_) => return count.checked_mul(POINTER_SIZE),
                Kind::Array {
                    element,
                    count: length,
                } => {
                    count = count.checked_mul(*length)?;
                    id = *element;
                }
                Kind::Alias(_)
                | Kind::Function
                | Kind::Variable { .. }
                | Kind::Section(_)
                | Kind::Other => return None,
            }
        }
        None
    }

    /// The struct that a variable of this type points to.
    pub(crate) fn pointed_struct(&self, id: TypeId) -> Option<(TypeId, &Type)> {
        let Kind::Pointer(target) = self.resolve(id)?.1.kind else {
            return None;
        };
        self.resolve(target)
            .filter(|(_, found)| matches!(found.kind, Kind::Struct { .. }))
    }

    /// The tags on the type itself, in the order of the source.
    pub(crate) fn tags(&self, id: TypeId) -> impl Iterator<Item = &str> {
        self.component_tags(id, WHOLE)
    }

    /// The tags on a struct's member.
    pub(crate) fn member_tags(&self, id: TypeId, member: usize) -> impl Iterator<Item = &str> {
        self.component_tags(id, i32::try_from(member).unwrap_or(i32::MAX))
    }

    fn component_tags(&self, id: TypeId, component: i32) -> impl Iterator<Item = &str> {
        self.tags
            .get(&(id, component))
            .into_iter()
            .flatten()
            .map(AsRef::as_ref)
    }

    /// The variables of the data sections whose name `wanted` accepts.
    pub(crate) fn variables(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = Variable<'_>> {
        self.types
            .iter()
            .filter(move |section| wanted(&section.name))
            .filter_map(|section| {
                if let Kind::Section(entries) = &section.kind {
                    Some(entries)
                } else {
                    None
                }
            })
            .flatten()
            .filter_map(|entry| self.variable(*entry))
    }

    fn variable(&self, entry: SectionEntry) -> Option<Variable<'_>> {
        let variable = self.get(entry.variable)?;
        let Kind::Variable { target, is_static } = variable.kind else {
            return None;
        };
        Some(Variable {
            id: entry.variable,
            name: &variable.name,
            target,
            is_static,
            offset: entry.offset,
            size: entry.size,
        })
    }

    /// All variables with their names and types, whatever section they are in.
    pub(crate) fn all_variables(&self) -> impl Iterator<Item = (TypeId, &str, TypeId)> {
        self.numbered().filter_map(|(id, found)| {
            if let Kind::Variable { target, .. } = found.kind {
                Some((id, &*found.name, target))
            } else {
                None
            }
        })
    }

    /// The function called `name`.
    pub(crate) fn function(&self, name: &str) -> Option<TypeId> {
        self.numbered()
            .find(|(_, found)| matches!(found.kind, Kind::Function) && &*found.name == name)
            .map(|(id, _)| id)
    }

    /// The enumeration called `name`, or with a typedef of that name.
    pub(crate) fn enumeration(&self, name: &str) -> Option<&[Enumerator]> {
        self.numbered()
            .filter(|(_, found)| &*found.name == name)
            .find_map(|(id, _)| {
                let (_, found) = self.resolve(id)?;
                let Kind::Enum { values, .. } = &found.kind else {
                    return None;
                };
                Some(values.as_slice())
            })
    }

    fn numbered(&self) -> impl Iterator<Item = (TypeId, &Type)> {
        (1u32..).map(TypeId).zip(&self.types)
    }
}

/// Pointers of the BPF machine.
pub(crate) const POINTER_SIZE: u32 = 8;
