//! Series that are shown no longer, until whoever keeps them has been told.

use super::family::{Head, Sample, Series, Sink, Type};
use super::labels::Labels;

/// How many are remembered, each bucket of a histogram being one; whoever is not
/// told forgets them a little later.
const MAX: usize = 100_000;

/// Series that have ended.
#[derive(Debug, Default)]
pub(super) struct Gone {
    ended: Vec<One>,
    /// How many series they are.
    series: usize,
}

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
        let series = match &sample {
            Sample::Number(_) => 1,
            // Its sum, its count and the last bucket are there anyway.
            Sample::Distribution(distribution) => 3 + distribution.buckets.len(),
        };
        if self.series + series <= MAX {
            self.series += series;
            self.ended.push(One {
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
        for ones in self.ended.chunk_by(is_same) {
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

#[cfg(test)]
mod tests {
    use super::{Gone, MAX};
    use crate::prometheus::family::{Distribution, Head, Number, Sample, Type};
    use crate::prometheus::labels::Labels;

    /// A histogram takes the room of as many series as it is.
    #[test]
    fn what_is_remembered_is_bounded_in_series() {
        let head = Head {
            name: "a",
            help: "",
            unit: "",
            kind: Type::Histogram,
        };
        let labels = || Labels::new(str::to_owned, std::iter::empty::<(&str, String)>());
        let histogram = Sample::Distribution(Distribution {
            buckets: vec![(0.0, 0); 97],
            ..Distribution::default()
        });
        let mut gone = Gone::default();
        for _ in 0..MAX / 100 {
            gone.push(&head, labels(), histogram.clone());
        }
        assert_eq!((gone.ended.len(), gone.series), (MAX / 100, MAX));
        gone.push(&head, labels(), histogram.clone());
        gone.push(&head, labels(), Sample::Number(Number::Uint(1)));
        assert_eq!((gone.ended.len(), gone.series), (MAX / 100, MAX));
    }
}
