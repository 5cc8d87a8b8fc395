//! From resolved probes to programs in the kernel that share their maps.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::thread;

use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, ProgramArray, RingBuf};
use aya::{Btf, Ebpf, EbpfError, EbpfLoader};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::attach::{self, Step};
use super::error::LoadError;
use super::pins::PinDirectory;
use super::plan::Plan;
use super::probe::Probe;
use super::settings::EbpfSettings;
use crate::object::{Hook, Object, Program, Syscall};

/// Where the kernel shows its own types.
const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
/// `EUN_CALLS` of `maps.h`: where the numbers of 32-bit calls begin.
pub(super) const COMPAT_CALLS: u32 = 512;

/// Probes in the kernel, attached or about to be.
pub(super) struct Loaded {
    objects: Vec<(Arc<str>, Ebpf)>,
    dispatch: Option<ProgramArray<MapData>>,
}

/// A map of the base object that user space works with.
macro_rules! base_map {
    ($self:ident, $name:literal, $kind:ident) => {{
        let (probe, base) = $self
            .objects
            .first_mut()
            .ok_or_else(|| LoadError::internal("no base object"))?;
        let failed = |reason: String| LoadError::Map {
            probe: (&**probe).into(),
            map: $name.into(),
            reason,
        };
        let map = base
            .take_map($name)
            .ok_or_else(|| failed("is missing".to_owned()))?;
        $kind::try_from(map).map_err(|error| failed(error.to_string()))
    }};
}

impl Loaded {
    /// Loads every object of `probes` into the kernel; nothing is attached yet.
    pub(super) fn load(
        settings: &EbpfSettings,
        probes: &[Probe],
        plan: &Plan,
    ) -> Result<Self, LoadError> {
        check_privilege()?;
        raise_memlock_limit();
        let mut loaded = Self {
            objects: load_objects(settings, probes, plan)?,
            dispatch: None,
        };
        loaded.fill_dispatcher(probes, plan)?;
        Ok(loaded)
    }

    /// Attaches every program; the dispatcher's own ones are reached through it.
    /// Where it has none it would make every system call slower for nobody.
    pub(super) fn attach(&mut self, probes: &[Probe]) -> Result<(), LoadError> {
        let is_dispatching = probes.iter().any(Probe::wants_system_calls);
        let is_attached = |program: &&Program| {
            program.syscalls.is_empty()
                && !matches!(program.hook, Hook::Iter(_))
                && (is_dispatching || !program.is_dispatcher)
        };
        for (probe, (_, object)) in probes.iter().zip(&mut self.objects) {
            for program in attach::needed(probe, &attach::kernel_release()).filter(is_attached) {
                attach::attach(probe, program, object)?;
            }
        }
        Ok(())
    }

    /// Reads what the base object's task iterator has to say, record by record.
    pub(super) fn iterate(
        &mut self,
        probes: &[Probe],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), LoadError> {
        let (Some(base), Some((_, object))) = (probes.first(), self.objects.first_mut()) else {
            return Ok(());
        };
        let is_iterator = |program: &&Program| matches!(program.hook, Hook::Iter(_));
        for program in base.object.programs.iter().filter(is_iterator) {
            let file = attach::open_iterator(base, program, object)?;
            read_all(file, &mut each).map_err(|source| LoadError::Io {
                what: "reading the processes that run already",
                source,
            })?;
        }
        Ok(())
    }

    pub(super) fn ring(&mut self, probe: usize, map: &str) -> Result<RingBuf<MapData>, LoadError> {
        let (name, object) = self
            .objects
            .get_mut(probe)
            .ok_or_else(|| LoadError::internal("no such probe"))?;
        let failed = |reason: String| LoadError::Map {
            probe: (&**name).into(),
            map: map.into(),
            reason,
        };
        let map = object
            .take_map(map)
            .ok_or_else(|| failed("is missing".to_owned()))?;
        RingBuf::try_from(map).map_err(|error| failed(error.to_string()))
    }

    pub(super) fn take_map(&mut self, probe: usize, map: &str) -> Option<Map> {
        self.objects.get_mut(probe)?.1.take_map(map)
    }

    pub(super) fn counters(
        &mut self,
    ) -> Result<PerCpuArray<MapData, [u64; super::tally::COUNTERS]>, LoadError> {
        base_map!(self, "eun_counters", PerCpuArray)
    }

