//! Native histograms: buckets that grow by powers of two, without bounds.

use super::family::Distribution;
use super::name::Scale;

/// The schema whose bounds are the powers of two.
pub(super) const SCHEMA: i64 = 0;

/// A histogram whose bucket `i` holds what is above `2^(i-1)` up to `2^i`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Native {
    /// What is up to this counts as zero.
    pub(super) zero_threshold: f64,
    pub(super) zero_count: u64,
    /// The index of the first bucket.
    pub(super) first: i32,
    /// The buckets without gaps, none empty at either end.
    pub(super) counts: Vec<u64>,
}

impl Native {
    /// `distribution` in this form, if its bounds are powers of two, or the
    /// integers just below them, one after another.
    ///
    /// What a probe counts from `2^i` up to below `2^(i+1)` is put into the
    /// bucket that ends with `2^(i+1)`: a value of exactly `2^i` is one too high.
    /// What is up to the first bound is zero's. The last, open bucket becomes the
    /// one behind the last bound. In a unit that is converted each bound goes to
    /// the power of two that is nearest to it.
    pub(super) fn new(distribution: &Distribution) -> Option<Self> {
        let bounds = || distribution.buckets.iter().map(|(bound, _)| *bound);
        let start = consecutive(bounds(), 0.0).or_else(|| consecutive(bounds(), 1.0))?;
        let ((first_bound, zero_count), rest) = distribution.buckets.split_first()?;
        let counts: Vec<_> = rest.iter().map(|(_, count)| *count).collect();
        let counted = counts
            .iter()
            .try_fold(*zero_count, |sum, count| sum.checked_add(*count));
        if counted != Some(distribution.count) {
            return None;
        }
        let leading = counts.iter().take_while(|count| **count == 0).count();
        let trailing = counts.iter().rev().take_while(|count| **count == 0).count();
        let filled = leading..counts.len().saturating_sub(trailing);
        let first = start + 1 + i32::try_from(leading).ok()?;
        Some(Self {
            zero_threshold: distribution.scale.apply(*first_bound),
            zero_count: *zero_count,
            first: shifted(first, distribution.scale),
            counts: counts.get(filled).unwrap_or_default().to_vec(),
        })
    }

    /// The counts, each less the one before it.
    pub(super) fn deltas(&self) -> impl Iterator<Item = i64> {
        let mut before = 0u64;
        self.counts.iter().map(move |count| {
            let delta = count.wrapping_sub(before).cast_signed();
            before = *count;
            delta
        })
    }
}

/// The exponent of the first bound, if every finite one is `offset` less than a
/// power of two and each the next power.
fn consecutive(bounds: impl Iterator<Item = f64>, offset: f64) -> Option<i32> {
    let mut exponents = bounds
        .filter(|bound| bound.is_finite())
        .map(|bound| power_of_two(bound + offset));
    let first = exponents.next()??;
    let mut expected = first + 1..;
    exponents
        .all(|exponent| exponent == expected.next())
        .then_some(first)
}

fn power_of_two(value: f64) -> Option<i32> {
    let nearest = rounded_log2(value)?;
    (f64::from(nearest).exp2() == value).then_some(nearest)
}

/// The exponent in the unit that is shown.
fn shifted(exponent: i32, scale: Scale) -> i32 {
    rounded_log2(scale.apply(f64::from(exponent).exp2())).unwrap_or(exponent)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a finite number is a small one"
)]
fn rounded_log2(value: f64) -> Option<i32> {
    let log = value.log2().round();
    log.is_finite().then_some(log as i32)
}

#[cfg(test)]
mod tests {
    use super::{Distribution, Native, Scale};

    fn distribution(bounds: &[f64], counts: &[u64]) -> Distribution {
        Distribution {
            buckets: bounds.iter().copied().zip(counts.iter().copied()).collect(),
            sum: None,
            count: counts.iter().sum(),
            scale: Scale::Same,
        }
    }

    const SLOTS: [f64; 5] = [1.0, 3.0, 7.0, 15.0, f64::INFINITY];

    /// A probe's slot of 4 to 7 is the bucket up to 8, whose index is 3.
    #[test]
    fn slots_are_powers_of_two() {
        let native = Native::new(&distribution(&SLOTS, &[5, 0, 2, 0, 1])).unwrap();
        let expected = Native {
            zero_threshold: 1.0,
            zero_count: 5,
            first: 3,
            counts: vec![2, 0, 1],
        };
        assert_eq!(native, expected);
        assert_eq!(native.deltas().collect::<Vec<_>>(), [2, -2, 1]);
    }

    /// Nothing counted is a histogram all the same.
    #[test]
    fn an_empty_histogram_has_no_buckets() {
        let native = Native::new(&distribution(&SLOTS, &[0; 5])).unwrap();
        assert_eq!((native.zero_count, native.counts), (0, vec![]));
    }

    /// Bounds that are powers of two themselves keep their place.
    #[test]
    fn exact_powers_of_two_stay_where_they_are() {
        let native = Native::new(&distribution(
            &[0.5, 1.0, 2.0, f64::INFINITY],
            &[1, 2, 3, 4],
        ));
        let native = native.unwrap();
        assert_eq!((native.zero_threshold, native.first), (0.5, 0));
        assert_eq!(native.counts, [2, 3, 4]);
    }

    /// Nanoseconds shown in seconds: 2^30 ns is nearest to 1 s.
    #[test]
    fn converted_bounds_go_to_the_nearest_power() {
        let bounds: Vec<_> = (1..=31u32).map(|n| f64::from(n).exp2() - 1.0).collect();
        let counts: Vec<_> = (1..=31u64).map(|n| u64::from(n == 30)).collect();
        let native = Native::new(&Distribution {
            scale: Scale::Over(1e9),
            ..distribution(&bounds, &counts)
        });
        let native = native.unwrap();
        assert_eq!((native.zero_threshold, native.first), (1e-9, 0));
    }

    /// Other histograms are classic ones only.
    #[test]
    fn other_bounds_have_no_native_form() {
        for bounds in [
            &[0.005, 0.01, 0.025][..],
            &[1.0, 2.0, 8.0],
            &[2.0, 3.0],
            &[2.0, 1.0],
            &[f64::INFINITY],
            &[],
        ] {
            let counts = vec![1; bounds.len()];
            assert_eq!(
                Native::new(&distribution(bounds, &counts)),
                None,
                "{bounds:?}"
            );
        }
        let mut miscounted = distribution(&SLOTS, &[1; 5]);
        miscounted.count = 9;
        assert_eq!(Native::new(&miscounted), None);
    }
}
