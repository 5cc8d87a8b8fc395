//! The graph at work, and the change from one graph to another.
//!
//! A component whose identity is the same in both goes on without a break: an
//! exporter keeps its queue, a receiver is pointed to the new pipelines between
//! two batches. Pipelines are made anew. The old ones end as they always do,
//! when their input is closed; the new ones wait for that, so that what one
//! receiver sent stays in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::latch::{Held, Over, latch};
use super::output::{LANE_BATCHES, Output, Switchboard};
use super::stage::Stage;
use super::task::PipelineTask;
use super::topology::{Ended, Identity, NewExporter, Pipeline, Slot, Topology};
use super::work::{Post, Work};
use crate::account::Accounts;
use crate::component::{ComponentError, Processor, Receiver, Stop, StopSource};
use crate::queue::{QueueOpener, QueueWriter, queue};
use crate::signal::Signal;

/// How long what is given up may take to let go.
const LETTING_GO: Duration = Duration::from_secs(1);

/// A graph at work. Dropping it ends everything at once.
#[derive(Debug, Default)]
pub struct Running {
    tasks: JoinSet<Option<(u64, Ended)>>,
    receivers: Vec<Live<Inlet>>,
    exporters: Vec<Live<QueueOpener>>,
    /// Exporters that were left out, as long as they hold something or pipelines write to them.
    left_out: Vec<QueueOpener>,
    /// Ends with the pipelines of this graph.
    pipelines: Option<Over>,
    /// How many components there have been: tells them apart.
    count: u64,
}

/// A component of the graph that runs; it may have ended by itself.
#[derive(Debug)]
struct Live<H> {
    identity: Identity,
    number: u64,
    /// What the rest of the graph holds on to it by.
    handle: H,
    over: Over,
    give_up: StopSource,
}

/// A receiver as the graph holds it.
#[derive(Debug)]
struct Inlet {
    board: Switchboard,
    stop: StopSource,
}

/// Why a graph was not changed.
#[derive(Debug)]
pub enum SwitchError {
    /// A component could not start: all is as it was.
    Refused(Ended),
    /// A component could not start after the one whose place it takes had
    /// ended. The new graph runs without it.
    Broken(Ended),
}

/// Tells how a component started that had to wait for others to end.
type Late = oneshot::Receiver<Result<(), Ended>>;

impl Topology {
    /// Starts everything.
    ///
    /// # Errors
    /// The component that could not start; nothing runs then.
    pub async fn start(self) -> Result<Running, Ended> {
        let mut running = Running::default();
        match running.switch(self, Duration::ZERO).await {
            Ok(()) => Ok(running),
            Err(SwitchError::Refused(ended) | SwitchError::Broken(ended)) => Err(ended),
        }
    }
}

impl Running {
    /// Whether a receiver with this identity runs.
    #[must_use]
    pub fn has_receiver(&self, identity: &Identity) -> bool {
        self.receivers.iter().any(|live| live.identity == *identity)
    }

    /// Whether an exporter with this identity runs.
    #[must_use]
    pub fn has_exporter(&self, identity: &Identity) -> bool {
        self.exporters.iter().any(|live| live.identity == *identity)
    }

    /// Changes to the graph `next`. What is new starts first; then the receivers
    /// that are left out end; then the pipelines change. What wants the same
    /// thing as one that is left out starts when that one has ended, for which
    /// it has `grace`.
    ///
    /// # Errors
    /// The component that could not start.
    pub async fn switch(&mut self, mut next: Topology, grace: Duration) -> Result<(), SwitchError> {
        self.find_collisions(&mut next);
        next.start_free().await.map_err(SwitchError::Refused)?;
        // A pipeline that ends with its receivers is not to end the exporters that stay.
        let _open = self.writers_of_kept(&next);
        let kept = next
            .receivers
            .iter()
            .filter(|slot| slot.component.is_none());
        let kept = kept.map(|slot| slot.identity.clone()).collect();
        self.end_all_but(kept, grace).await;
        for late in self.commit(next, grace) {
            // A task that is gone has been given up: that is told elsewhere.
            late.await.unwrap_or(Ok(())).map_err(SwitchError::Broken)?;
        }
        Ok(())
    }

    /// Asks the receivers to stop; the rest follows by itself.
    pub fn stop(&self) {
        self.receivers
            .iter()
            .for_each(|live| live.handle.stop.request());
    }

