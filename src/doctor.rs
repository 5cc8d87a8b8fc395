//! `doctor`: what each probe needs, what there is, what to do about the rest.

use std::fmt;

use eunomia_core::build::BuildReceiver as _;
use eunomia_core::findings::ProbeFindings;
use eunomia_receivers::ebpf;
use serde::Serialize;

use crate::cli::ConfigSources;
use crate::commands;
use crate::config::Report;

/// The findings.
#[derive(Clone, Debug, Serialize)]
pub struct Doctor {
    /// The running kernel's release.
    pub kernel: String,
    /// Each probe.
    pub probes: Vec<Examined>,
}

/// The findings about a probe.
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// The receiver that has it in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// What was found.
    #[serde(flatten)]
    pub findings: ProbeFindings,
}

/// Examines the probes of the configuration, or every built-in one if none is named.
///
/// # Errors
/// The report on everything that is wrong with the configuration.
pub fn examine(sources: &ConfigSources) -> Result<Doctor, Box<Report>> {
    let probes = if sources.files.is_empty() && sources.sets.is_empty() {
        examined(None, ebpf::every_built_in_probe().examine()).collect()
    } else {
        let (configuration, _) = commands::load(sources)?;
        let receivers = configuration.receivers.into_iter();
        receivers
            .filter(|receiver| receiver.used)
            .flat_map(|receiver| examined(Some(&receiver.id), receiver.ready.config.examine()))
            .collect()
    };
    let kernel = ebpf::kernel_release();
    Ok(Doctor { kernel, probes })
}

fn examined(
    receiver: Option<&str>,
    findings: Vec<ProbeFindings>,
) -> impl Iterator<Item = Examined> + use<> {
    let receiver = receiver.map(str::to_owned);
    findings.into_iter().map(move |findings| Examined {
        receiver: receiver.clone(),
        findings,
    })
}

impl Doctor {
    /// Whether every probe works.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.probes
            .iter()
            .all(|probe| probe.findings.missing.is_none())
    }
}

impl fmt::Display for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {}", self.kernel)?;
        self.probes.iter().try_for_each(|probe| probe.fmt(f))
    }
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = &self.findings;
        write!(f, "\nprobe {}", findings.probe)?;
        if let Some(receiver) = &self.receiver {
            write!(f, " of {receiver}")?;
        }
        match &findings.missing {
            None => writeln!(f, ": works")?,
            Some(missing) => writeln!(f, ": does not work\n  missing: {missing}")?,
        }
        for program in &findings.programs {
            write!(f, "  {:<24} {}", program.program, program.hook)?;
            match program.verified_instructions {
                Some(count) => writeln!(f, " ({count} instructions verified)")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
