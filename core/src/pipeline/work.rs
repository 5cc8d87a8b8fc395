//! A component's task.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::latch::{Held, Over};
use super::output::Output;
use super::topology::{Ended, Identity};
use crate::component::{ComponentError, Exporter, Receiver, Stop};
use crate::queue::QueueReader;

/// What a component does in its task.
pub(super) enum Work {
    Receive(Box<dyn Receiver>, Output, Stop),
    Export(Box<dyn Exporter>, QueueReader),
}

/// A place for a component's work.
pub(super) struct Post {
    pub(super) number: u64,
    pub(super) identity: Identity,
    /// What has to end before the component can start; without any it has
    /// started already.
    pub(super) after: Vec<Over>,
    /// Whom to tell how a component started that had to wait.
    pub(super) started: Option<oneshot::Sender<Result<(), Ended>>>,
    pub(super) given_up: Stop,
    /// Dropped with the task.
    pub(super) held: Held,
}

impl Work {
    async fn start(&mut self) -> Result<(), ComponentError> {
        match self {
            Self::Receive(receiver, ..) => receiver.start().await,
            Self::Export(exporter, _) => exporter.start().await,
        }
    }

    async fn run(self) -> Result<(), ComponentError> {
        match self {
            Self::Receive(receiver, output, stop) => receiver.run(output, stop).await,
            Self::Export(exporter, queue) => exporter.run(queue).await,
        }
    }
}

impl Post {
    /// Does the work to its end; says how it ended, if it began.
    pub(super) async fn fill(self, work: Work) -> Option<(u64, Ended)> {
        let Self {
            number,
            identity,
            after,
            started,
            mut given_up,
            held,
        } = self;
        let id = Arc::clone(&identity.id);
        let result = tokio::select! {
            result = start_and_run(work, &identity, after, started) => result,
            () = given_up.requested() => Some(Err(ComponentError::failed(
                "was replaced, and did not get rid of what it held in time",
            ))),
        };
        drop(held);
        let is_retired = false;
        let ended = result.map(|result| Ended {
            id,
            result,
            is_retired,
        });
        Some((number, ended?))
    }
}

async fn start_and_run(
    mut work: Work,
    identity: &Identity,
    after: Vec<Over>,
    started: Option<oneshot::Sender<Result<(), Ended>>>,
) -> Option<Result<(), ComponentError>> {
    for mut over in after {
        over.wait().await;
    }
    if let Some(started) = started {
        let result = identity.started(work.start().await);
        let is_well = result.is_ok();
        // Who is not interested any more ends everything.
        started.send(result).unwrap_or_default();
        if !is_well {
            return None;
        }
    }
    Some(work.run().await)
}
