//! Whether there are the events and attributes that conditions name.

use eunomia_core::added::ADDED;
use eunomia_core::build::{BuildProcessor, BuildReceiver};
use eunomia_core::config::{Check, ConfigErrors};
use eunomia_core::expression::{Condition, Known, Vocabulary};

use crate::config::{Found, Pipeline};

/// Refuses conditions with an event that no receiver of their pipeline can send,
/// with an attribute that none can have, or compared with what its values never
/// are: without that they are never true, and nobody hears of it. Anything will
/// do where a receiver does not know its own.
pub fn check(found: &Found<'_, dyn BuildReceiver, dyn BuildProcessor>) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    for processor in found.processors {
        let conditions = processor.ready.config.conditions();
        if conditions.is_empty() {
            continue;
        }
        let names_it = |pipeline: &&Pipeline| pipeline.processors.contains(&processor.id);
        let pipelines = found.pipelines.iter().filter(names_it);
        let known: Vec<_> = pipelines.filter_map(|one| vocabulary(found, one)).collect();
        let mut check = Check::new(found.root.nearest(&["processors", &processor.id]));
        for (key, text) in conditions {
            let wrong = known
                .iter()
                .find_map(|known| Condition::new(text, Known::Only(known)).err());
            if let Some(error) = wrong {
                check.refuse(&[key], error.to_string());
            }
        }
        errors.append(check.finish());
    }
    errors
}

/// What the events of a pipeline may have, of built-in probes that are not
/// configured too, and what any processor adds.
fn vocabulary(
    found: &Found<'_, dyn BuildReceiver, dyn BuildProcessor>,
    pipeline: &Pipeline,
) -> Option<Vocabulary> {
    let added = ADDED
        .map(|(name, suffix, value_type)| (format!("{name}{suffix}").into(), Some(value_type)));
    let mut known = Vocabulary {
        attributes: added.into(),
        ..Vocabulary::default()
    };
    for id in &pipeline.receivers {
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
