//! Accounts: where every event went. Nothing is lost in silence.
//!
//! Each component keeps one and must be able to show it at any moment:
//!
//! ```text
//! probe       seen = filtered + lost by reason + in ring + received
//! processor   in + made = out + dropped by reason + held
//! exporter    accepted = delivered + dropped by reason + queued
//! ```

mod accounts;
mod line;

pub use accounts::{Accountable, Accounts};
pub use line::{
    Account, ByReason, ExporterAccount, ProbeAccount, ProcessorAccount, QUEUE_FULL, RING_FULL,
};
