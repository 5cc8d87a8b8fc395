//! Times as the kernel and the world count them.
//!
//! Records carry boot time because it is monotonic and counts suspend; people
//! and peers want wall-clock time. The two meet in one offset a batch, so a
//! clock step never reorders the rows of one batch.

use std::fmt;

use serde::{Deserialize, Serialize};

const NANOS: u64 = 1_000_000_000;

/// Nanoseconds since boot, suspend included (`CLOCK_BOOTTIME`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct BootNanos(pub u64);

/// Nanoseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct WallNanos(pub u64);

/// What has to be added to boot time to get wall-clock time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset(pub i64);

impl ClockOffset {
    /// Returns the wall-clock time of `boot`, never before the epoch.
    #[must_use]
    pub fn wall(self, boot: BootNanos) -> WallNanos {
        WallNanos(boot.0.saturating_add_signed(self.0))
    }
}

impl WallNanos {
    /// Writes the time as RFC 3339 with nanoseconds and `Z` into `out`, without
    /// allocating.
    pub fn write_rfc3339(self, out: &mut [u8; 30]) {
        let (seconds, nanos) = (self.0 / NANOS, self.0 % NANOS);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil_from_days(days);
        *out = *b"0000-00-00T00:00:00.000000000Z";
        digits(&mut out[0..4], year);
        digits(&mut out[5..7], month);
        digits(&mut out[8..10], day);
        digits(&mut out[11..13], second / 3600);
        digits(&mut out[14..16], second / 60 % 60);
        digits(&mut out[17..19], second % 60);
        digits(&mut out[20..29], nanos);
    }
}

/// Times as RFC 3339 text: those of one second, as events of one batch are, share
/// all but the nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Rfc3339 {
    second: Option<u64>,
    text: [u8; 30],
}

impl Rfc3339 {
    /// The text of `time`, as [`WallNanos::write_rfc3339`] writes it.
    pub fn text(&mut self, time: WallNanos) -> &[u8; 30] {
        let second = time.0 / NANOS;
        if self.second == Some(second) {
            digits(&mut self.text[20..29], time.0 % NANOS);
        } else {
            time.write_rfc3339(&mut self.text);
            self.second = Some(second);
        }
        &self.text
    }
}

impl fmt::Display for WallNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 30];
        self.write_rfc3339(&mut text);
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// Fills `out` with the decimal digits of `value`, zero padded.
fn digits(out: &mut [u8], mut value: u64) {
    let (first, pairs) = out.as_rchunks_mut::<2>();
    for pair in pairs.iter_mut().rev() {
        let two = u8::try_from(value % 100).unwrap_or(0);
        *pair = [b'0' + two / 10, b'0' + two % 10];
        value /= 100;
    }
    if let [digit] = first {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
    }
}

/// Year, month and day of the day `days` after 1970-01-01, in the proleptic
/// Gregorian calendar. Years are counted from March, so the leap day is last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / DAYS_IN_400_YEARS, shifted % DAYS_IN_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{BootNanos, ClockOffset, Rfc3339, WallNanos};

    #[track_caller]
    fn shows(nanos: u64, text: &str) {
        assert_eq!(WallNanos(nanos).to_string(), text);
    }

    /// The calendar is right at the epoch, at leap days and at century ends.
    #[test]
    fn wall_time_is_shown_as_rfc3339_with_nanoseconds() {
        shows(0, "1970-01-01T00:00:00.000000000Z");
        shows(951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z");
        shows(1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z");
        shows(4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z");
        shows(1_795_334_400_123_456_789, "2026-11-22T08:00:00.123456789Z");
    }

    /// What is kept from one time to the next does not change what is shown.
    #[test]
    fn times_of_one_second_share_their_text() {
        let mut text = Rfc3339::default();
        for nanos in [0, 1, 999_999_999, 1_000_000_000, 2, 951_782_400_000_000_001] {
            let time = WallNanos(nanos);
            assert_eq!(text.text(time), time.to_string().as_bytes());
        }
    }

    /// A boot time far before the epoch is clamped, not wrapped.
    #[test]
    fn offset_turns_boot_time_into_wall_time() {
        assert_eq!(ClockOffset(5).wall(BootNanos(7)), WallNanos(12));
        assert_eq!(ClockOffset(-9).wall(BootNanos(7)), WallNanos(0));
    }
}
