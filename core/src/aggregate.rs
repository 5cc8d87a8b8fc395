//! Counts of events by what they have in common: the table behind aggregation
//! and behind event counts.
//!
//! What an event is counted by are short texts that repeat (an event kind, a
//! container's name). Each is interned once; a group is a row of their ids, so
//! counting compares a few integers and allocates nothing.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::time::WallNanos;

/// An interned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symbol(u32);

impl Symbol {
    /// Stands for: the event has no such value.
    pub const ABSENT: Self = Self(0);
}

/// A group of a table; valid until the table expires groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupIndex(usize);

impl GroupIndex {
    /// The group's position among all.
    #[must_use]
    pub fn position(self) -> usize {
        self.0
    }
}

/// Counts by group, never more groups than a limit.
#[derive(Clone)]
pub struct Table {
    limit: usize,
    texts: Vec<Box<str>>,
    symbols: FxHashMap<Box<str>, Symbol>,
    groups: Vec<Group>,
    index: FxHashMap<Box<[Symbol]>, GroupIndex>,
    overflow: u64,
}

#[derive(Clone)]
struct Group {
    key: Box<[Symbol]>,
    count: u64,
    used: WallNanos,
}

impl Table {
    /// A table of at most `limit` groups.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            texts: vec!["".into()],
            symbols: FxHashMap::default(),
            groups: Vec::new(),
            index: FxHashMap::default(),
            overflow: 0,
        }
    }

    /// The group whose values are `key`, made if it is not there; `None` when
    /// there are too many. An absent value is `None`.
    pub fn group(&mut self, key: &[Option<&str>]) -> Option<GroupIndex> {
        const INLINE: usize = 8;
        let mut inline = [Symbol::ABSENT; INLINE];
        let mut long = Vec::new();
        let symbols = match inline.get_mut(..key.len()) {
            Some(slots) => slots,
            None => {
                long.resize(key.len(), Symbol::ABSENT);
                &mut long[..]
            }
        };
        let mut is_new = false;
        for (slot, value) in symbols.iter_mut().zip(key) {
            match value.map(|text| self.symbols.get(text)) {
                None => {}
                Some(Some(symbol)) => *slot = *symbol,
                Some(None) => is_new = true,
            }
        }
        if !is_new && let Some(known) = self.index.get(&*symbols) {
            return Some(*known);
        }
        if self.groups.len() >= self.limit {
            return None;
        }
        for (slot, value) in symbols.iter_mut().zip(key) {
            *slot = value.map_or(Symbol::ABSENT, |text| self.intern(text));
        }
        Some(self.add_group(symbols))
    }

    /// Counts `events` more in `group`, or in the overflow if there is none.
    pub fn count(&mut self, group: Option<GroupIndex>, events: u64, now: WallNanos) {
        match group.and_then(|group| self.groups.get_mut(group.0)) {
            Some(group) => {
                group.count += events;
                group.used = now;
            }
            None => self.overflow += events,
        }
    }

    /// Events for whose group there was no room.
    #[must_use]
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// How many groups there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// All groups with their values and counts.
    pub fn iter(&self) -> impl Iterator<Item = (impl Iterator<Item = Option<&str>>, u64)> {
        self.groups.iter().map(|group| {
            (
                group.key.iter().map(|symbol| self.text(*symbol)),
                group.count,
            )
        })
    }

    /// Forgets the groups of which `is_over` says so, given their position and
    /// when they were counted last, and the texts that only they had; the others
    /// stay in their order. Gives the positions that the forgotten ones had.
    pub fn expire(&mut self, is_over: impl Fn(usize, WallNanos) -> bool) -> Vec<usize> {
        let groups = self.groups.iter().enumerate();
        let over = groups.filter(|(position, group)| is_over(*position, group.used));
        let over: Vec<_> = over.map(|(position, _)| position).collect();
        if over.is_empty() {
            return over;
        }
        let mut kept = Self::new(self.limit);
        kept.overflow = self.overflow;
        for (position, group) in self.groups.iter().enumerate() {
            if over.binary_search(&position).is_ok() {
                continue;
            }
            let key: Vec<_> = group.key.iter().map(|symbol| self.text(*symbol)).collect();
            let index = kept.group(&key);
            kept.count(index, group.count, group.used);
        }
        *self = kept;
        over
    }

    fn text(&self, symbol: Symbol) -> Option<&str> {
        let text = self.texts.get(usize::try_from(symbol.0).ok()?)?;
        (symbol != Symbol::ABSENT).then_some(text)
    }

    fn intern(&mut self, text: &str) -> Symbol {
        if let Some(known) = self.symbols.get(text) {
            return *known;
        }
        let symbol = Symbol(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(text.into());
        self.symbols.insert(text.into(), symbol);
        symbol
    }

    fn add_group(&mut self, key: &[Symbol]) -> GroupIndex {
        let index = GroupIndex(self.groups.len());
        self.groups.push(Group {
            key: key.into(),
            count: 0,
            used: WallNanos(0),
        });
        self.index.insert(key.into(), index);
        index
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("groups", &self.groups.len())
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Table;
    use crate::time::WallNanos;

    type Counts = BTreeMap<Vec<Option<String>>, u64>;

    fn counts(table: &Table) -> Counts {
        let own = |(key, count): (Vec<Option<&str>>, u64)| {
            (
                key.into_iter()
                    .map(|text| text.map(str::to_owned))
                    .collect(),
                count,
            )
        };
        table
            .iter()
            .map(|(key, count)| own((key.collect(), count)))
            .collect()
    }

    proptest! {
        /// The table counts what a map of owned keys counts.
        #[test]
        fn counts_agree_with_a_naive_map(
            events in vec((proptest::option::of("[ab]{0,2}"), "[xyz]"), 0..60)
        ) {
            let mut table = Table::new(usize::MAX);
            let mut naive = Counts::new();
            for (first, second) in &events {
                let group = table.group(&[first.as_deref(), Some(second)]);
                table.count(group, 1, WallNanos(0));
                *naive.entry(vec![first.clone(), Some(second.clone())]).or_default() += 1;
            }
            prop_assert_eq!(counts(&table), naive);
        }
    }

    /// What finds no room is counted beside the groups, and is not forgotten.
    #[test]
    fn groups_beyond_the_limit_overflow() {
        let mut table = Table::new(2);
        for text in ["a", "b", "c", "a", "d"] {
            let group = table.group(&[Some(text)]);
            table.count(group, 1, WallNanos(0));
        }
        assert_eq!((table.len(), table.overflow()), (2, 2));
        assert_eq!(counts(&table)[&vec![Some("a".to_owned())]], 2);
    }

    /// Groups that are over make room for new ones; the others keep their counts.
    #[test]
    fn groups_that_are_over_are_forgotten() {
        let mut table = Table::new(2);
        for (text, time) in [("a", 0), ("b", 90)] {
            let group = table.group(&[Some(text)]);
            table.count(group, 3, WallNanos(time));
        }
        let over = table.expire(|position, used| position == 0 && used == WallNanos(0));
        assert_eq!(over, [0]);
        assert_eq!(
            counts(&table),
            Counts::from([(vec![Some("b".to_owned())], 3)])
        );
        assert!(table.group(&[Some("c")]).is_some());
    }

    /// More values than fit in place are values all the same.
    #[test]
    fn long_keys_are_groups_too() {
        let mut table = Table::new(9);
        let key = [Some("x"); 12];
        let group = table.group(&key);
        table.count(group, 1, WallNanos(0));
        assert_eq!(table.group(&key), group);
        assert_eq!(counts(&table).len(), 1);
    }
}
