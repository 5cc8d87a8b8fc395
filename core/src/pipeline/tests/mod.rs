mod switching;
mod toys;

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::toys::{
    Fed, Hold, LIMITS, Seen, Sink, add_sink, all_ended, batch, exporter_counts, identity, join,
    times,
};
use super::{Output, Pipeline, Topology};
use crate::account::{Account, Accounts};
use crate::batch::Batch;
use crate::build::QueueLimits;
use crate::component::{ComponentError, Emit, Exporter, Processor, Receiver, Stop};
use crate::queue::QueueReader;
use crate::signal::{Carries, Signal};
use crate::time::WallNanos;

/// Sends three batches, then waits for the stop and sends a last one.
struct Source;

#[async_trait]
impl Receiver for Source {
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    async fn run(self: Box<Self>, output: Output, mut stop: Stop) -> Result<(), ComponentError> {
        for events in 1..=3 {
            output.send(Signal::Events(batch(0..events))).await;
        }
        stop.requested().await;
        output.send(Signal::Events(batch(0..10))).await;
        Ok(())
    }
}

/// Drops the first event of every batch and holds the last one back.
#[derive(Default)]
struct HoldLast(Vec<Batch>);

impl Processor for HoldLast {
    fn process(&mut self, mut batch: Batch, out: &mut Emit) {
        let last = batch.len() - 1;
        let mut held = batch.clone();
        held.retain(|row| row.boot_time().0 == last as u64 && last > 0);
        batch.retain(|row| row.boot_time().0 > 0 && row.boot_time().0 < last as u64);
        out.dropped(1, "first");
        if !held.is_empty() {
            self.0.push(held);
        }
        out.emit(Signal::Events(batch));
    }

    fn tick(&mut self, _: WallNanos, out: &mut Emit) {
        self.finish(out);
    }

    fn finish(&mut self, out: &mut Emit) {
        self.0
            .drain(..)
            .for_each(|batch| out.emit(Signal::Events(batch)));
    }

    fn held(&self) -> usize {
        self.0.iter().map(Batch::len).sum()
    }
}

/// Two pipelines share a receiver; everything ends by itself once the receiver
/// is asked to stop, and every account adds up.
#[tokio::test]
async fn what_a_receiver_sends_reaches_every_pipeline() {
    let accounts = Accounts::default();
    let mut topology = Topology::new(accounts.clone());
    let receiver = topology.add_receiver(identity("source", 1, &[]), Box::new(Source));
    let seen = [Seen::default(), Seen::default()];
    for (seen, holds) in seen.iter().zip([false, true]) {
        let exporter = add_sink(&mut topology, identity("sink", 1, &[]), Sink::quick(seen));
        let hold =
            || -> (Arc<str>, Box<dyn Processor>) { ("hold".into(), Box::<HoldLast>::default()) };
        topology.add_pipeline(Pipeline {
            processors: holds.then(hold).into_iter().collect(),
            ..join(receiver, &[exporter])
        });
    }
    let mut running = topology.start().await.unwrap();
    running.stop();
    let ended = all_ended(&mut running).await;
    assert!(ended.iter().all(|one| one.result.is_ok()), "{ended:?}");
    assert_eq!(ended.len(), 3, "{ended:?}");
    assert_eq!(seen.each_ref().map(|seen| times(seen).len()), [16, 12]);
    let accounts = accounts.read();
    assert_eq!(accounts.len(), 3);
    assert!(accounts.iter().all(Account::balances), "{accounts:?}");
}

/// A pipeline without room gives the signal back instead of waiting; so does
/// one that is gone.
#[tokio::test]
async fn a_full_pipeline_gives_the_signal_back() {
    let (output, mut lane) = Output::to_channel(1);
    output.try_send(Signal::Events(batch(0..1))).unwrap();
    let super::Full(back) = output.try_send(Signal::Events(batch(0..2))).unwrap_err();
    assert_eq!(back.len(), 2);
    assert_eq!(lane.recv().await.unwrap().len(), 1);
    output.try_send(*back).unwrap();
    drop(lane);
    assert!(output.is_closed());
    assert!(output.try_send(Signal::Events(batch(0..1))).is_err());
    assert!(!output.send(Signal::Events(batch(0..1))).await);
}

