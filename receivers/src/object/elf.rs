//! What stands in the object file beside BTF: programs by section, and the bytes
//! of variables.
//!
//! Programs are read from the file because aya forgets the attach target that a
//! section's name carries.

use object::elf::{EM_BPF, SHF_EXECINSTR};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags};
use object::{SectionIndex, SymbolKind};

use super::error::ObjectError;

/// A compiled object.
pub(crate) struct Elf<'a> {
    file: ElfFile64<'a, LittleEndian>,
}

/// A program's function with the section it stands in.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) section: &'a str,
}

/// A variable's bytes as the compiler left them.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) section: &'a str,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Elf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ObjectError> {
        let file = ElfFile64::parse(bytes).map_err(|error| ObjectError::NotElf {
            reason: error.to_string().to_lowercase(),
        })?;
        let machine = file.elf_header().e_machine.get(LittleEndian);
        if machine == EM_BPF {
            Ok(Self { file })
        } else {
            Err(ObjectError::NotBpf { machine: machine.0 })
        }
    }

    /// The bytes of the section called `name`.
    pub(crate) fn section(&self, name: &str) -> Option<&'a [u8]> {
        self.file.section_by_name(name)?.data().ok()
    }

    /// The functions that are programs: those of executable sections other than
    /// `.text`, where subprograms stand. In the order of the file.
    pub(crate) fn functions(&self) -> Vec<Function<'a>> {
        let mut found: Vec<_> = self
            .file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .filter_map(|symbol| {
                let index = symbol.section_index()?;
                let section = self.program_section(index)?;
                let name = symbol.name().ok().filter(|name| !name.is_empty())?;
                Some((index.0, symbol.address(), Function { name, section }))
            })
            .collect();
        found.sort_by_key(|(index, address, _)| (*index, *address));
        found.into_iter().map(|(_, _, function)| function).collect()
    }

    fn program_section(&self, index: SectionIndex) -> Option<&'a str> {
        let section = self.file.section_by_index(index).ok()?;
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            return None;
        };
        let is_executable = sh_flags.contains(SHF_EXECINSTR);
        section
            .name()
            .ok()
            .filter(|name| is_executable && *name != ".text")
    }

    /// The bytes of the variable called `name`.
    pub(crate) fn variable(&self, name: &str) -> Option<Data<'a>> {
        let symbol = self.file.symbols().find(|symbol| {
            symbol.kind() != SymbolKind::Text
                && symbol.section_index().is_some()
                && symbol.name() == Ok(name)
        })?;
        let section = self.file.section_by_index(symbol.section_index()?).ok()?;
        let start = usize::try_from(symbol.address()).ok()?;
        let end = start.checked_add(usize::try_from(symbol.size()).ok()?)?;
        Some(Data {
            section: section.name().ok()?,
            bytes: section.data().ok()?.get(start..end)?,
        })
    }

    /// The variables of the section called `name`.
    pub(crate) fn variables_of(&self, name: &str) -> Vec<(&'a str, &'a [u8])> {
        let Some(index) = self.file.section_by_name(name).map(|found| found.index()) else {
            return Vec::new();
        };
        self.file
            .symbols()
            .filter(|symbol| symbol.section_index() == Some(index) && symbol.size() > 0)
            .filter_map(|symbol| symbol.name().ok())
            .filter_map(|name| Some((name, self.variable(name)?.bytes)))
            .collect()
    }
}
