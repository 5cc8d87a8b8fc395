//! Encoded events, each with its end, so that it is known which were written.

/// The bytes of several events, one after another.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The bytes.
    pub bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    /// Notes that the event whose bytes were appended last is complete.
    pub fn end_item(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// Empties it; the memory is kept for the next batch.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Bytes of memory that are kept.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Where a write that begins at `from` ends so that it has whole events and
    /// at most `room` bytes; `None` where not one fits.
    pub(super) fn fitting(&self, from: usize, room: u64) -> Option<usize> {
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let count = self
            .ends
            .partition_point(|&end| end <= from.saturating_add(room));
        let end = self.ends.get(count.checked_sub(1)?).copied()?;
        (end > from).then_some(end)
    }

    /// Where the event that begins at `from` ends.
    pub(super) fn next_end(&self, from: usize) -> usize {
        let next = self.ends.partition_point(|&end| end <= from);
        self.ends.get(next).copied().unwrap_or(self.bytes.len())
    }

    /// How many events are complete within the first `written` bytes, and where
    /// the last of them ends.
    #[must_use]
    pub fn complete(&self, written: usize) -> (usize, usize) {
        let count = self.ends.partition_point(|&end| end <= written);
        let end = count
            .checked_sub(1)
            .and_then(|last| self.ends.get(last))
            .copied()
            .unwrap_or(0);
        (count, end)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    /// An event counts when its last byte is written.
    #[test]
    fn complete_events_are_counted() {
        let mut lines = Lines::default();
        for text in ["ab\n", "\n", "cde\n"] {
            lines.bytes.extend_from_slice(text.as_bytes());
            lines.end_item();
        }
        assert_eq!(lines.complete(2), (0, 0));
        assert_eq!(lines.complete(3), (1, 3));
        assert_eq!(lines.complete(7), (2, 4));
        assert_eq!(lines.complete(8), (3, 8));
    }
}
