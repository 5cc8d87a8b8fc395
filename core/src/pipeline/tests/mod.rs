use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{Output, Pipeline, Topology};
use crate::account::{Account, Accounts};
use crate::batch::{Batch, SubjectIndex};
use crate::build::QueueLimits;
use crate::component::{ComponentError, Emit, Exporter, Processor, Receiver, Stop};
use crate::key::Key;
use crate::queue::{QueueReader, WhenFull};
use crate::schema::EventSchema;
use crate::signal::{Carries, Signal};
use crate::time::{BootNanos, WallNanos};

fn batch(events: usize) -> Batch {
    let schema = Arc::new(EventSchema {
        name: Key::new("test.event"),
        probe: "test".into(),
        size: 0,
        attributes: Vec::new(),
        header: None,
        lifecycle: None,
    });
    let mut batch = Batch::default();
    for time in 0..events {
        batch.push(&schema, b"", BootNanos(time as u64), SubjectIndex::NONE);
    }
    batch
}

/// Sends three batches, then waits for the stop and sends a last one.
struct Source;

#[async_trait]
impl Receiver for Source {
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    async fn run(self: Box<Self>, output: Output, mut stop: Stop) -> Result<(), ComponentError> {
        for events in 1..=3 {
            output.send(Signal::Events(batch(events))).await;
        }
        stop.requested().await;
        output.send(Signal::Events(batch(10))).await;
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

struct Sink(Arc<Mutex<usize>>);

#[async_trait]
impl Exporter for Sink {
    async fn run(self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        while let Some(delivery) = queue.next().await {
            *self.0.lock().unwrap() += delivery.signal().len();
            delivery.delivered();
        }
        Ok(())
    }
}

/// Two pipelines share a receiver; everything ends by itself once the receiver
/// is asked to stop, and every account adds up.
#[tokio::test]
async fn what_a_receiver_sends_reaches_every_pipeline() {
    let accounts = Accounts::default();
    let mut topology = Topology::new(accounts.clone());
    let receiver = topology.add_receiver(&"source".into(), Box::new(Source));
    let mut seen = Vec::new();
    for processors in [
        vec![],
        vec![(
            "hold".into(),
            Box::<HoldLast>::default() as Box<dyn Processor>,
        )],
    ] {
        let count = Arc::new(Mutex::new(0));
        seen.push(Arc::clone(&count));
        let sink = Box::new(Sink(count));
        let exporter = topology.add_exporter(
            &"sink".into(),
            sink,
            QueueLimits {
                max_bytes: 1 << 20,
                when_full: WhenFull::Block,
            },
            Carries::ALL,
        );
        topology.add_pipeline(Pipeline {
            receivers: vec![receiver],
            processors,
            exporters: vec![exporter],
        });
    }
    let mut running = topology.start().await.unwrap();
    running.stop();
    let mut ended = Vec::new();
    while let Some(one) = running.next_ended().await {
        one.result.unwrap();
        ended.push(one.id);
    }
    assert_eq!(ended.len(), 3, "{ended:?}");
    assert_eq!(
        seen.iter()
            .map(|count| *count.lock().unwrap())
            .collect::<Vec<_>>(),
        [16, 12]
    );
    let accounts = accounts.read();
    assert_eq!(accounts.len(), 3);
    assert!(accounts.iter().all(Account::balances), "{accounts:?}");
}

/// A pipeline without room gives the signal back instead of waiting.
#[tokio::test]
async fn a_full_pipeline_gives_the_signal_back() {
    let (output, mut lane) = Output::to_channel(1);
    output.try_send(Signal::Events(batch(1))).unwrap();
    let super::Full(back) = output.try_send(Signal::Events(batch(2))).unwrap_err();
    assert_eq!(back.len(), 2);
    assert_eq!(lane.recv().await.unwrap().len(), 1);
    output.try_send(*back).unwrap();
    drop(lane);
    assert!(output.is_closed());
}
