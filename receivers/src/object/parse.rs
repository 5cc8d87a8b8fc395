//! An object as a whole.

use super::btf::Btf;
use super::elf::Elf;
use super::error::ObjectError;
use super::hook::{self, Hook};
use super::layout::Layout;
use super::map::{self, Definition, Map, MapType};
use super::metric::{self, Metric};
use super::options::{self, Global, ProbeOption};
use super::schema::{self, Event, Source};
use super::tags::{self, Syscall};

/// The version of the headers whose objects this program understands.
pub const ABI: u32 = 1;

/// The read-only variable by which the loader says what to filter.
const FILTER_GLOBAL: &str = "eun_filter_keys";

/// Everything that a compiled object says about itself.
#[derive(Clone, Debug)]
pub struct Object {
    /// The probe's name.
    pub name: Box<str>,
    /// The version of our headers it was built with, if it was.
    pub abi: Option<u32>,
    /// Its programs, in the order of the file.
    pub programs: Vec<Program>,
    /// Its maps; those that hold its variables left out.
    pub maps: Vec<Map>,
    /// The events that it sends.
    pub events: Vec<Event>,
    /// The maps that are exported as metrics.
    pub metrics: Vec<Metric>,
    /// What its author means to be set by users.
    pub options: Vec<ProbeOption>,
    /// All its read-only variables, those of `options` and the loader's too.
    pub globals: Vec<Global>,
}

/// A program of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its function's name.
    pub name: Box<str>,
    /// The section it stands in, which says where it is attached.
    pub section: Box<str>,
    /// Where it is attached.
    pub hook: Hook,
    /// Whether it may sleep.
    pub is_sleepable: bool,
    /// The system calls that it wants to see end. A program with any is called
    /// by the dispatcher and never attached itself.
    pub syscalls: Vec<Syscall>,
    /// The read-only variable that takes its slot of the dispatcher.
    pub slot_global: Option<Box<str>>,
    /// Whether it calls those that want system calls, and nobody else needs it.
    pub is_dispatcher: bool,
    /// The first of two programs that do the same at the same hook, so that one
    /// still runs where the kernel skips the other.
    pub pair: Option<Box<str>>,
}

