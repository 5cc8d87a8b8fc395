//! The processor `filter`: drops events by a condition.

use eunomia_core::batch::Batch;
use eunomia_core::build::{BuildContext, BuildProcessor};
use eunomia_core::component::{Emit, Processor};
use eunomia_core::config::{Check, ConfigError, ConfigErrors, Settings, Span};
use eunomia_core::expression::{Condition, Known};
use eunomia_core::signal::Signal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The reason that dropped events are counted under.
const REASON: &str = "condition";

/// Drops the events for which a condition holds, or for which it does not.
///
/// Conditions are in Falco's language over the names of attributes, for
/// instance `process.executable.path pmatch (/usr/bin) or not container.id exists`. A comparison
/// with an attribute that an event does not have is false. Exactly one of the
/// two keys is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "filter")]
pub struct FilterConfig {
    /// Events for which this condition holds are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<String>,
    /// Events for which this condition does not hold are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
}

impl Settings for FilterConfig {
    fn check(&self, check: &mut Check<'_>) {
        match (&self.drop, &self.keep) {
            (None, None) => check.refuse(&[], "expected `drop` or `keep` with a condition"),
            (Some(_), Some(_)) => {
                check.refuse(&["keep"], "`drop` is there already: only one of the two")
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        for (key, text) in self.conditions() {
            if let Err(error) = Condition::new(text, Known::Anything) {
                check.refuse(&[key], error.to_string());
            }
        }
    }
}

impl BuildProcessor for FilterConfig {
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Processor>, ConfigErrors> {
        let (text, drops) = match (&self.drop, &self.keep) {
            (Some(text), _) => (text.as_str(), true),
            (None, Some(text)) => (text.as_str(), false),
            (None, None) => ("", false),
        };
        let condition = Condition::new(text, Known::Anything).map_err(|error| {
            let path = format!("processors.{}", context.id);
            ConfigError::new(Span::whole(&*context.id), path, error.to_string())
        })?;
        Ok(Box::new(FilterProcessor { condition, drops }))
    }

    fn conditions(&self) -> Vec<(&'static str, &str)> {
        let both = [("drop", &self.drop), ("keep", &self.keep)];
        both.into_iter()
            .filter_map(|(key, text)| Some((key, text.as_deref()?)))
            .collect()
    }
}

/// Drops the rows that a condition decides about.
#[derive(Debug)]
pub struct FilterProcessor {
    condition: Condition,
    drops: bool,
}

impl Processor for FilterProcessor {
    fn process(&mut self, mut batch: Batch, out: &mut Emit) {
        let before = batch.len();
        batch.retain(|row| self.condition.matches(&row) != self.drops);
        out.dropped(before - batch.len(), REASON);
        out.emit(Signal::Events(batch));
    }
}

#[cfg(test)]
mod tests {
    use eunomia_core::build::BuildProcessor;
    use eunomia_core::value::Value;

    use super::FilterConfig;
    use crate::PROCESSORS;
    use crate::support::{batch, context, node, run};

    #[track_caller]
    fn leaves(config: &FilterConfig, expected: &[u64]) {
        let mut processor = config.build(&context()).unwrap();
        let (after, dropped) = run(processor.as_mut(), batch(&[1, 2, 3, 4], "/"));
        let left: Vec<_> = after.iter().map(|row| row.get("test.number")).collect();
        let expected: Vec<_> = expected.iter().map(|&n| Some(Value::Uint(n))).collect();
        assert_eq!(left, expected);
        let count = 4 - expected.len() as u64;
        let expected = (count > 0).then(|| ("condition".into(), count));
        assert_eq!(dropped, expected.into_iter().collect());
    }

    fn config(drop: Option<&str>, keep: Option<&str>) -> FilterConfig {
        FilterConfig {
            drop: drop.map(Into::into),
            keep: keep.map(Into::into),
        }
    }

    /// `drop` drops what the condition holds for, `keep` the rest; both count it.
    #[test]
    fn rows_are_dropped_and_counted() {
        leaves(&config(Some("test.number in (2, 3)"), None), &[1, 4]);
        leaves(&config(None, Some("test.number in (2, 3)")), &[2, 3]);
        leaves(&config(Some("event = other"), None), &[1, 2, 3, 4]);
        leaves(&config(None, Some("event = other")), &[]);
        leaves(&config(Some("not.there != 1"), None), &[1, 2, 3, 4]);
    }

    /// What is shown by a processor before it can be asked for, what is not can't.
    #[test]
    fn condition_sees_what_is_shown() {
        leaves(&config(Some("test.process = 7"), None), &[1, 2, 3, 4]);
        leaves(&config(Some("test.process exists"), None), &[1, 2, 3, 4]);
    }

    #[track_caller]
    fn refused(body: &[(&str, &str)], message: &str) {
        let factory = PROCESSORS
            .iter()
            .find(|factory| factory.name == "filter")
            .unwrap();
        let errors = factory.read(&node(body), &mut Vec::new()).unwrap_err();
        let messages: Vec<_> = errors
            .0
            .iter()
            .map(|error| error.message.as_str())
            .collect();
        assert_eq!(messages, [message]);
    }

    /// A filter has one condition, and it must be one.
    #[test]
    fn wrong_conditions_are_refused() {
        refused(&[], "expected `drop` or `keep` with a condition");
        let both = [("drop", "a.b exists"), ("keep", "a.b exists")];
        refused(&both, "`drop` is there already: only one of the two");
        let message =
            "at character 5: expected an operator (did you mean `contains`?), found `contians`";
        refused(&[("drop", "a.b contians 1")], message);
        assert!(config(None, None).build(&context()).is_err());
    }
}
