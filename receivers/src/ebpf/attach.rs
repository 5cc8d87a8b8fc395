//! Programs and their hooks.
//!
//! The loader library forgets where a program is attached, so it is told anew,
//! from what the section's name said.

use std::error::Error;
use std::fs::{self, File};
use std::io;

use aya::programs::{
    BtfTracePoint, FEntry, FExit, Iter, KProbe, Lsm, Program, ProgramError, RawTracePoint,
    TracePoint,
};
use aya::{Btf, Ebpf, EbpfLoader};
use eunomia_probes::IDLE;
use rustix::io::Errno;

use super::error::LoadError;
use super::load::chain;
use super::probe::Probe;
use super::tracefs;
use crate::object::{self, Hook};

/// The first kernels that skip runs of a program where another run of it was
/// preempted.
const PREEMPTIBLE_SINCE: u32 = 7;

/// The first kernel that does not count what BPF takes as locked memory.
const COUNTED_UNTIL: (u32, u32) = (5, 11);
/// Which security modules the kernel asks, in their order; there where securityfs is mounted.
const SECURITY_MODULES: &str = "/sys/kernel/security/lsm";

/// The programs of a probe that this kernel needs: the second of two that do
/// the same only where the kernel may skip the first. Verifying it would take
/// as long again.
pub(super) fn needed<'p>(
    probe: &'p Probe,
    release: &str,
) -> impl Iterator<Item = &'p object::Program> {
    // A release that cannot be read may be any.
    let may_skip = version(release).is_none_or(|(major, _)| major >= PREEMPTIBLE_SINCE);
    let is_first = |program: &object::Program| {
        program
            .pair
            .as_ref()
            .is_none_or(|first| *first == program.name)
    };
    probe
        .object
        .programs
        .iter()
        .filter(move |program| may_skip || is_first(program))
}

/// Major and minor number of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-']);
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

/// What was denied, with the remedy where the limit on locked memory may be why.
pub(super) fn with_memory_remedy(reason: String, release: &str) -> String {
    if version(release).is_some_and(|version| version >= COUNTED_UNTIL) {
        return reason;
    }
    format!(
        "{reason}; kernels before 5.11 count it as locked memory: add CAP_SYS_RESOURCE, or start it after \
         `ulimit -l unlimited`"
    )
}

/// The running kernel's release, such as `6.12.107`.
#[must_use]
pub fn kernel_release() -> String {
    rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned()
}

/// Loads the programs of a probe into the kernel.
pub(super) fn load_programs(probe: &Probe, object: &mut Ebpf, btf: &Btf) -> Result<(), LoadError> {
    for described in needed(probe, &kernel_release()) {
        let step = Step::new(probe, described, "loaded");
        let program = step.find(object)?;
        step.done(load(program, &described.hook, btf))?;
    }
    Ok(())
}

fn load(program: &mut Program, hook: &Hook, btf: &Btf) -> Result<(), ProgramError> {
    match hook {
        Hook::TpBtf(name) => cast::<BtfTracePoint>(program)?.load(name, btf),
        Hook::RawTp(_) => cast::<RawTracePoint>(program)?.load(),
        Hook::Tracepoint { .. } => cast::<TracePoint>(program)?.load(),
        Hook::Iter(name) => cast::<Iter>(program)?.load(name, btf),
        Hook::Fentry(function) => cast::<FEntry>(program)?.load(function, btf),
        Hook::Fexit(function) => cast::<FExit>(program)?.load(function, btf),
        Hook::Kprobe { .. } | Hook::Kretprobe(_) => cast::<KProbe>(program)?.load(),
        Hook::Lsm(hook) => cast::<Lsm>(program)?.load(hook, btf),
    }
}

/// Attaches a program to its hook.
pub(super) fn attach(
    probe: &Probe,
    described: &object::Program,
    object: &mut Ebpf,
) -> Result<(), LoadError> {
    let step = Step::new(probe, described, "attached");
    let program = step.find(object)?;
    step.attach(program)
}

/// Tells whether the kernel has a hook by attaching a program to it that does nothing, for as long
/// as that takes: what the probe's own would do there is nobody's wish yet.
pub(super) fn try_hook(
    probe: &Probe,
    described: &object::Program,
    btf: &Btf,
) -> Result<(), LoadError> {
    let step = Step::new(probe, described, "attached");
    let hook = &described.hook;
    let idle = EbpfLoader::new().btf(Some(btf)).load(IDLE);
    let mut idle = idle.map_err(|error| step.failed(chain(&error)))?;
    let program = idle.program_mut(hook.kind());
    let program =
        program.ok_or_else(|| LoadError::internal("a kind of hook has no idle program"))?;
    step.done(load(program, hook, btf))?;
    step.attach(program)
}

fn attach_to(program: &mut Program, hook: &Hook) -> Result<(), ProgramError> {
    match hook {
        Hook::TpBtf(_) => cast::<BtfTracePoint>(program)?.attach().map(drop),
        Hook::RawTp(name) => cast::<RawTracePoint>(program)?.attach(name).map(drop),
        Hook::Tracepoint { category, name } => cast::<TracePoint>(program)?
            .attach(category, name)
            .map(drop),
        Hook::Fentry(_) => cast::<FEntry>(program)?.attach().map(drop),
        Hook::Fexit(_) => cast::<FExit>(program)?.attach().map(drop),
        Hook::Kprobe { function, offset } => cast::<KProbe>(program)?
            .attach(&**function, *offset)
            .map(drop),
        Hook::Kretprobe(function) => cast::<KProbe>(program)?.attach(&**function, 0).map(drop),
        Hook::Lsm(_) => cast::<Lsm>(program)?.attach().map(drop),
        Hook::Iter(_) => Err(ProgramError::UnexpectedProgramType),
    }
}

