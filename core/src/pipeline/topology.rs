//! The graph: built, started, running, ended.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::output::{LANE_BATCHES, Output};
use super::stage::Stage;
use crate::account::Accounts;
use crate::build::QueueLimits;
use crate::component::{ComponentError, Exporter, Processor, Receiver, Stop, StopSource};
use crate::queue::{QueueReader, QueueWriter, queue};
use crate::signal::{Carries, Signal};
use crate::time::WallNanos;

/// How often processors are ticked.
const TICK: Duration = Duration::from_millis(100);

/// Receivers, pipelines and exporters before they run.
#[derive(Default)]
pub struct Topology {
    receivers: Vec<Part<Box<dyn Receiver>>>,
    exporters: Vec<Part<(Box<dyn Exporter>, QueueReader)>>,
    writers: Vec<QueueWriter>,
    pipelines: Vec<PipelineTask>,
    lanes: Vec<(ReceiverIndex, mpsc::Sender<Signal>)>,
    accounts: Accounts,
}

struct Part<C> {
    id: Arc<str>,
    component: C,
}

/// A receiver of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverIndex(usize);

/// An exporter of the topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExporterIndex(usize);

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

struct PipelineTask {
    input: mpsc::Receiver<Signal>,
    stages: Vec<Stage>,
    queues: Vec<QueueWriter>,
}

/// A component that has ended, and how.
#[derive(Debug)]
pub struct Ended {
    /// Its name in the configuration.
    pub id: Arc<str>,
    /// How it ended.
    pub result: Result<(), ComponentError>,
}

/// A topology at work. Dropping it ends everything at once.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<Option<Ended>>,
    stop: Arc<StopSource>,
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
    pub fn add_receiver(&mut self, id: &Arc<str>, component: Box<dyn Receiver>) -> ReceiverIndex {
        self.receivers.push(Part {
            id: Arc::clone(id),
            component,
        });
        ReceiverIndex(self.receivers.len() - 1)
    }

    /// Adds an exporter behind its queue.
    pub fn add_exporter(
        &mut self,
        id: &Arc<str>,
        component: Box<dyn Exporter>,
        limits: QueueLimits,
        carries: Carries,
    ) -> ExporterIndex {
        let (writer, reader, account) = queue(id, limits, carries);
        self.accounts.register(account);
        self.writers.push(writer);
        self.exporters.push(Part {
            id: Arc::clone(id),
            component: (component, reader),
        });
        ExporterIndex(self.exporters.len() - 1)
    }

    /// Adds a pipeline.
    pub fn add_pipeline(&mut self, pipeline: Pipeline) {
        let (sender, input) = mpsc::channel(LANE_BATCHES);
        self.lanes.extend(
            pipeline
                .receivers
                .iter()
                .map(|receiver| (*receiver, sender.clone())),
        );
        let mut stages = Vec::new();
        for (id, processor) in pipeline.processors {
            let (stage, account) = Stage::new(&id, processor);
            self.accounts.register(account);
            stages.push(stage);
        }
        let writer = |index: &ExporterIndex| self.writers.get(index.0).cloned();
        let queues = pipeline.exporters.iter().filter_map(writer).collect();
        self.pipelines.push(PipelineTask {
            input,
            stages,
            queues,
        });
    }

    /// Starts everything: exporters first, then receivers, so that whatever a
    /// receiver sees has a place to go.
    ///
    /// # Errors
    /// The component that could not start; nothing runs then.
    pub async fn start(mut self) -> Result<Running, Ended> {
        let failed = |id: &Arc<str>, error| Ended {
            id: Arc::clone(id),
            result: Err(error),
        };
        for part in &mut self.exporters {
            part.component
                .0
                .start()
                .await
                .map_err(|error| failed(&part.id, error))?;
        }
        for part in &mut self.receivers {
            part.component
                .start()
                .await
                .map_err(|error| failed(&part.id, error))?;
        }
        let (source, stop) = Stop::new();
        let mut tasks = JoinSet::new();
        for Part {
            id,
            component: (exporter, queue),
        } in self.exporters
        {
            tasks.spawn(async move {
                Some(Ended {
                    id,
                    result: exporter.run(queue).await,
                })
            });
        }
        for pipeline in self.pipelines {
            tasks.spawn(async move {
                pipeline.run().await;
                None
            });
        }
        for (index, Part { id, component }) in self.receivers.into_iter().enumerate() {
            let own = self
                .lanes
                .iter()
                .filter(|(receiver, _)| receiver.0 == index);
            let output = Output::new(own.map(|(_, lane)| lane.clone()).collect());
            let stop = stop.clone();
            tasks.spawn(async move {
                Some(Ended {
                    id,
                    result: component.run(output, stop).await,
                })
            });
        }
        // `self.lanes` and `self.writers` end here: only those who use an end keep it open.
        Ok(Running {
            tasks,
            stop: Arc::new(source),
        })
    }
}

