//! What numbers that are spelled out were written as.
//!
//! Flags, errors and addresses are many bytes made of one number, and a batch has
//! few different numbers for each of its attributes: what was written is copied.

use std::ops::Range;

/// Numbers of a slot that are remembered: those that come first.
const MAX_NUMBERS: usize = 16;

/// For each slot and number where in a buffer of the owner its bytes stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memo(Vec<Vec<(u64, Range<usize>)>>);

impl Memo {
    /// Forgets everything; slots go from 0 to `slots`.
    pub(crate) fn start(&mut self, slots: usize) {
        self.0.iter_mut().for_each(Vec::clear);
        if self.0.len() < slots {
            self.0.resize_with(slots, Vec::new);
        }
    }

    /// Where the bytes of `number` stand.
    pub(crate) fn find(&self, slot: usize, number: u64) -> Option<Range<usize>> {
        let mut numbers = self.0.get(slot)?.iter();
        let (_, bytes) = numbers.find(|(known, _)| *known == number)?;
        Some(bytes.clone())
    }

    /// Whether another number of the slot can be remembered.
    pub(crate) fn has_room(&self, slot: usize) -> bool {
        self.0
            .get(slot)
            .is_some_and(|numbers| numbers.len() < MAX_NUMBERS)
    }

    /// Remembers where the bytes of `number` stand.
    pub(crate) fn keep(&mut self, slot: usize, number: u64, bytes: Range<usize>) {
        if let Some(numbers) = self.0.get_mut(slot) {
            numbers.push((number, bytes));
        }
    }
}