    pub(super) fn verdicts(&mut self) -> Result<HashMap<MapData, [u64; 2], [u32; 2]>, LoadError> {
        base_map!(self, "eun_cgroups", HashMap)
    }

    pub(super) fn tree(&mut self) -> Result<HashMap<MapData, u32, [u32; 2]>, LoadError> {
        base_map!(self, "eun_tree", HashMap)
    }

    pub(super) fn numbers(
        &mut self,
        which: &'static str,
    ) -> Result<HashMap<MapData, u32, u32>, LoadError> {
        let (probe, base) = self
            .objects
            .first_mut()
            .ok_or_else(|| LoadError::internal("no base object"))?;
        let failed = |reason: String| LoadError::Map {
            probe: (&**probe).into(),
            map: which.into(),
            reason,
        };
        let map = base
            .take_map(which)
            .ok_or_else(|| failed("is missing".to_owned()))?;
        HashMap::try_from(map).map_err(|error| failed(error.to_string()))
    }

    pub(super) fn comms(&mut self) -> Result<HashMap<MapData, [u8; 16], u32>, LoadError> {
        base_map!(self, "eun_comms", HashMap)
    }

    /// The programs by probe and name, with descriptors of their own.
    pub(super) fn programs(&self) -> impl Iterator<Item = (&str, &str, aya::programs::ProgramFd)> {
        self.objects.iter().flat_map(|(probe, object)| {
            object.programs().filter_map(move |(name, program)| {
                let fd = program.fd().ok()?.try_clone().ok()?;
                Some((&**probe, name, fd))
            })
        })
    }

    /// How many instructions the verifier went through, by probe and program.
    pub(super) fn verified_instructions(&self) -> impl Iterator<Item = (&str, &str, Option<u32>)> {
        self.objects.iter().flat_map(|(probe, object)| {
            object.programs().map(move |(name, program)| {
                let count = program
                    .info()
                    .ok()
                    .and_then(|info| info.verified_instruction_count());
                (&**probe, name, count)
            })
        })
    }

    /// Puts the programs for system calls where the dispatcher finds them.
    fn fill_dispatcher(&mut self, probes: &[Probe], plan: &Plan) -> Result<(), LoadError> {
        let mut calls: Array<MapData, u32> = base_map!(self, "eun_calls", Array)?;
        let mut dispatch: ProgramArray<MapData> = base_map!(self, "eun_dispatch", ProgramArray)?;
        let mut wanted = BTreeMap::<u32, u32>::new();
        for (probe, (_, object)) in probes.iter().zip(&self.objects) {
            for program in probe.system_call_programs() {
                let step = Step::new(probe, program, "put into the dispatcher");
                let slot = plan.slot(&probe.name, &program.name);
                let slot = slot.ok_or_else(|| step.failed("no slot is left".to_owned()))?;
                let fd = object
                    .program(&program.name)
                    .and_then(|program| program.fd().ok());
                let fd = fd.ok_or_else(|| step.failed("it is not loaded".to_owned()))?;
                dispatch
                    .set(slot, fd, 0)
                    .map_err(|error| step.failed(chain(&error)))?;
                let numbers = program.syscalls.iter().flat_map(call_indices);
                numbers.for_each(|number| *wanted.entry(number).or_default() |= 1 << slot);
            }
        }
        for (number, slots) in wanted {
            calls
                .set(number, slots, 0)
                .map_err(|error| LoadError::internal(&chain(&error)))?;
        }
        // The kernel empties a program array when its last descriptor is closed.
        self.dispatch = Some(dispatch);
        Ok(())
    }
}

