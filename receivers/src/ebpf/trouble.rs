//! A trouble that goes on is told of once, not at each look.

use eunomia_core::time::BootNanos;

/// Without more of it for so long a trouble is over.
const OVER_AFTER_NS: u64 = 60_000_000_000;

/// Something that is counted, and how far it was told.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    count: u64,
    last: Option<BootNanos>,
}

impl Trouble {
    /// Takes down that it has happened `count` times until `now`. Gives how often since the last look
    /// if it has just begun.
    pub(super) fn begins(&mut self, count: u64, now: BootNanos) -> Option<u64> {
        let more = count.saturating_sub(self.count);
        if more == 0 {
            return None;
        }
        self.count = count;
        let before = self.last.replace(now);
        let goes_on = before.is_some_and(|last| now.0.saturating_sub(last.0) < OVER_AFTER_NS);
        (!goes_on).then_some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::Trouble;
    use eunomia_core::time::BootNanos;

    /// It begins with the first, goes on with each that follows within a minute, and then begins anew.
    #[test]
    fn a_trouble_begins_again_when_it_was_over() {
        let mut trouble = Trouble::default();
        for (second, count, expected) in [
            (1, 0, None),
            (2, 3, Some(3)),
            (3, 4, None),
            (62, 5, None),
            (100, 5, None),
            (122, 7, Some(2)),
            (123, 8, None),
        ] {
            let now = BootNanos(second * 1_000_000_000);
            assert_eq!(trouble.begins(count, now), expected, "second {second}");
        }
    }
}
