//! What each probe needs of this kernel, what there is, and what to do about
//! the rest.
//!
//! Every built-in probe is really loaded, together with the base object and
//! attached to nothing: what the kernel says about it is better than a guess
//! from its version.

use std::fmt;

use eunomia_core::config::{Node, Span};
use serde::Serialize;

use super::attach;
use super::error::LoadError;
use super::load::Loaded;
use super::plan::Plan;
use super::probe::{self, BASE, Probe};
use super::settings::EbpfSettings;
use crate::object::Hook;

/// The findings.
#[derive(Clone, Debug, Serialize)]
pub struct Doctor {
    /// The running kernel's release.
    pub kernel: String,
    /// Each probe.
    pub probes: Vec<ProbeFindings>,
}

/// The findings about a probe.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeFindings {
    /// Its name.
    pub probe: String,
    /// What keeps it from working, with the remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Its programs.
    pub programs: Vec<ProgramFindings>,
}

/// The findings about a program.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramFindings {
    /// Its name.
    pub program: String,
    /// The hook that was chosen.
    pub hook: String,
    /// Instructions that the kernel's verifier went through, where it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_instructions: Option<u32>,
}

/// Examines the running kernel.
#[must_use]
pub fn doctor() -> Doctor {
    let kernel = attach::kernel_release();
    let probes = probe::built_in_names().into_iter().map(examine).collect();
    Doctor { kernel, probes }
}

impl Doctor {
    /// Whether every probe works.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.probes.iter().all(|probe| probe.missing.is_none())
    }
}

fn examine(name: &str) -> ProbeFindings {
    let place = Span::whole("doctor");
    let mut probes = Node::map(place.clone());
    probes.insert(name, Node::map(place));
    let settings = EbpfSettings {
        probes,
        ..EbpfSettings::default()
    };
    let mut findings = ProbeFindings {
        probe: name.to_owned(),
        missing: None,
        programs: Vec::new(),
    };
    match probe::resolve(&settings) {
        Err(errors) => findings.missing = Some(errors.to_string()),
        Ok(probes) => {
            if let Err(error) = load(&settings, &probes, &mut findings) {
                findings.missing = Some(error.to_string());
            }
        }
    }
    findings
}

fn load(
    settings: &EbpfSettings,
    probes: &[Probe],
    findings: &mut ProbeFindings,
) -> Result<(), LoadError> {
    let release = attach::kernel_release();
    let own: Vec<_> = probes
        .iter()
        .filter(|probe| probe.is_named)
        .flat_map(|probe| attach::needed(probe, &release))
        .collect();
    let describe = |program: &&crate::object::Program| ProgramFindings {
        program: program.name.to_string(),
        hook: if program.syscalls.is_empty() {
            program.hook.to_string()
        } else {
            format!("{}, by the dispatcher of {BASE}", program.hook)
        },
        verified_instructions: None,
    };
    findings.programs = own.iter().map(describe).collect();
    let loaded = Loaded::load(settings, probes, &Plan::new(probes)?)?;
    for (probe, name, instructions) in loaded.verified_instructions() {
        if probe == findings.probe
            && let Some(program) = findings
                .programs
                .iter_mut()
                .find(|program| program.program == name)
        {
            program.verified_instructions = instructions;
        }
    }
    Ok(())
}

impl fmt::Display for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {}", self.kernel)?;
        for probe in &self.probes {
            match &probe.missing {
                None => writeln!(f, "\nprobe {}: works", probe.probe)?,
                Some(missing) => writeln!(
                    f,
                    "\nprobe {}: does not work\n  missing: {missing}",
                    probe.probe
                )?,
            }
            for program in &probe.programs {
                write!(f, "  {:<24} {}", program.program, program.hook)?;
                match program.verified_instructions {
                    Some(count) => writeln!(f, " ({count} instructions verified)")?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TpBtf(name) => write!(f, "tp_btf/{name}"),
            Self::RawTp(name) => write!(f, "raw_tp/{name}"),
            Self::Tracepoint { category, name } => write!(f, "tp/{category}/{name}"),
            Self::Iter(name) => write!(f, "iter/{name}"),
            Self::Fentry(function) => write!(f, "fentry/{function}"),
            Self::Fexit(function) => write!(f, "fexit/{function}"),
            Self::Kprobe {
                function,
                offset: 0,
            } => write!(f, "kprobe/{function}"),
            Self::Kprobe { function, offset } => write!(f, "kprobe/{function}+{offset:#x}"),
            Self::Kretprobe(function) => write!(f, "kretprobe/{function}"),
            Self::Lsm(hook) => write!(f, "lsm/{hook}"),
            Self::PerfEvent => f.write_str("perf_event"),
            Self::Uprobe {
                path,
                function,
                offset: 0,
            } => write!(f, "uprobe/{path}:{function}"),
            Self::Uprobe {
                path,
                function,
                offset,
            } => write!(f, "uprobe/{path}:{function}+{offset:#x}"),
            Self::Uretprobe { path, function } => write!(f, "uretprobe/{path}:{function}"),
        }
    }
}