/// Opens an iterator: reading the file runs it.
pub(super) fn open_iterator(
    probe: &Probe,
    described: &object::Program,
    object: &mut Ebpf,
) -> Result<File, LoadError> {
    let step = Step::new(probe, described, "opened");
    let program = step.find(object)?;
    let iterator = step.done(cast::<Iter>(program))?;
    let link = step.done(iterator.attach())?;
    let link = step.done(iterator.take_link(link))?;
    link.into_file().map_err(|error| step.failed(chain(&error)))
}

fn cast<'p, P>(program: &'p mut Program) -> Result<&'p mut P, ProgramError>
where
    &'p mut P: TryFrom<&'p mut Program, Error = ProgramError>,
{
    program.try_into()
}

/// What is being done with a program, for the words of an error.
pub(super) struct Step<'a> {
    probe: &'a Probe,
    described: &'a object::Program,
    what: &'static str,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        probe: &'a Probe,
        described: &'a object::Program,
        what: &'static str,
    ) -> Self {
        Self {
            probe,
            described,
            what,
        }
    }

    pub(super) fn failed(&self, reason: String) -> LoadError {
        LoadError::Program {
            probe: (&*self.probe.name).into(),
            program: self.described.name.clone(),
            step: self.what,
            reason,
        }
    }

    fn find<'o>(&self, object: &'o mut Ebpf) -> Result<&'o mut Program, LoadError> {
        object
            .program_mut(&self.described.name)
            .ok_or_else(|| self.failed("it is not in the object".to_owned()))
    }

    fn done<T>(&self, result: Result<T, ProgramError>) -> Result<T, LoadError> {
        result.map_err(|error| self.failed(self.refusal(&error)))
    }

    fn attach(&self, program: &mut Program) -> Result<(), LoadError> {
        let hook = &self.described.hook;
        // The kernel attaches it, and never runs it.
        if let Hook::Lsm(_) = hook
            && let Ok(modules) = fs::read_to_string(SECURITY_MODULES)
            && !has_bpf(&modules)
        {
            let reason = format!("the kernel asks {} alone", modules.trim());
            return Err(self.failed(self.with_needs(&reason)));
        }
        let mut attach = || attach_to(program, hook);
        let attached = if tracefs::is_needed(self.described) {
            tracefs::with_tracefs(attach).map_err(|reason| self.failed(reason))?
        } else {
            attach()
        };
        self.done(attached)
    }

    /// What the kernel said, and what helps, unless it is the verifier that says what it dislikes.
    fn refusal(&self, error: &ProgramError) -> String {
        let mut reason = chain(error);
        if let ProgramError::LoadError {
            io_error,
            verifier_log,
        } = error
        {
            if !verifier_log.to_string().is_empty() {
                return reason;
            }
            reason = io_error.to_string();
        }
        match cause(error).and_then(io::Error::raw_os_error) {
            // So says the limit on locked memory, too.
            Some(code) if code == Errno::PERM.raw_os_error() => {
                with_memory_remedy(reason, &kernel_release())
            }
            Some(code) if code == Errno::ACCESS.raw_os_error() => reason,
            _ => self.with_needs(&reason),
        }
    }

    fn with_needs(&self, reason: &str) -> String {
        let hook = &self.described.hook;
        format!("{reason}; {hook} needs {}", hook.needs())
    }
}

/// What the kernel answered.
fn cause(error: &ProgramError) -> Option<&io::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

fn has_bpf(modules: &str) -> bool {
    modules.trim().split(',').any(|module| module == "bpf")
}

#[cfg(test)]
mod tests {
    use eunomia_core::config::{Node, Span};

    use super::{has_bpf, needed, with_memory_remedy};
    use crate::ebpf::probe::{self, BASE};
    use crate::ebpf::settings::EbpfSettings;

    #[track_caller]
    fn loads_second_programs(release: &str, expected: bool) {
        let mut probes = Node::map(Span::whole("test"));
        probes.insert(BASE, Node::map(Span::whole("test")));
        let settings = EbpfSettings {
            probes,
            ..EbpfSettings::default()
        };
        let base = probe::resolve(&settings).unwrap().remove(0);
        let is_second = |program: &&crate::object::Program| {
            program
                .pair
                .as_ref()
                .is_some_and(|first| *first != program.name)
        };
        assert_eq!(
            needed(&base, release).any(|program| is_second(&program)),
            expected
        );
        assert!(needed(&base, release).any(|program| program.pair.is_some()));
    }

    /// Kernels that never skip a run are spared the second programs; of one
    /// that cannot be told, nothing is assumed.
    #[test]
    fn second_programs_are_for_kernels_that_skip_runs() {
        loads_second_programs("5.10.0-32-cloud-amd64", false);
        loads_second_programs("6.18.44", false);
        loads_second_programs("7.0.1", true);
        loads_second_programs("10.1", true);
        loads_second_programs("unknown", true);
    }

    /// What is denied on kernels that count locked memory, or may, has that remedy.
    #[test]
    fn locked_memory_is_a_remedy_for_old_kernels() {
        for (release, is_old) in [
            ("5.10.0-32-cloud-amd64", true),
            ("5.11.0", false),
            ("4.18.0", true),
            ("6.1", false),
            ("unknown", true),
        ] {
            let told = with_memory_remedy("denied".to_owned(), release);
            assert_eq!(told.contains("ulimit -l"), is_old, "{release}");
        }
    }

    /// Where BPF is none of the security modules, no LSM program is ever asked.
    #[test]
    fn bpf_is_one_of_the_modules() {
        assert!(has_bpf("capability,landlock,bpf\n"));
        assert!(!has_bpf("capability,landlock,yama\n"));
        assert!(!has_bpf("bpfilter"));
    }
}