impl Object {
    /// Reads the object `bytes` as the probe `name`.
    ///
    /// # Errors
    /// Why it cannot be used, and what to do about it.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, ObjectError> {
        Self::parse_with(name, bytes, None)
    }

    /// As [`Self::parse`], with a description of its records from the
    /// configuration. It goes before a guess from a global pointer to a struct,
    /// and an object that has tagged events does not take any.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(
        name: &str,
        bytes: &[u8],
        layout: Option<&Layout>,
    ) -> Result<Self, ObjectError> {
        let elf = Elf::parse(bytes)?;
        let btf = match elf.section(".BTF") {
            Some(section) => Btf::parse(section)?,
            // What else there is to know can stand in a layout.
            None if layout.is_some() => Btf::default(),
            None => return Err(ObjectError::NoBtf),
        };
        let variables = options::read(&elf, &btf)?;
        check_abi(variables.abi)?;
        let has_global = |name: &str| variables.globals.iter().any(|global| &*global.name == name);
        let programs = programs(&elf, &btf, &has_global)?;
        let definitions = map::read(&elf, &btf)?;
        check_maps(&definitions)?;
        let mut metrics = Vec::new();
        for definition in &definitions {
            metrics.extend(metric::read(name, &btf, definition)?);
        }
        let source = Source {
            probe: name,
            btf: &btf,
            has_global: &has_global,
        };
        let events = schema::events(&source, layout)?;
        if events.is_empty() && metrics.is_empty() {
            return Err(ObjectError::NoEvent);
        }
        let object = Self {
            name: name.into(),
            abi: variables.abi,
            programs,
            maps: definitions.into_iter().map(|found| found.map).collect(),
            events,
            metrics,
            options: variables.options,
            globals: variables.globals,
        };
        object.check_kinds()?;
        Ok(object)
    }

    /// Records in shared rings have numbers; in a ring of its own a single event
    /// does without.
    fn check_kinds(&self) -> Result<(), ObjectError> {
        let has_number = |event: &Event| event.kind_global.is_some();
        match self.events.iter().find(|event| !has_number(event)) {
            Some(event) if self.abi.is_some() && self.own_rings().next().is_none() => {
                Err(ObjectError::KindUnset {
                    record: event.record.clone(),
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether it was built with our headers, and so can be filtered.
    #[must_use]
    pub fn has_filter(&self) -> bool {
        self.abi.is_some() && self.global(FILTER_GLOBAL).is_some()
    }

    /// The read-only variable called `name`.
    #[must_use]
    pub fn global(&self, name: &str) -> Option<&Global> {
        self.globals.iter().find(|global| &*global.name == name)
    }

    /// The option with this key.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<&ProbeOption> {
        self.options.iter().find(|option| &*option.key == key)
    }

    /// The map called `name`.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&Map> {
        self.maps.iter().find(|map| &*map.name == name)
    }

    /// The rings of its own: those that it does not share with other objects.
    pub fn own_rings(&self) -> impl Iterator<Item = &Map> {
        self.maps
            .iter()
            .filter(|map| map.map_type.is_ring() && !map.is_pinned)
    }

    /// The read-only variables that `globals:` may set: not those that the
    /// loader sets itself.
    pub fn settable_globals(&self) -> impl Iterator<Item = &Global> {
        self.globals
            .iter()
            .filter(|global| !self.is_loaders(global))
    }

    fn is_loaders(&self, global: &Global) -> bool {
        let name = &*global.name;
        let is_kind = |event: &Event| event.kind_global.as_deref() == Some(name);
        let is_slot = |program: &Program| program.slot_global.as_deref() == Some(name);
        let is_reserved = name.starts_with("eun_") || name.starts_with("eunomia_");
        self.abi.is_some()
            && (is_reserved || self.events.iter().any(is_kind) || self.programs.iter().any(is_slot))
    }
}

fn check_abi(built: Option<u32>) -> Result<(), ObjectError> {
    match built {
        Some(built) if built != ABI => Err(ObjectError::Abi { built, speaks: ABI }),
        Some(_) | None => Ok(()),
    }
}

fn check_maps(definitions: &[Definition<'_>]) -> Result<(), ObjectError> {
    let is_perf = |found: &&Definition<'_>| found.map.map_type == MapType::PerfEventArray;
    match definitions.iter().find(is_perf) {
        Some(found) => Err(ObjectError::PerfEventArray {
            map: found.map.name.clone(),
        }),
        None => Ok(()),
    }
}

fn programs(
    elf: &Elf<'_>,
    btf: &Btf,
    has_global: &dyn Fn(&str) -> bool,
) -> Result<Vec<Program>, ObjectError> {
    let functions = elf.functions();
    if functions.is_empty() {
        return Err(ObjectError::NoProgram);
    }
    let mut programs = Vec::new();
    for function in functions {
        let attach = hook::parse(function.section).map_err(|problem| ObjectError::Section {
            program: function.name.into(),
            section: function.section.into(),
            problem,
        })?;
        let id = btf.function(function.name);
        let texts = id.into_iter().flat_map(|id| btf.tags(id));
        let tags = tags::parse(texts, function.name)?;
        programs.push(Program {
            name: function.name.into(),
            section: function.section.into(),
            hook: attach.hook,
            is_sleepable: attach.sleepable,
            syscalls: tags.syscalls().collect(),
            slot_global: Some(format!("slot_{}", function.name))
                .filter(|name| has_global(name))
                .map(Into::into),
            is_dispatcher: tags.is_dispatcher(),
            pair: tags.twice().map(Into::into),
        });
    }
    Ok(programs)
}
