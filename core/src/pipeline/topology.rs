//! The graph before it runs.

use std::sync::Arc;

use super::latch::Over;
use crate::account::Accounts;
use crate::build::QueueLimits;
use crate::component::{ComponentError, Exporter, Processor, Receiver};
use crate::config::claims_collide;
use crate::signal::Carries;

/// Receivers, pipelines and exporters that are to run.
#[derive(Default)]
pub struct Topology {
    pub(super) receivers: Vec<Slot<Box<dyn Receiver>>>,
    pub(super) exporters: Vec<Slot<NewExporter>>,
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) accounts: Accounts,
}

/// Which component it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name in the configuration.
    pub id: Arc<str>,
    /// What its settings come to: with the same ones it is the same component.
    pub fingerprint: u64,
    /// What nobody else may use at the same time.
    pub claims: Vec<String>,
}

/// A place in the graph: for a new component, or for the one that runs already.
pub(super) struct Slot<C> {
    pub(super) identity: Identity,
    pub(super) component: Option<C>,
    /// Those that run and have to end before this one can start.
    pub(super) after: Vec<Over>,
}

pub(super) struct NewExporter {
    pub(super) component: Box<dyn Exporter>,
    pub(super) limits: QueueLimits,
    pub(super) carries: Carries,
}

/// A receiver of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverIndex(pub(super) usize);

/// An exporter of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExporterIndex(pub(super) usize);

/// A pipeline to be added.
#[derive(Default)]
pub struct Pipeline {
    /// Where its signals come from.
    pub receivers: Vec<ReceiverIndex>,
    /// What happens to them, in this order, each with its name.
    pub processors: Vec<(Arc<str>, Box<dyn Processor>)>,
    /// Where they go.
    pub exporters: Vec<ExporterIndex>,
}

/// A component that has ended, and how.
#[derive(Debug)]
pub struct Ended {
    /// Its name in the configuration.
    pub id: Arc<str>,
    /// How it ended.
    pub result: Result<(), ComponentError>,
    /// Whether another graph runs by now, without it.
    pub is_retired: bool,
}

impl Topology {
    /// An empty topology whose components keep their accounts in `accounts`.
    #[must_use]
    pub fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            ..Self::default()
        }
    }

    /// Adds a receiver.
    pub fn add_receiver(
        &mut self,
        identity: Identity,
        component: Box<dyn Receiver>,
    ) -> ReceiverIndex {
        self.receivers.push(Slot::new(identity, Some(component)));
        ReceiverIndex(self.receivers.len() - 1)
    }

    /// Adds the receiver that runs already.
    pub fn keep_receiver(&mut self, identity: Identity) -> ReceiverIndex {
        self.receivers.push(Slot::new(identity, None));
        ReceiverIndex(self.receivers.len() - 1)
    }

    /// Adds an exporter behind its queue.
    pub fn add_exporter(
        &mut self,
        identity: Identity,
        component: Box<dyn Exporter>,
        limits: QueueLimits,
        carries: Carries,
    ) -> ExporterIndex {
        let exporter = NewExporter {
            component,
            limits,
            carries,
        };
        self.exporters.push(Slot::new(identity, Some(exporter)));
        ExporterIndex(self.exporters.len() - 1)
    }

    /// Adds the exporter that runs already, with its queue and what is in it.
    pub fn keep_exporter(&mut self, identity: Identity) -> ExporterIndex {
        self.exporters.push(Slot::new(identity, None));
        ExporterIndex(self.exporters.len() - 1)
    }

    /// Adds a pipeline.
    pub fn add_pipeline(&mut self, pipeline: Pipeline) {
        self.pipelines.push(pipeline);
    }

    /// Starts what can start beside everything that runs: exporters first, then
    /// receivers, so that whatever a receiver sees has a place to go.
    pub(super) async fn start_free(&mut self) -> Result<(), Ended> {
        for slot in self
            .exporters
            .iter_mut()
            .filter(|slot| slot.after.is_empty())
        {
            if let Some(exporter) = &mut slot.component {
                let result = exporter.component.start().await;
                slot.identity.started(result)?;
            }
        }
        for slot in self
            .receivers
            .iter_mut()
            .filter(|slot| slot.after.is_empty())
        {
            if let Some(receiver) = &mut slot.component {
                let result = receiver.start().await;
                slot.identity.started(result)?;
            }
        }
        Ok(())
    }
}

impl Identity {
    /// Whether both want the same thing for themselves.
    pub(super) fn collides(&self, other: &Self) -> bool {
        let mut pairs = self
            .claims
            .iter()
            .flat_map(|own| other.claims.iter().map(move |claim| (own, claim)));
        pairs.any(|(own, claim)| claims_collide(own, claim))
    }

    pub(super) fn started(&self, result: Result<(), ComponentError>) -> Result<(), Ended> {
        result.map_err(|error| Ended {
            id: Arc::clone(&self.id),
            result: Err(error),
            is_retired: false,
        })
    }
}

impl<C> Slot<C> {
    fn new(identity: Identity, component: Option<C>) -> Self {
        Self {
            identity,
            component,
            after: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Topology {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let receivers: Vec<_> = self.receivers.iter().map(|slot| &slot.identity).collect();
        let exporters: Vec<_> = self.exporters.iter().map(|slot| &slot.identity).collect();
        f.debug_struct("Topology")
            .field("receivers", &receivers)
            .field("exporters", &exporters)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}
