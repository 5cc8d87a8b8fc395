//! The processors of Eunomia: each changes batches on their way from receivers
//! to exporters.
//!
//! A processor is one file, or a folder: its settings, and the plain synchronous
//! code that they become. None of them knows an event by its name.

mod container;
mod filter;
mod process;
#[cfg(test)]
mod support;

use eunomia_core::build::BuildProcessor;
use eunomia_core::config::Factory;

pub use container::{ContainerConfig, ContainerProcessor};
pub use filter::{FilterConfig, FilterProcessor};
pub use process::{ProcessConfig, ProcessProcessor};

/// All processors by the names they have in a configuration.
pub const PROCESSORS: &[Factory<dyn BuildProcessor>] = &[
    Factory::new::<ProcessConfig>("process"),
    Factory::new::<ContainerConfig>("container"),
    Factory::new::<FilterConfig>("filter"),
];
