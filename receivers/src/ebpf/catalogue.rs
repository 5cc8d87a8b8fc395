//! What the built-in probes have to offer, without loading them.

use eunomia_probes::PROBES;

use crate::object::{GlobalType, Object};

/// A built-in probe.
#[derive(Clone, Debug)]
pub struct ProbeSummary {
    /// Its name.
    pub name: Box<str>,
    /// The options that its C file declares.
    pub options: Vec<OptionSummary>,
    /// The object, read.
    pub object: Object,
}

/// An option of a probe.
#[derive(Clone, Debug)]
pub struct OptionSummary {
    /// Its key in the configuration.
    pub key: Box<str>,
    /// What it does.
    pub doc: Box<str>,
    /// Whether it is true or false.
    pub is_flag: bool,
}

/// The built-in probes; one that cannot be read is left out and logged, for it
/// is refused with the reason where it is used.
#[must_use]
pub fn built_in() -> Vec<ProbeSummary> {
    let mut probes = Vec::new();
    for probe in PROBES {
        match Object::parse(probe.name, probe.object) {
            Ok(object) => probes.push(summary(object)),
            Err(error) => {
                tracing::error!(probe = probe.name, %error, "a built-in probe cannot be read")
            }
        }
    }
    probes
}

fn summary(object: Object) -> ProbeSummary {
    let option = |option: &crate::object::ProbeOption| OptionSummary {
        key: option.key.clone(),
        doc: option.doc.clone(),
        is_flag: option.global.value_type == GlobalType::Bool,
    };
    ProbeSummary {
        name: object.name.clone(),
        options: object.options.iter().map(option).collect(),
        object,
    }
}
