//! Series that are shown no longer, until whoever keeps them has been told.

use super::family::{Head, Sample, Series, Sink, Type};
use super::labels::Labels;

/// How many are remembered; whoever is not told forgets them a little later.
const MAX: usize = 100_000;

/// Series that have ended.
#[derive(Debug, Default)]
pub(super) struct Gone(Vec<One>);

#[derive(Debug)]
struct One {
    name: Box<str>,
    kind: Type,
    labels: Labels,
    /// What it showed last: a histogram has a series for each bucket.
    sample: Sample,
}

impl Gone {
    /// Remembers a series of `head`.
    pub(super) fn push(&mut self, head: &Head<'_>, labels: Labels, sample: Sample) {
        if self.0.len() < MAX {
            self.0.push(One {
                name: head.name.into(),
                kind: head.kind,
                labels,
                sample,
            });
        }
    }

    /// Shows all.
    pub(super) fn show(&self, sink: &mut dyn Sink) {
        let is_same = |a: &One, b: &One| a.name == b.name && a.kind == b.kind;
        for ones in self.0.chunk_by(is_same) {
            let Some(first) = ones.first() else {
                continue;
            };
            let head = Head {
                name: &first.name,
                help: "",
                unit: "",
                kind: first.kind,
            };
            let mut series = ones.iter().map(|one| Series {
                labels: &one.labels,
                value: one.sample.value(),
                start: None,
            });
            sink.family(&head, &mut series);
        }
    }
}
