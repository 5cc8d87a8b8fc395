//! What travels through a pipeline: events or metric points.

use crate::batch::Batch;
use crate::metric::MetricBatch;

/// Events or metric points; different batches with one life cycle.
#[derive(Clone, Debug)]
pub enum Signal {
    /// Events.
    Events(Batch),
    /// Metric points.
    Metrics(MetricBatch),
}

impl Signal {
    /// How many events or points it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Events(batch) => batch.len(),
            Self::Metrics(batch) => batch.points.len(),
        }
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that it keeps busy, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Events(batch) => batch.bytes(),
            Self::Metrics(batch) => batch.bytes(),
        }
    }
}

/// Which signals an exporter can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carries {
    /// Events.
    pub events: bool,
    /// Metric points.
    pub metrics: bool,
}

impl Carries {
    /// Both.
    pub const ALL: Self = Self {
        events: true,
        metrics: true,
    };

    /// Whether `signal` is among them.
    #[must_use]
    pub fn takes(self, signal: &Signal) -> bool {
        match signal {
            Signal::Events(_) => self.events,
            Signal::Metrics(_) => self.metrics,
        }
    }
}