impl Running {
    /// Asks the receivers to stop; the rest follows by itself.
    pub fn stop(&self) {
        self.stop.request();
    }

    /// What asks the receivers to stop, for somebody else.
    #[must_use]
    pub fn stopper(&self) -> Arc<StopSource> {
        Arc::clone(&self.stop)
    }

    /// Waits for the next component to end; `None` when all have. Dropping the
    /// future loses nothing.
    pub async fn next_ended(&mut self) -> Option<Ended> {
        loop {
            match self.tasks.join_next().await? {
                Ok(Some(ended)) => return Some(ended),
                Ok(None) => {}
                Err(error) => {
                    let message = format!("a component broke down: {error}");
                    return Some(Ended {
                        id: "runtime".into(),
                        result: Err(ComponentError::failed(message)),
                    });
                }
            }
        }
    }
}

impl PipelineTask {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ticked = !self.stages.is_empty();
        loop {
            let signals = tokio::select! {
                biased;
                signal = self.input.recv() => match signal {
                    Some(signal) => self.process_from(0, vec![signal]),
                    None => break,
                },
                _ = ticks.tick(), if ticked => self.tick(),
            };
            deliver(&self.queues, signals).await;
        }
        let rest = self.finish();
        deliver(&self.queues, rest).await;
    }

    /// Sends `signals` through the stages from `first` on.
    fn process_from(&mut self, first: usize, mut signals: Vec<Signal>) -> Vec<Signal> {
        for stage in self.stages.iter_mut().skip(first) {
            signals = signals
                .into_iter()
                .flat_map(|signal| stage.process(signal))
                .collect();
        }
        signals
    }

    fn tick(&mut self) -> Vec<Signal> {
        let now = wall_clock();
        self.each_stage(|stage| stage.tick(now))
    }

    fn finish(&mut self) -> Vec<Signal> {
        self.each_stage(Stage::finish)
    }

    /// Lets every stage emit by itself; what it emits goes through those behind
    /// it.
    fn each_stage(&mut self, mut emit: impl FnMut(&mut Stage) -> Vec<Signal>) -> Vec<Signal> {
        let mut out = Vec::new();
        for index in 0..self.stages.len() {
            let Some(stage) = self.stages.get_mut(index) else {
                break;
            };
            let emitted = emit(stage);
            out.extend(self.process_from(index + 1, emitted));
        }
        out
    }
}

async fn deliver(queues: &[QueueWriter], signals: Vec<Signal>) {
    for signal in signals.into_iter().map(Arc::new) {
        for queue in queues {
            queue.push(&signal).await;
        }
    }
}

fn wall_clock() -> WallNanos {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}

impl std::fmt::Debug for Topology {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let receivers: Vec<_> = self.receivers.iter().map(|part| &part.id).collect();
        let exporters: Vec<_> = self.exporters.iter().map(|part| &part.id).collect();
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