    /// Waits for the next component to end; `None` when all have. Dropping the
    /// future loses nothing.
    pub async fn next_ended(&mut self) -> Option<Ended> {
        loop {
            match self.tasks.join_next().await? {
                Ok(Some((number, ended))) => {
                    let is_retired = !self.is_live(number);
                    self.left_out.retain(QueueOpener::is_in_use);
                    return Some(Ended {
                        is_retired,
                        ..ended
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    let message = format!("a component broke down: {error}");
                    return Some(Ended {
                        id: "runtime".into(),
                        result: Err(ComponentError::failed(message)),
                        is_retired: false,
                    });
                }
            }
        }
    }

    /// Ends everything at once; what is held is counted as dropped.
    pub async fn give_up(mut self) {
        let let_go = async {
            self.tasks.shutdown().await;
            // Requests on their way are tasks of their own, which end a moment later.
            let exporters = self.exporters.iter().map(|live| &live.handle);
            for exporter in exporters.chain(&self.left_out) {
                exporter.settled().await;
            }
        };
        if timeout(LETTING_GO, let_go).await.is_err() {
            tracing::debug!("a component blocks its thread and is left behind");
        }
    }

    fn is_live(&self, number: u64) -> bool {
        let receivers = self.receivers.iter().map(|live| live.number);
        let exporters = self.exporters.iter().map(|live| live.number);
        receivers.chain(exporters).any(|live| live == number)
    }

    /// Lets what is new wait for those left out that want the same thing.
    fn find_collisions(&self, next: &mut Topology) {
        let left_out: Vec<_> = self
            .receivers
            .iter()
            .filter(|live| !is_kept(&next.receivers, &live.identity))
            .map(|live| (&live.identity, &live.over))
            .chain(
                self.exporters
                    .iter()
                    .filter(|live| !is_kept(&next.exporters, &live.identity))
                    .map(|live| (&live.identity, &live.over)),
            )
            .collect();
        next.receivers
            .iter_mut()
            .for_each(|slot| slot.wait_for(&left_out));
        next.exporters
            .iter_mut()
            .for_each(|slot| slot.wait_for(&left_out));
    }

    fn writers_of_kept(&self, next: &Topology) -> Vec<QueueWriter> {
        self.exporters
            .iter()
            .filter(|live| is_kept(&next.exporters, &live.identity))
            .map(|live| live.handle.writer())
            .collect()
    }

    /// Ends the receivers that are not `kept`; those go on meanwhile.
    async fn end_all_but(&mut self, kept: Vec<Identity>, grace: Duration) {
        let is_left_out = |live: &&mut Live<Inlet>| !kept.contains(&live.identity);
        let left_out: Vec<_> = self.receivers.iter_mut().filter(is_left_out).collect();
        left_out.iter().for_each(|live| live.handle.stop.request());
        for live in left_out {
            if timeout(grace, live.over.wait()).await.is_err() {
                live.handle.board.point_to(Vec::new());
                live.give_up.request();
            }
        }
    }

    /// The change itself; nothing in it waits.
    fn commit(&mut self, next: Topology, grace: Duration) -> Vec<Late> {
        let Topology {
            receivers,
            exporters,
            pipelines,
            accounts,
        } = next;
        let mut late = Vec::new();
        let left_out = std::mem::take(&mut self.exporters);
        let (writers, left_out) = self.place_exporters(exporters, left_out, &accounts, &mut late);
        let mut lanes = vec![Vec::new(); receivers.len()];
        self.start_pipelines(pipelines, &writers, &accounts, &mut lanes);
        self.place_receivers(receivers.into_iter().zip(lanes), &mut late);
        let handles = left_out.iter().map(|live| live.handle.clone());
        self.left_out.extend(handles);
        self.tasks.spawn(see_off(left_out, grace));
        late
    }

    /// Puts exporters behind queues; gives a writer for each, and those that
    /// have no place any more.
    fn place_exporters(
        &mut self,
        slots: Vec<Slot<NewExporter>>,
        mut before: Vec<Live<QueueOpener>>,
        accounts: &Accounts,
        late: &mut Vec<Late>,
    ) -> (Vec<Option<QueueWriter>>, Vec<Live<QueueOpener>>) {
        let mut writers = Vec::new();
        for slot in slots {
            let Some(exporter) = slot.component else {
                let at = before
                    .iter()
                    .position(|live| live.identity == slot.identity);
                let live = at.map(|at| before.swap_remove(at));
                writers.push(live.as_ref().map(|live| live.handle.writer()));
                self.exporters.extend(live);
                continue;
            };
            let NewExporter {
                component,
                limits,
                carries,
            } = exporter;
            let (writer, reader, account) = queue(&slot.identity.id, limits, carries);
            accounts.register(account);
            let opener = writer.opener();
            writers.push(Some(writer));
            let (post, live) = self.post(slot.identity, opener, slot.after, late);
            self.exporters.push(live);
            self.tasks.spawn(post.fill(Work::Export(component, reader)));
        }
        (writers, before)
    }

    /// Starts pipelines once those before them have ended, and adds their
    /// entrances to the `lanes` of their receivers.
    fn start_pipelines(
        &mut self,
        pipelines: Vec<Pipeline>,
        writers: &[Option<QueueWriter>],
        accounts: &Accounts,
        lanes: &mut [Vec<mpsc::Sender<Signal>>],
    ) {
        let (held, over) = latch();
        let before = self.pipelines.replace(over);
        for pipeline in pipelines {
            let (sender, input) = mpsc::channel(LANE_BATCHES);
            let indices = pipeline.receivers.iter().map(|receiver| receiver.0);
            indices.for_each(|index| {
                lanes
                    .get_mut(index)
                    .into_iter()
                    .for_each(|lanes| lanes.push(sender.clone()));
            });
            let queues = pipeline.exporters.iter();
            let queues = queues.filter_map(|index| writers.get(index.0)?.clone());
            let queues = queues.collect();
            let task = PipelineTask::new(input, stages(pipeline.processors, accounts), queues);
            self.tasks
                .spawn(run_after(before.clone(), task, held.clone()));
        }
    }

    /// Points receivers to their lanes, and lets the new ones run.
    fn place_receivers(
        &mut self,
        slots: impl Iterator<Item = (Slot<Box<dyn Receiver>>, Vec<mpsc::Sender<Signal>>)>,
        late: &mut Vec<Late>,
    ) {
        let mut before = std::mem::take(&mut self.receivers);
        for (slot, lanes) in slots {
            let Some(receiver) = slot.component else {
                let at = before
                    .iter()
                    .position(|live| live.identity == slot.identity);
                let live = at.map(|at| before.swap_remove(at));
                live.iter()
                    .for_each(|live| live.handle.board.point_to(lanes.clone()));
                self.receivers.extend(live);
                continue;
            };
            let (output, board) = Output::new(lanes);
            let (source, stop) = Stop::new();
            let inlet = Inlet {
                board,
                stop: source,
            };
            let (post, live) = self.post(slot.identity, inlet, slot.after, late);
            self.receivers.push(live);
            self.tasks
                .spawn(post.fill(Work::Receive(receiver, output, stop)));
        }
    }

    /// What a component's task has and what the graph keeps of it.
    fn post<H>(
        &mut self,
        identity: Identity,
        handle: H,
        after: Vec<Over>,
        late: &mut Vec<Late>,
    ) -> (Post, Live<H>) {
        let (held, over) = latch();
        let (give_up, given_up) = Stop::new();
        let mut started = None;
        if !after.is_empty() {
            let (sender, receiver) = oneshot::channel();
            late.push(receiver);
            started = Some(sender);
        }
        self.count += 1;
        let post = Post {
            number: self.count,
            identity: identity.clone(),
            after,
            started,
            given_up,
            held,
        };
        let live = Live {
            identity,
            number: self.count,
            handle,
            over,
            give_up,
        };
        (post, live)
    }
}

impl<C> Slot<C> {
    fn wait_for(&mut self, left_out: &[(&Identity, &Over)]) {
        if self.component.is_some() {
            let colliding = left_out
                .iter()
                .filter(|(identity, _)| self.identity.collides(identity));
            self.after = colliding.map(|(_, over)| (*over).clone()).collect();
        }
    }
}

fn stages(processors: Vec<(Arc<str>, Box<dyn Processor>)>, accounts: &Accounts) -> Vec<Stage> {
    let stage = |(id, processor): (Arc<str>, Box<dyn Processor>)| {
        let (stage, account) = Stage::new(&id, processor);
        accounts.register(account);
        stage
    };
    processors.into_iter().map(stage).collect()
}

async fn run_after(before: Option<Over>, task: PipelineTask, held: Held) -> Option<(u64, Ended)> {
    if let Some(mut before) = before {
        before.wait().await;
    }
    task.run().await;
    drop(held);
    None
}

fn is_kept<C>(slots: &[Slot<C>], identity: &Identity) -> bool {
    slots
        .iter()
        .any(|slot| slot.component.is_none() && slot.identity == *identity)
}

/// Waits until exporters that are left out have got rid of what they hold, and
/// gives them up if that takes too long.
async fn see_off(left_out: Vec<Live<QueueOpener>>, grace: Duration) -> Option<(u64, Ended)> {
    let (mut overs, give_ups): (Vec<_>, Vec<_>) = left_out
        .into_iter()
        .map(|live| (live.over, live.give_up))
        .unzip();
    let all = async {
        for over in &mut overs {
            over.wait().await;
        }
    };
    if timeout(grace, all).await.is_err() {
        give_ups.iter().for_each(StopSource::request);
    }
    None
}
