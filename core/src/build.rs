//! From settings to components: what the wiring calls, one trait a kind.
//!
//! A component's settings are a plain serde struct ([`Settings`]); they become
//! the component by one of these traits. The tables of known components are
//! slices of [`Factory`](crate::config::Factory) rows, one a component.

use std::marker::PhantomData;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::Accounts;
use crate::component::{Exporter, Host, Processor, Receiver, Reopen};
use crate::config::{BoxedAs, ByteSize, ConfigErrors, Settings};
use crate::expression::Vocabulary;
use crate::findings::ProbeFindings;
use crate::queue::WhenFull;
use crate::signal::Carries;

/// What every component gets when it is built.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// The component's name in the configuration, such as `ebpf/files`.
    pub id: Arc<str>,
    /// The machine.
    pub host: Arc<Host>,
    /// Where accounts are kept; a component with one of its own adds it.
    pub accounts: Accounts,
    /// Whether exporters that are asked for metrics show the program's own too.
    pub own_metrics: bool,
    /// When files are to be opened anew.
    pub reopen: Reopen,
}

/// Settings of a receiver.
pub trait BuildReceiver: Send {
    /// Makes the receiver. Nothing is loaded, opened or bound yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Receiver>, ConfigErrors>;

    /// What its events may be called and have; `None` where only the events
    /// themselves tell.
    fn vocabulary(&self) -> Option<Vocabulary> {
        None
    }

    /// What each of its probes needs of this kernel and gets: `doctor` asks.
    /// None for a receiver without probes.
    fn examine(&self) -> Vec<ProbeFindings> {
        Vec::new()
    }
}

/// Settings of a processor.
pub trait BuildProcessor: Send {
    /// Makes the processor; called once for every pipeline that names it.
    ///
    /// # Errors
    /// What is wrong with the settings.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Processor>, ConfigErrors>;

    /// The conditions in its settings, by their keys.
    fn conditions(&self) -> Vec<(&'static str, &str)> {
        Vec::new()
    }
}

/// Settings of an exporter.
pub trait BuildExporter: Send {
    /// Makes the exporter. Nothing is opened or bound yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors>;

    /// The queue in front of it.
    fn queue(&self) -> QueueLimits;

    /// What it can express.
    fn carries(&self) -> Carries;
}

/// Where an exporter's items go.
pub trait Destination {
    /// What happens by default when too many wait.
    const WHEN_FULL: WhenFull;
}

/// Files or the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Local;

/// A peer, which may be away for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Peer;

impl Destination for Local {
    const WHEN_FULL: WhenFull = WhenFull::Block;
}

impl Destination for Peer {
    const WHEN_FULL: WhenFull = WhenFull::DropOldest;
}

/// How much may wait for an exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "{D}Queue")]
pub struct QueueSettings<D: Destination> {
    /// Bytes of events and points that may wait or be on their way. Default
    /// 64MiB.
    #[serde(default = "max_bytes")]
    pub max_bytes: ByteSize,
    /// What happens when they are more: `block` holds up the whole pipeline,
    /// `drop_oldest` and `drop_newest` drop and count. Default `block` for
    /// exporters that write to files or the terminal, `drop_oldest` for those
    /// with a peer.
    #[serde(default = "when_full::<D>")]
    pub when_full: WhenFull,
    #[serde(skip)]
    destination: PhantomData<D>,
}

const fn max_bytes() -> ByteSize {
    ByteSize::mib(64)
}

const fn when_full<D: Destination>() -> WhenFull {
    D::WHEN_FULL
}

/// The queue of an exporter that writes to files or the terminal.
pub type LocalQueue = QueueSettings<Local>;
/// The queue of an exporter with a peer.
pub type PeerQueue = QueueSettings<Peer>;

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Bytes that may wait or be on their way.
    pub max_bytes: usize,
    /// What happens when they are more.
    pub when_full: WhenFull,
}

impl<D: Destination> Default for QueueSettings<D> {
    fn default() -> Self {
        Self {
            max_bytes: max_bytes(),
            when_full: D::WHEN_FULL,
            destination: PhantomData,
        }
    }
}

impl<D: Destination> QueueSettings<D> {
    /// The limits.
    #[must_use]
    pub fn limits(self) -> QueueLimits {
        QueueLimits {
            max_bytes: usize::try_from(self.max_bytes.0).unwrap_or(usize::MAX),
            when_full: self.when_full,
        }
    }
}

impl<C: Settings + BuildReceiver> BoxedAs<dyn BuildReceiver> for C {
    fn boxed(self) -> Box<dyn BuildReceiver> {
        Box::new(self)
    }
}

impl<C: Settings + BuildProcessor> BoxedAs<dyn BuildProcessor> for C {
    fn boxed(self) -> Box<dyn BuildProcessor> {
        Box::new(self)
    }
}

impl<C: Settings + BuildExporter> BoxedAs<dyn BuildExporter> for C {
    fn boxed(self) -> Box<dyn BuildExporter> {
        Box::new(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LocalQueue, PeerQueue};

    /// What is not written is shown with the default of its kind of exporter.
    #[test]
    fn queues_show_their_defaults() {
        let written = json!({ "max_bytes": "1MiB" });
        let local: LocalQueue = serde_json::from_value(written.clone()).unwrap();
        let shown = json!({ "max_bytes": "1MiB", "when_full": "block" });
        assert_eq!(serde_json::to_value(local).unwrap(), shown);
        let peer: PeerQueue = serde_json::from_value(written).unwrap();
        let shown = json!({ "max_bytes": "1MiB", "when_full": "drop_oldest" });
        assert_eq!(serde_json::to_value(peer).unwrap(), shown);
    }
}
