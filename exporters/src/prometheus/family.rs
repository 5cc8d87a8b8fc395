//! What a page is made of: families of series, whatever form they are written in.

use eunomia_core::metric::MetricKind;
use eunomia_core::time::WallNanos;

use super::labels::Labels;
use super::name::Scale;

/// What a family's series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
    /// Labels about the target, with the value 1.
    Info,
}

impl From<MetricKind> for Type {
    fn from(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Counter => Self::Counter,
            MetricKind::Gauge => Self::Gauge,
            MetricKind::Histogram => Self::Histogram,
        }
    }
}

impl Type {
    /// The family of samples called `name` in `OpenMetrics`, where those of counters
    /// and infos have a suffix that the family has not.
    pub(super) fn family_name(self, name: &str) -> &str {
        let suffix = match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge | Self::Histogram => "",
        };
        let family = name.strip_suffix(suffix);
        family.filter(|family| !family.is_empty()).unwrap_or(name)
    }

    /// What else on the page must not be called like a metric of this `name`: its
    /// family and all samples that the family may have, in any format.
    pub(super) fn names(self, name: &str) -> impl Iterator<Item = String> {
        let family = self.family_name(name);
        let suffixes: &[&str] = match self {
            Self::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
            Self::Counter if family != name => &["", "_total", "_created"],
            Self::Info if family != name => &["", "_info"],
            Self::Counter | Self::Gauge | Self::Info => &[""],
        };
        suffixes
            .iter()
            .map(move |suffix| format!("{family}{suffix}"))
    }
}

/// What all series of a family have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// Its name, with `_total` where it is a counter and the strategy adds it.
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    /// The word of its unit, where the name has it; else empty.
    pub(super) unit: &'a str,
    pub(super) kind: Type,
}

/// A value as it is printed: integers stay exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Uint(u64),
    Int(i64),
    Float(f64),
}

/// The value of a series, kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sample {
    Number(Number),
    Distribution(Distribution),
}

/// The value of a series, shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(Number),
    Distribution(&'a Distribution),
}

/// A histogram; the buckets count what is in them alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    /// Upper bounds, inclusive, in the metric's own unit.
    pub(super) buckets: Vec<(f64, u64)>,
    /// In the metric's own unit; where it was not kept there is none.
    pub(super) sum: Option<f64>,
    pub(super) count: u64,
    /// The way to the unit that is shown.
    pub(super) scale: Scale,
}

/// One series of a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub(super) labels: &'a Labels,
    pub(super) value: Value<'a>,
    /// Since when it counts, where that is known.
    pub(super) start: Option<WallNanos>,
}

/// Takes a page family by family.
pub(super) trait Sink {
    /// Takes a family; one without series is as good as none.
    fn family<'a>(&mut self, head: &Head<'a>, series: &mut dyn Iterator<Item = Series<'a>>);
}

impl Number {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Uint(a), Self::Uint(b)) => Self::Uint(a.saturating_add(b)),
            (Self::Int(a), Self::Int(b)) => Self::Int(a.saturating_add(b)),
            (a, b) => Self::Float(a.as_float() + b.as_float()),
        }
    }

    pub(super) fn as_float(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "where it meets a float it becomes one"
        )]
        match self {
            Self::Uint(value) => value as f64,
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// The value in its base unit; an integer stays one where it is that already.
    pub(super) fn scaled(self, scale: Scale) -> Self {
        match scale {
            Scale::Same => self,
            Scale::Times(_) | Scale::Over(_) => Self::Float(scale.apply(self.as_float())),
        }
    }
}

impl Sample {
    /// Adds what has the same labels.
    pub(super) fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Number(own), Self::Number(other)) => *own = own.plus(other),
            (Self::Distribution(own), Self::Distribution(other)) => own.add(other),
            // A family has one kind of samples.
            (Self::Number(_), Self::Distribution(_)) | (Self::Distribution(_), Self::Number(_)) => {
            }
        }
    }

    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Distribution(distribution) => Value::Distribution(distribution),
        }
    }
}

impl Distribution {
    /// Upper bounds and the sum of what is up to each, in the unit that is
    /// shown; the last bound is infinite.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let finite = self.buckets.iter().filter(|(bound, _)| bound.is_finite());
        let mut below = 0u64;
        let finite = finite.map(move |(bound, count)| {
            below = below.saturating_add(*count);
            (self.scale.apply(*bound), below)
        });
        finite.chain([(f64::INFINITY, self.count)])
    }

    /// The sum in the unit that is shown.
    pub(super) fn shown_sum(&self) -> Option<f64> {
        self.sum.map(|sum| self.scale.apply(sum))
    }

    fn add(&mut self, mut other: Self) {
        if self.scale != other.scale {
            self.convert();
            other.convert();
        }
        // A sum of a part only would be a wrong one.
        self.sum = self.sum.zip(other.sum).map(|(own, other)| own + other);
        self.count = self.count.saturating_add(other.count);
        for (bound, count) in other.buckets {
            self.add_bucket(bound, count);
        }
    }

    /// Makes the unit that is shown its own.
    fn convert(&mut self) {
        for (bound, _) in &mut self.buckets {
            *bound = self.scale.apply(*bound);
        }
        self.sum = self.shown_sum();
        self.scale = Scale::Same;
    }

    fn add_bucket(&mut self, bound: f64, count: u64) {
        let found = self
            .buckets
            .binary_search_by(|(own, _)| own.total_cmp(&bound));
        match found.map(|at| self.buckets.get_mut(at)) {
            Ok(Some((_, own))) => *own = own.saturating_add(count),
            Ok(None) => {}
            Err(at) => self.buckets.insert(at, (bound, count)),
        }
    }
}
