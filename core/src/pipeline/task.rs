//! A pipeline at work: processors in order, then every exporter's queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::panicking;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::stage::Stage;
use crate::queue::QueueWriter;
use crate::signal::Signal;
use crate::time::WallNanos;

/// How often processors are ticked.
const TICK: Duration = Duration::from_millis(100);

/// A pipeline. One that is given up counts what it held as dropped, in front of
/// each exporter.
pub(super) struct PipelineTask {
    input: mpsc::Receiver<Signal>,
    stages: Vec<Stage>,
    queues: Vec<QueueWriter>,
    /// What has left the last processor; the number says which queue the first
    /// of them goes into next.
    leaving: VecDeque<Arc<Signal>>,
    next_queue: usize,
}

impl PipelineTask {
    pub(super) fn new(
        input: mpsc::Receiver<Signal>,
        stages: Vec<Stage>,
        queues: Vec<QueueWriter>,
    ) -> Self {
        Self {
            input,
            stages,
            queues,
            leaving: VecDeque::new(),
            next_queue: 0,
        }
    }

    /// Works until the input is closed and empty.
    pub(super) async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ticked = !self.stages.is_empty();
        loop {
            tokio::select! {
                // Ticks first: they are few, and input may never pause.
                biased;
                _ = ticks.tick(), if ticked => self.tick(),
                signal = self.input.recv() => match signal {
                    Some(signal) => self.process(signal),
                    None => break,
                },
            }
            self.deliver().await;
        }
        self.finish();
        self.stages.clear();
        self.deliver().await;
    }

    /// Sends a signal through all stages.
    fn process(&mut self, signal: Signal) {
        let signals = self.process_from(0, vec![signal]);
        self.leave(signals);
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

    fn tick(&mut self) {
        let now = wall_clock();
        self.each_stage(|stage| stage.tick(now));
    }

    fn finish(&mut self) {
        self.each_stage(Stage::finish);
    }

    /// Lets every stage emit by itself; what it emits goes through those behind
    /// it.
    fn each_stage(&mut self, mut emit: impl FnMut(&mut Stage) -> Vec<Signal>) {
        for index in 0..self.stages.len() {
            let Some(stage) = self.stages.get_mut(index) else {
                break;
            };
            let emitted = emit(stage);
            let signals = self.process_from(index + 1, emitted);
            self.leave(signals);
        }
    }

    fn leave(&mut self, signals: Vec<Signal>) {
        self.leaving.extend(signals.into_iter().map(Arc::new));
    }

    async fn deliver(&mut self) {
        while let Some(signal) = self.leaving.front() {
            while let Some(queue) = self.queues.get(self.next_queue) {
                // From here on the queue answers for it.
                self.next_queue += 1;
                queue.push(signal).await;
            }
            self.leaving.pop_front();
            self.next_queue = 0;
        }
    }
}

impl Drop for PipelineTask {
    fn drop(&mut self) {
        self.input.close();
        while let Ok(signal) = self.input.try_recv() {
            // A processor that has just broken down is not asked again.
            if panicking() {
                self.leave(vec![signal]);
            } else {
                self.process(signal);
            }
        }
        if !panicking() {
            self.finish();
        }
        for signal in self.leaving.drain(..) {
            for queue in self.queues.iter().skip(self.next_queue) {
                queue.give_up(&signal);
            }
            self.next_queue = 0;
        }
    }
}

fn wall_clock() -> WallNanos {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
