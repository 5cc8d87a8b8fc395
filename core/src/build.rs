//! From settings to components: what the wiring calls, one trait a kind.
//!
//! A component's settings are a plain serde struct ([`Settings`]); they become
//! the component by one of these traits. The tables of known components are
//! slices of [`Factory`](crate::config::Factory) rows, one a component.

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

    /// The attributes that its events may have; `None` where only the events
    /// themselves tell.
    fn attributes(&self) -> Option<Vocabulary> {
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

/// An exporter's `queue:` as it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSettings {
    /// Bytes of events and points that may wait or be on their way. Default
    /// 64MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<ByteSize>,
    /// What happens when they are more: `block` holds up the whole pipeline,
    /// `drop_oldest` and `drop_newest` drop and count. Default `block` for
    /// exporters that write to files or the terminal, `drop_oldest` for those
    /// with a peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when_full: Option<WhenFull>,
}

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Bytes that may wait or be on their way.
    pub max_bytes: usize,
    /// What happens when they are more.
    pub when_full: WhenFull,
}

impl QueueSettings {
    const DEFAULT_MAX_BYTES: u64 = 64 << 20;

    /// The limits, with `when_full` for what is not configured.
    #[must_use]
    pub fn limits(self, when_full: WhenFull) -> QueueLimits {
        let max_bytes = self
            .max_bytes
            .map_or(Self::DEFAULT_MAX_BYTES, |bytes| bytes.0);
        QueueLimits {
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            when_full: self.when_full.unwrap_or(when_full),
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
