//! The processor `process`: shows what the process table knows of the actor.
//!
//! The table itself belongs to the receiver: the thread that drains the rings
//! keeps it, so that it is complete even while a pipeline is held up. Here it is
//! only decided that its attributes are part of the events.

use eunomia_core::batch::Batch;
use eunomia_core::build::{BuildContext, BuildProcessor};
use eunomia_core::component::{Emit, Processor};
use eunomia_core::config::{ConfigErrors, Settings};
use eunomia_core::signal::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds the program that the acting process runs, its id over all times and
/// that of the image that forked it.
///
/// It has no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "process")]
pub struct ProcessConfig {}

impl Settings for ProcessConfig {}

impl BuildProcessor for ProcessConfig {
    fn build(&self, _context: &BuildContext) -> Result<Box<dyn Processor>, ConfigErrors> {
        Ok(Box::new(ProcessProcessor))
    }
}

/// Lets the attributes of processes be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessProcessor;

impl Processor for ProcessProcessor {
    fn process(&mut self, mut batch: Batch, out: &mut Emit) {
        for subject in &mut batch.subjects {
            subject.shows_process = true;
        }
        out.emit(Signal::Events(batch));
    }
}

#[cfg(test)]
mod tests {
    use eunomia_core::value::Value;

    use super::ProcessProcessor;
    use crate::support::{batch, run};

    /// Nothing is shown of a process before, its attributes are after.
    #[test]
    fn attributes_of_the_process_are_shown() {
        let before = batch(&[1, 2], "/docker/x");
        assert_eq!(before.row(0).unwrap().get("test.process"), None);
        let (after, dropped) = run(&mut ProcessProcessor, before);
        let shown: Vec<_> = after.iter().map(|row| row.get("test.process")).collect();
        assert_eq!(shown, [Some(Value::Uint(7)); 2]);
        assert!(dropped.is_empty());
    }
}
