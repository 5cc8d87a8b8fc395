//! What each probe needs of this kernel, what there is, and what to do about
//! the rest.
//!
//! Every probe is really loaded, together with the base object, and attached to
//! nothing: what the kernel says about it is better than a guess from its
//! version. A hook of which it tells only when something is attached is tried
//! with a program that does nothing.

use eunomia_core::config::{Entry, Node, Span, Value};
use eunomia_core::findings::{ProbeFindings, ProgramFindings};

use super::attach;
use super::error::LoadError;
use super::load::{self, Loaded};
use super::plan::Plan;
use super::probe::{self, BASE, Probe};
use super::settings::EbpfSettings;
use crate::object::Program;

/// Settings with every built-in probe.
#[must_use]
pub fn every_built_in_probe() -> EbpfSettings {
    let place = Span::whole("doctor");
    let mut probes = Node::map(place.clone());
    for name in probe::built_in_names() {
        probes.insert(name, Node::map(place.clone()));
    }
    EbpfSettings {
        probes,
        ..EbpfSettings::default()
    }
}

/// Examines each probe of `settings`, without the others: what keeps one from
/// working says nothing about the next.
pub(super) fn examine(settings: &EbpfSettings) -> Vec<ProbeFindings> {
    let alone = |probe: &Entry| EbpfSettings {
        probes: Node::new(
            Value::Map(vec![probe.clone()]),
            settings.probes.span.clone(),
        ),
        ..settings.clone()
    };
    let named = settings.probes.entries().iter();
    named
        .map(|probe| examine_alone(&probe.key, &alone(probe)))
        .collect()
}

fn examine_alone(name: &str, settings: &EbpfSettings) -> ProbeFindings {
    let mut findings = ProbeFindings {
        probe: name.to_owned(),
        missing: None,
        programs: Vec::new(),
    };
    match probe::resolve(settings) {
        Err(errors) => findings.missing = Some(errors.to_string()),
        Ok(probes) => {
            if let Err(error) = load(settings, &probes, &mut findings) {
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
        .flat_map(|probe| attach::needed(probe, &release).map(move |program| (probe, program)))
        .collect();
    let describe = |(_, program): &(&Probe, &Program)| ProgramFindings {
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
    let untold = own
        .into_iter()
        .filter(|(_, program)| !program.hook.is_told_by_loading());
    let mut btf = None;
    for (probe, program) in untold {
        let btf = match &mut btf {
            Some(btf) => btf,
            None => btf.insert(load::kernel_btf()?),
        };
        attach::try_hook(probe, program, btf)?;
    }
    Ok(())
}