/// When draining is given up, what a pipeline holds is counted: in its lane, in
/// a processor, on the way into a queue, in the queue, in the exporter's hands.
#[tokio::test]
async fn what_is_given_up_is_counted() {
    let accounts = Accounts::default();
    let mut topology = Topology::new(accounts.clone());
    let (feed, fed) = Fed::source();
    let source = topology.add_receiver(identity("source", 1, &[]), fed);
    let (never, seen) = (Arc::new(Semaphore::new(0)), Seen::default());
    let narrow = QueueLimits {
        max_bytes: 2 * batch(0..1).bytes(),
        ..LIMITS
    };
    let slow = topology.add_exporter(
        identity("slow", 1, &[]),
        Sink::slow(&seen, &never),
        narrow,
        Carries::ALL,
    );
    let fast = add_sink(&mut topology, identity("fast", 1, &[]), Sink::quick(&seen));
    topology.add_pipeline(Pipeline {
        processors: vec![("hold".into(), Box::<Hold>::default())],
        ..join(source, &[slow, fast])
    });
    let running = topology.start().await.unwrap();
    // One in the exporter's hands, two in the queue and on the way into it, one held, eight in
    // the lane; the last one finds no room there.
    for time in 0..13 {
        feed.send(time..time + 1).await.unwrap();
    }
    while feed.capacity() < feed.max_capacity() {
        tokio::task::yield_now().await;
    }
    running.give_up().await;
    let all = accounts.read();
    let processor = all.iter().find_map(|account| match account {
        Account::Processor(one) => Some((one.incoming, one.outgoing, one.held)),
        Account::Probe(_) | Account::Exporter(_) => None,
    });
    assert_eq!(processor, Some((12, 12, 0)), "{all:?}");
    assert_eq!(exporter_counts(&accounts, "slow"), (12, 0, 12));
    let (accepted, delivered, dropped) = exporter_counts(&accounts, "fast");
    assert_eq!((accepted, delivered + dropped), (12, 12));
}

/// Has each batch in the hands of a task of its own, which keeps it.
struct Scattering(Arc<AtomicU64>);

#[async_trait]
impl Exporter for Scattering {
    async fn run(self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        let mut tasks = JoinSet::new();
        while let Some(delivery) = queue.next().await {
            self.0.fetch_add(1, Ordering::Relaxed);
            tasks.spawn(async move {
                pending::<()>().await;
                delivery.delivered();
            });
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }
}

/// So is what tasks of an exporter have, which end after it.
#[tokio::test]
async fn what_tasks_of_an_exporter_have_is_counted() {
    for is_left_out in [false, true] {
        scattered_is_counted(is_left_out).await;
    }
}

/// Of an exporter that goes on, or that was left out when the graph changed.
async fn scattered_is_counted(is_left_out: bool) {
    let scattered = Arc::new(AtomicU64::new(0));
    let accounts = Accounts::default();
    let mut topology = Topology::new(accounts.clone());
    let (feed, fed) = Fed::source();
    let source = topology.add_receiver(identity("source", 1, &[]), fed);
    let exporter = add_sink(
        &mut topology,
        identity("scattering", 1, &[]),
        Box::new(Scattering(Arc::clone(&scattered))),
    );
    topology.add_pipeline(join(source, &[exporter]));
    let mut running = topology.start().await.unwrap();
    // More than the runtime ends at one go.
    for time in 0..500 {
        feed.send(time..time + 1).await.unwrap();
    }
    while scattered.load(Ordering::Relaxed) < 500 {
        tokio::task::yield_now().await;
    }
    if is_left_out {
        let next = Topology::new(accounts.clone());
        running.switch(next, Duration::from_secs(60)).await.unwrap();
    }
    running.give_up().await;
    assert_eq!(exporter_counts(&accounts, "scattering"), (500, 0, 500));
}

/// Counts its ticks.
struct Ticking(Arc<AtomicU64>);

impl Processor for Ticking {
    fn process(&mut self, batch: Batch, out: &mut Emit) {
        out.emit(Signal::Events(batch));
    }

    fn tick(&mut self, _: WallNanos, _: &mut Emit) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes 60 ms of the paused clock for each batch.
struct Tired(Arc<Mutex<u64>>);

#[async_trait]
impl Exporter for Tired {
    async fn run(self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        while let Some(delivery) = queue.next().await {
            tokio::time::advance(Duration::from_millis(60)).await;
            delivery.delivered();
            *self.0.lock().unwrap() += 1;
        }
        Ok(())
    }
}

/// Processors are ticked under input that never pauses.
#[tokio::test(start_paused = true)]
async fn ticks_do_not_wait_for_input_to_pause() {
    let mut topology = Topology::new(Accounts::default());
    let (feed, fed) = Fed::source();
    let source = topology.add_receiver(identity("source", 1, &[]), fed);
    let (ticks, delivered) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(0)));
    let narrow = QueueLimits {
        max_bytes: 1,
        ..LIMITS
    };
    let tired = Box::new(Tired(Arc::clone(&delivered)));
    let exporter = topology.add_exporter(identity("tired", 1, &[]), tired, narrow, Carries::ALL);
    topology.add_pipeline(Pipeline {
        processors: vec![("ticking".into(), Box::new(Ticking(Arc::clone(&ticks))))],
        ..join(source, &[exporter])
    });
    for time in 0..60 {
        feed.send(time..time + 1).await.unwrap();
    }
    let _running = topology.start().await.unwrap();
    while *delivered.lock().unwrap() < 40 {
        tokio::task::yield_now().await;
    }
    // 40 batches took 2.4 s.
    let ticks = ticks.load(Ordering::Relaxed);
    assert!((12..=25).contains(&ticks), "{ticks} ticks");
}
