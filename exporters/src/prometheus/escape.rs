//! Odd names for readers that do not understand them.
//!
//! A page in Prometheus's own words goes straight to its writer. Where names
//! are kept as OpenTelemetry has them, but the reader is an old one, the page is
//! made anew: names may become the same, and their series must add up.

use std::collections::{BTreeMap, BTreeSet};

use eunomia_core::time::WallNanos;

use super::family::{Head, Sample, Series, Sink, Type, Value};
use super::labels::Labels;
use super::name::with_underscores;

/// Collects families under names with underscores.
#[derive(Debug, Default)]
pub(super) struct Escaped {
    families: BTreeMap<String, Family>,
    /// What they and their samples are called.
    names: BTreeSet<String>,
}

#[derive(Debug)]
struct Family {
    help: String,
    unit: String,
    kind: Type,
    series: BTreeMap<Labels, (Sample, Option<WallNanos>)>,
}

impl Escaped {
    /// Gives everything to `sink`.
    pub(super) fn give(&self, sink: &mut dyn Sink) {
        for (name, family) in &self.families {
            let head = Head {
                name,
                help: &family.help,
                unit: &family.unit,
                kind: family.kind,
            };
            let mut series = family
                .series
                .iter()
                .map(|(labels, (sample, start))| Series {
                    labels,
                    value: sample.value(),
                    start: *start,
                });
            sink.family(&head, &mut series);
        }
    }
}

impl Sink for Escaped {
    /// Of two types that have one name the first is shown.
    fn family<'a>(&mut self, head: &Head<'a>, series: &mut dyn Iterator<Item = Series<'a>>) {
        let name = with_underscores(head.name);
        if !self.families.contains_key(&name) {
            let names: Vec<_> = head.kind.names(&name).collect();
            if names.iter().any(|name| self.names.contains(name)) {
                return;
            }
            self.names.extend(names);
        }
        let family = self.families.entry(name).or_insert_with(|| Family {
            help: head.help.to_owned(),
            unit: head.unit.to_owned(),
            kind: head.kind,
            series: BTreeMap::new(),
        });
        if family.kind != head.kind {
            return;
        }
        for one in series {
            let sample = match one.value {
                Value::Number(number) => Sample::Number(number),
                Value::Distribution(value) => Sample::Distribution(value.clone()),
            };
            match family.series.get_mut(&escaped(one.labels)) {
                Some((known, _)) => known.add(sample),
                None => drop(
                    family
                        .series
                        .insert(escaped(one.labels), (sample, one.start)),
                ),
            }
        }
    }
}

fn escaped(labels: &Labels) -> Labels {
    let pairs = labels.pairs();
    Labels::new(
        with_underscores,
        pairs.map(|(name, value)| (name, value.into_owned())),
    )
}
