//! Every component there is: one row each.

use eunomia_core::build::{BuildExporter, BuildProcessor, BuildReceiver};

use crate::cli::{OptionInfo, ProbeInfo};
use crate::conditions;
use crate::config;

/// The components by the trait objects that build them.
pub type Registry = config::Registry<dyn BuildReceiver, dyn BuildProcessor, dyn BuildExporter>;
/// A configuration of them.
pub type Configuration =
    config::Configuration<dyn BuildReceiver, dyn BuildProcessor, dyn BuildExporter>;

/// All components.
pub const REGISTRY: Registry = Registry {
    receivers: eunomia_receivers::RECEIVERS,
    processors: eunomia_processors::PROCESSORS,
    exporters: eunomia_exporters::EXPORTERS,
    check: conditions::check,
};

/// The built-in probes with the options that their C files declare.
pub fn probes() -> Vec<ProbeInfo> {
    let option = |option: eunomia_receivers::ebpf::OptionSummary| OptionInfo {
        key: option.key.into(),
        about: option.doc.into(),
        is_flag: option.is_flag,
    };
    let probe = |probe: eunomia_receivers::ebpf::ProbeSummary| ProbeInfo {
        name: probe.name.into(),
        options: probe.options.into_iter().map(option).collect(),
    };
    eunomia_receivers::ebpf::built_in()
        .into_iter()
        .map(probe)
        .collect()
}
