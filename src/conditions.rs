//! Whether there are the events and attributes that conditions name.

use std::sync::Arc;

use eunomia_core::added::ADDED;
use eunomia_core::build::{BuildProcessor, BuildReceiver};
use eunomia_core::config::{Check, ConfigErrors};
use eunomia_core::expression::{Condition, Known, Vocabulary};

use crate::config::{Found, Pipeline};

/// Refuses conditions with an event or attribute that no probe has, built in or configured in a
/// pipeline that they stand in, or compared with what its values never are: without that they are
/// never true, and nobody hears of it. Anything will do where a receiver does not know its own.
pub fn check(found: &Found<'_, dyn BuildReceiver, dyn BuildProcessor>) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    for processor in found.processors {
        let conditions = processor.ready.config.conditions();
        if conditions.is_empty() {
            continue;
        }
        let Some(known) = vocabulary(found, &processor.id) else {
            continue;
        };
        let mut check = Check::new(found.root.nearest(&["processors", &processor.id]));
        for (key, text) in conditions {
            if let Err(error) = Condition::new(text, Known::Only(&known)) {
                check.refuse(&[key], error.to_string());
            }
        }
        errors.append(check.finish());
    }
    errors
}

/// What events may have that come by a processor, of built-in probes that are not configured too,
/// and what any processor adds; `None` where nobody knows, or none comes.
fn vocabulary(
    found: &Found<'_, dyn BuildReceiver, dyn BuildProcessor>,
    processor: &Arc<str>,
) -> Option<Vocabulary> {
    let names_it = |pipeline: &&Pipeline| pipeline.processors.contains(processor);
    let pipelines = found.pipelines.iter().filter(names_it);
    let mut receivers = pipelines.flat_map(|one| &one.receivers).peekable();
    receivers.peek()?;
    let added = ADDED
        .map(|(name, suffix, value_type)| (format!("{name}{suffix}").into(), Some(value_type)));
    let mut known = Vocabulary {
        attributes: added.into(),
        ..Vocabulary::default()
    };
    for id in receivers {
        let mut receivers = found.receivers.iter();
        let receiver = receivers.find(|receiver| receiver.id == *id)?;
        let own = receiver.ready.config.vocabulary()?;
        known.kinds.extend(own.kinds);
        for (name, value_type) in own.attributes {
            known.add(name, value_type);
        }
    }
    Some(known)
}
