//! The clocks of the machine.

use eunomia_core::time::{BootNanos, ClockOffset, WallNanos};
use rustix::time::{ClockId, clock_gettime};

/// Now, since boot, suspend included.
pub(super) fn boot() -> BootNanos {
    BootNanos(nanos(ClockId::Boottime))
}

/// Now, for people.
pub(super) fn wall() -> WallNanos {
    WallNanos(nanos(ClockId::Realtime))
}

/// Between two readings of a clock in this time nobody else ran.
const UNDISTURBED_NS: u64 = 1_000;
/// Tries to read both clocks undisturbed.
const TRIES: usize = 8;

/// What turns boot time into wall-clock time at this moment. Read anew for
/// every batch: it changes when somebody sets the clock. Another process that
/// runs between the readings would shift the whole batch, so the closest
/// readings count.
pub(super) fn offset() -> ClockOffset {
    let mut closest = (u64::MAX, 0);
    for _ in 0..TRIES {
        let before = boot().0;
        let wall = wall().0;
        let between = boot().0.saturating_sub(before);
        let offset = wall.wrapping_sub(before + between / 2).cast_signed();
        closest = closest.min((between, offset));
        if between < UNDISTURBED_NS {
            break;
        }
    }
    ClockOffset(closest.1)
}

fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}