/// Loads the objects with all their programs. The kernel verifies those of one while the
/// next is prepared.
fn load_objects(
    settings: &EbpfSettings,
    probes: &[Probe],
    plan: &Plan,
) -> Result<Vec<(Arc<str>, Ebpf)>, LoadError> {
    let btf = kernel_btf()?;
    let pins = PinDirectory::create()?;
    let directory = pins.path();
    let values: Vec<_> = (0..probes.len())
        .map(|index| plan.globals(settings, probes, index))
        .collect();
    // One loader for all objects, for each new one reads the kernel's types again. What
    // it was told for one object it remembers for the next, which is told all its globals.
    let mut loader = EbpfLoader::new();
    loader.btf(Some(&btf)).default_map_pin_directory(&directory);
    thread::scope(|scope| {
        let mut verifying = Vec::new();
        for (probe, values) in probes.iter().zip(&values) {
            for (name, bytes) in values {
                loader.override_global(name, &bytes[..], false);
            }
            for (map, entries) in plan.map_sizes(settings, probe) {
                loader.map_max_entries(map, entries);
            }
            let prepared = loader.load(&probe.bytes);
            let btf = &btf;
            let verifier = thread::Builder::new().name("verify".to_owned());
            verifying.push(verifier.spawn_scoped(scope, move || verify(probe, prepared, btf)));
        }
        // All are joined, whatever became of the first: the panic of one that is not is the scope's.
        let verified = verifying.into_iter().map(|started| {
            let failed = |source| LoadError::Io {
                what: "starting a thread",
                source,
            };
            let panicked = |_| Err(LoadError::internal("a thread panicked"));
            started.map_err(failed)?.join().unwrap_or_else(panicked)
        });
        let verified: Vec<_> = verified.collect();
        verified.into_iter().collect()
    })
}

/// Loads the programs of an object whose maps are there.
fn verify(
    probe: &Probe,
    prepared: Result<Ebpf, EbpfError>,
    btf: &Btf,
) -> Result<(Arc<str>, Ebpf), LoadError> {
    let mut object = prepared.map_err(|error| LoadError::Refused {
        probe: (&*probe.name).into(),
        reason: refusal(&error),
    })?;
    attach::load_programs(probe, &mut object, btf)?;
    Ok((Arc::clone(&probe.name), object))
}

/// What the kernel said, with the remedy where the limit on locked memory may be why.
fn refusal(error: &EbpfError) -> String {
    let reason = chain(error);
    if let EbpfError::MapError(MapError::CreateError { io_error, .. }) = error
        && io_error.raw_os_error() == Some(Errno::PERM.raw_os_error())
    {
        return attach::with_memory_remedy(reason, &attach::kernel_release());
    }
    reason
}

/// Where a system call stands in the dispatcher's map, in both ABIs.
fn call_indices(call: &Syscall) -> impl Iterator<Item = u32> {
    let compat = call.compat.map(|number| COMPAT_CALLS + number);
    call.native.into_iter().chain(compat)
}

/// The privileges that loading needs, asked for before the kernel says EPERM in
/// one of many places.
fn check_privilege() -> Result<(), LoadError> {
    let held = rustix::thread::capabilities(None)
        .map_err(|error| LoadError::Io {
            what: "reading the capabilities",
            source: error.into(),
        })?
        .effective;
    let enough = CapabilitySet::BPF | CapabilitySet::PERFMON;
    if held.contains(enough) || held.contains(CapabilitySet::SYS_ADMIN) {
        Ok(())
    } else {
        Err(LoadError::NoPrivilege)
    }
}

/// Kernels before 5.11 book BPF memory on this limit; others refuse and need
/// nothing.
fn raise_memlock_limit() {
    let unlimited = rustix::process::Rlimit {
        current: None,
        maximum: None,
    };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Memlock, unlimited) {
        tracing::debug!(%error, "the limit on locked memory stays as it is");
    }
}

pub(super) fn kernel_btf() -> Result<Btf, LoadError> {
    if !std::path::Path::new(KERNEL_BTF).exists() {
        return Err(LoadError::NoBtf);
    }
    Btf::from_sys_fs().map_err(LoadError::Btf)
}

fn read_all(mut file: std::fs::File, each: &mut impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut filled = 0;
    loop {
        let free = buffer.get_mut(filled..).unwrap_or_default();
        let read = file.read(free)?;
        filled += read;
        let used = frames(buffer.get(..filled).unwrap_or_default(), each);
        buffer.copy_within(used..filled, 0);
        filled -= used;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Calls `each` with every whole record; says how many bytes they have.
fn frames(bytes: &[u8], each: &mut impl FnMut(&[u8])) -> usize {
    let mut used = 0;
    loop {
        let rest = bytes.get(used..).unwrap_or_default();
        let size = rest
            .get(4..8)
            .and_then(|size| size.try_into().ok())
            .map(u32::from_le_bytes);
        let Some(record) = size
            .filter(|size| *size > 0)
            .and_then(|size| rest.get(..size as usize))
        else {
            return used;
        };
        each(record);
        used += record.len();
    }
}

/// An error with what caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Whether `object`'s records come through the shared rings.
pub(super) fn shares_rings(object: &Object) -> bool {
    object.map("eun_events").is_some_and(|map| map.is_pinned)
}
