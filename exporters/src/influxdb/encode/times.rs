//! Times that no two points of one series share.
//!
//! InfluxDB keeps one point of a series at a time: a later one takes the place
//! of the earlier. So the times that a series used last are remembered, and a
//! point whose time is taken gets the next one that is free. What is too old to
//! be remembered is all taken: nothing is overwritten, however long it runs.

use std::collections::VecDeque;
use std::hash::{Hash as _, Hasher as _};

use rustc_hash::{FxHashMap, FxHasher};

/// Times of a series that are remembered one by one.
const REMEMBERED: usize = 256;
/// Series that are remembered. Beyond it, those that were quiet for longest are
/// forgotten.
const MAX_SERIES: usize = 4096;

/// The times that series used.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Positions in `series`, by a hash of the series' text. Two series with one
    /// hash only share their times.
    known: FxHashMap<u64, usize>,
    series: Vec<Series>,
    /// The first time that no forgotten series used.
    free_from: u64,
}

/// The times that one series used.
#[derive(Debug)]
struct Series {
    hash: u64,
    /// Times from here on are free unless they are among `used`.
    free_from: u64,
    /// In ascending order.
    used: VecDeque<u64>,
}

/// Which series; valid until the next [`Times::tidy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeriesIndex(usize);

impl Times {
    /// Forgets series if there are too many.
    pub(super) fn tidy(&mut self) {
        if self.series.len() <= MAX_SERIES {
            return;
        }
        self.series.sort_unstable_by_key(Series::next);
        let quiet = self.series.len() - MAX_SERIES / 2;
        let forgotten = self.series.drain(..quiet).map(|series| series.next());
        self.free_from = forgotten.max().unwrap_or(0).max(self.free_from);
        self.known.clear();
        let hashes = self.series.iter().map(|series| series.hash);
        self.known.extend(hashes.zip(0..));
    }

    /// The series written as `text`.
    pub(super) fn series(&mut self, text: &[u8]) -> SeriesIndex {
        let mut hasher = FxHasher::default();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        let index = *self.known.entry(hash).or_insert_with(|| {
            self.series.push(Series {
                hash,
                free_from: self.free_from,
                used: VecDeque::new(),
            });
            self.series.len() - 1
        });
        SeriesIndex(index)
    }

    /// `time`, or the next one that no point of the series has.
    pub(super) fn take(&mut self, series: SeriesIndex, time: u64) -> u64 {
        match self.series.get_mut(series.0) {
            Some(series) => series.take(time),
            None => time,
        }
    }
}

impl Series {
    /// The time after all that were used.
    fn next(&self) -> u64 {
        let last = self.used.back().map(|last| last.saturating_add(1));
        last.unwrap_or(0).max(self.free_from)
    }

    fn take(&mut self, time: u64) -> u64 {
        let wanted = time.max(self.free_from);
        let free = match self.used.back() {
            Some(&last) if last >= wanted => self.insert(wanted),
            Some(_) | None => {
                self.used.push_back(wanted);
                wanted
            }
        };
        if self.used.len() > REMEMBERED
            && let Some(oldest) = self.used.pop_front()
        {
            self.free_from = oldest.saturating_add(1);
        }
        free
    }

    /// Takes the first free time from `wanted` on, which lies among those used.
    fn insert(&mut self, wanted: u64) -> u64 {
        let at = self.used.partition_point(|&used| used < wanted);
        let is_taken = |index: usize, time: u64| self.used.get(index) == Some(&time);
        let mut free = wanted;
        let mut index = at;
        while is_taken(index, free) {
            index += 1;
            free = free.saturating_add(1);
        }
        self.used.insert(index, free);
        free
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{MAX_SERIES, REMEMBERED, Times};

    #[track_caller]
    fn takes(times: &[u64], expected: &[u64]) {
        let mut own = Times::default();
        let series = own.series(b"a");
        let taken: Vec<_> = times.iter().map(|&time| own.take(series, time)).collect();
        assert_eq!(taken, expected);
    }

    /// The later of two moves on; one that comes late keeps its own time.
    #[test]
    fn a_time_that_is_taken_moves_on() {
        takes(&[5, 5, 5, 9], &[5, 6, 7, 9]);
        takes(&[5, 6, 5, 5], &[5, 6, 7, 8]);
        takes(&[9, 5, 5, 8, 8], &[9, 5, 6, 8, 10]);
        takes(&[0, 0], &[0, 1]);
    }

    /// Another series has times of its own.
    #[test]
    fn series_do_not_meet() {
        let mut times = Times::default();
        let (a, b) = (times.series(b"a"), times.series(b"b"));
        assert_eq!((times.take(a, 5), times.take(b, 5)), (5, 5));
        assert_eq!(times.series(b"a"), a);
    }

    proptest! {
        /// No two points meet, whatever comes, and none moves back.
        #[test]
        fn no_time_is_used_twice(wanted in vec(0_u64..700, 0..1500)) {
            let mut times = Times::default();
            let series = times.series(b"a");
            let mut used = BTreeSet::new();
            for time in wanted {
                let taken = times.take(series, time);
                prop_assert!(taken >= time);
                prop_assert!(used.insert(taken), "{taken} twice");
            }
        }
    }

    /// A series that was forgotten starts after all that were.
    #[test]
    fn a_forgotten_series_overwrites_nothing() {
        let mut times = Times::default();
        let many = MAX_SERIES as u64 + 1;
        for number in 0..many {
            let series = times.series(&number.to_le_bytes());
            assert_eq!(times.take(series, number), number);
        }
        times.tidy();
        assert_eq!(times.series.len(), MAX_SERIES / 2);
        let newest = times.series(&(many - 1).to_le_bytes());
        assert_eq!(times.take(newest, 0), 0);
        let oldest = times.series(&0_u64.to_le_bytes());
        let forgotten = many - MAX_SERIES as u64 / 2;
        assert_eq!(times.take(oldest, 0), forgotten);
    }

    /// Memory ends at what is remembered; so does exactness, not the promise.
    #[test]
    fn memory_is_bounded() {
        let mut times = Times::default();
        let series = times.series(b"a");
        let count = REMEMBERED as u64 * 2;
        for time in 0..count {
            times.take(series, time * 10);
        }
        assert_eq!(times.series[0].used.len(), REMEMBERED);
        assert_eq!(
            times.take(series, 5),
            (count - REMEMBERED as u64 - 1) * 10 + 1
        );
    }
}
