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

/// What turns boot time into wall-clock time at this moment. Read anew for
/// every batch: it changes when somebody sets the clock.
pub(super) fn offset() -> ClockOffset {
    ClockOffset(wall().0.cast_signed().wrapping_sub(boot().0.cast_signed()))
}

fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}
