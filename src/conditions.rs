//! Whether the attributes that conditions name are any event's.

use eunomia_core::added::ADDED;
use eunomia_core::config::{Check, ConfigErrors};
use eunomia_core::expression::{Condition, Known, Vocabulary};

use crate::components::Configuration;

/// Refuses conditions with an attribute that no event can have, or compared
/// with what its values never are: without that they are never true, and nobody
/// hears of it. Any attribute will do where a receiver does not know its own.
pub fn check(configuration: &Configuration) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    let mut processors = configuration.processors.iter();
    if processors.all(|processor| processor.ready.config.conditions().is_empty()) {
        return errors;
    }
    let Some(known) = vocabulary(configuration) else {
        return errors;
    };
    for processor in &configuration.processors {
        let node = configuration.root.nearest(&["processors", &processor.id]);
        let mut check = Check::new(node);
        for (key, text) in processor.ready.config.conditions() {
            if let Err(error) = Condition::new(text, Known::Only(&known)) {
                check.refuse(&[key], error.to_string());
            }
        }
        errors.append(check.finish());
    }
    errors
}

/// What any receiver's events have, of probes that are not configured too, and
/// what any processor adds.
fn vocabulary(configuration: &Configuration) -> Option<Vocabulary> {
    let added = ADDED
        .map(|(name, suffix, value_type)| (format!("{name}{suffix}").into(), Some(value_type)));
    let mut known = Vocabulary::from(added);
    for receiver in &configuration.receivers {
        for (name, value_type) in receiver.ready.config.attributes()? {
            let known = known.entry(name).or_insert(value_type);
            *known = known.filter(|known| Some(*known) == value_type);
        }
    }
    Some(known)
}
