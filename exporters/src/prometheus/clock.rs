//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use eunomia_core::time::WallNanos;

/// Now.
pub(super) fn wall() -> WallNanos {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
