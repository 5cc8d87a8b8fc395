//! What a receiver's probes need of this kernel, and what there is of it.

use serde::Serialize;

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
