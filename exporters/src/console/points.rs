//! Values of metric points as people read them.

use std::fmt::Write as _;

use eunomia_core::metric::{Histogram, Point, PointValue};
use eunomia_core::value::Value;

use crate::describe::{ListForm, write_harmless, write_nanoseconds, write_value};

/// Appends the value of `point` with its unit.
pub(super) fn write_point_value(point: &Point, out: &mut String) {
    let unit = &*point.metric.unit;
    match &point.value {
        PointValue::Uint(value) => write_count(*value, unit, out),
        PointValue::Int(value) => write_number(Value::Int(*value), unit, out),
        PointValue::Float(value) => write_number(Value::Float(*value), unit, out),
        PointValue::Histogram(histogram) => write_histogram(histogram, unit, out),
    }
}

fn write_count(value: u64, unit: &str, out: &mut String) {
    match unit {
        "ns" => write_nanoseconds(value, out),
        "By" if value >= 1 << 10 => write_bytes(value, out),
        _ => write_number(Value::Uint(value), unit, out),
    }
}

fn write_number(value: Value<'_>, unit: &str, out: &mut String) {
    write_value(value, ListForm::Value, out);
    write_unit(unit, out);
}

/// Appends a size in the unit that leaves one to four digits before the point.
fn write_bytes(bytes: u64, out: &mut String) {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let (shift, unit) = UNITS
        .into_iter()
        .find(|(shift, _)| bytes >> shift > 0)
        .unwrap_or((0, "B"));
    let tenths = (u128::from(bytes) * 10) >> shift;
    // Writing to memory cannot fail.
    write!(out, "{}.{} {unit}", tenths / 10, tenths % 10).unwrap_or_default();
}

/// The mean, and the bounds below which half of the values and nearly all of
/// them lie.
fn write_histogram(histogram: &Histogram, unit: &str, out: &mut String) {
    // Writing to memory cannot fail.
    write!(out, "n={}", histogram.count).unwrap_or_default();
    if let Some(sum) = histogram.sum.filter(|_| histogram.count > 0) {
        write!(out, " mean={:.1}", sum / to_float(histogram.count)).unwrap_or_default();
        write_unit(unit, out);
    }
    for percent in [50, 99] {
        let Some((below, bound)) = percentile(histogram, percent) else {
            continue;
        };
        if bound.is_finite() {
            write!(out, " p{percent}<={bound}").unwrap_or_default();
        } else {
            write!(out, " p{percent}>{below}").unwrap_or_default();
        }
        write_unit(unit, out);
    }
}

/// The bucket in which this part of the values ends, by its bounds.
fn percentile(histogram: &Histogram, percent: u64) -> Option<(f64, f64)> {
    let wanted = (u128::from(histogram.count) * u128::from(percent)).div_ceil(100);
    let mut seen = 0;
    let mut below = 0.0;
    for (bound, count) in &histogram.buckets {
        seen += u128::from(*count);
        if seen >= wanted {
            return Some((below, *bound));
        }
        below = *bound;
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "a mean is no exact number")]
fn to_float(count: u64) -> f64 {
    count as f64
}

/// Units in braces say what is counted: that is in the name already.
fn write_unit(unit: &str, out: &mut String) {
    if !unit.is_empty() && unit != "1" && !unit.starts_with('{') {
        out.push(' ');
        write_harmless(if unit == "By" { "B" } else { unit }.as_bytes(), out);
    }
}
