//! Receivers: where signals come from.

pub mod ebpf;
pub mod object;
pub mod replay;

use eunomia_core::build::BuildReceiver;
use eunomia_core::config::Factory;

/// All receivers by the names they have in a configuration.
pub const RECEIVERS: &[Factory<dyn BuildReceiver>] = &[
    Factory::new::<ebpf::EbpfSettings>("ebpf"),
    Factory::new::<replay::ReplayConfig>("replay"),
];
