//! Components whose every step a test decides.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::{Semaphore, mpsc};

use crate::account::{Account, Accounts};
use crate::batch::{Batch, SubjectIndex};
use crate::build::QueueLimits;
use crate::component::{ComponentError, Emit, Exporter, Processor, Receiver, Stop};
use crate::key::Key;
use crate::pipeline::{
    Ended, ExporterIndex, Identity, Output, Pipeline, ReceiverIndex, Running, Topology,
};
use crate::queue::{QueueReader, WhenFull};
use crate::schema::EventSchema;
use crate::signal::{Carries, Signal};
use crate::time::{BootNanos, WallNanos};

/// Rows that are told apart by their times.
pub(super) fn batch(times: Range<u64>) -> Batch {
    let schema = Arc::new(EventSchema {
        name: Key::new("test.event"),
        probe: "test".into(),
        size: 0,
        attributes: Vec::new(),
        header: None,
        lifecycle: None,
    });
    let mut batch = Batch::default();
    for time in times {
        batch.push(&schema, b"", BootNanos(time), SubjectIndex::NONE);
    }
    batch
}

pub(super) fn identity(id: &str, version: u64, claims: &[&str]) -> Identity {
    Identity {
        id: id.into(),
        fingerprint: version,
        claims: claims.iter().map(ToString::to_string).collect(),
    }
}

/// Sends what it is fed with; after the stop what is left of that.
pub(super) struct Fed(pub(super) mpsc::Receiver<Range<u64>>);

impl Fed {
    pub(super) fn source() -> (mpsc::Sender<Range<u64>>, Box<dyn Receiver>) {
        let (sender, receiver) = mpsc::channel(64);
        (sender, Box::new(Self(receiver)))
    }
}

#[async_trait]
impl Receiver for Fed {
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    async fn run(
        mut self: Box<Self>,
        output: Output,
        mut stop: Stop,
    ) -> Result<(), ComponentError> {
        loop {
            tokio::select! {
                biased;
                times = self.0.recv() => match times {
                    Some(times) => drop(output.send(Signal::Events(batch(times))).await),
                    None => return Ok(()),
                },
                () = stop.requested() => return Ok(()),
            }
        }
    }
}

/// The times of rows in the order they came.
pub(super) type Seen = Arc<Mutex<Vec<u64>>>;

/// Notes what it is given, once a permit for each batch.
pub(super) struct Sink {
    pub(super) seen: Seen,
    pub(super) permits: Arc<Semaphore>,
    pub(super) starts: bool,
}

impl Sink {
    /// A sink that never waits.
    pub(super) fn quick(seen: &Seen) -> Box<dyn Exporter> {
        Self::slow(seen, &Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)))
    }

    pub(super) fn slow(seen: &Seen, permits: &Arc<Semaphore>) -> Box<dyn Exporter> {
        Box::new(Self {
            seen: Arc::clone(seen),
            permits: Arc::clone(permits),
            starts: true,
        })
    }

    /// A sink that cannot start.
    pub(super) fn broken() -> Box<dyn Exporter> {
        Box::new(Self {
            seen: Seen::default(),
            permits: Arc::new(Semaphore::new(0)),
            starts: false,
        })
    }
}

#[async_trait]
impl Exporter for Sink {
    async fn start(&mut self) -> Result<(), ComponentError> {
        if self.starts {
            Ok(())
        } else {
            Err(ComponentError::failed("somebody else has it"))
        }
    }

    async fn run(self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        while let Some(delivery) = queue.next().await {
            self.permits.acquire().await.unwrap().forget();
            if let Signal::Events(batch) = &**delivery.signal() {
                let times = batch.iter().map(|row| row.boot_time().0);
                self.seen.lock().unwrap().extend(times);
            }
            delivery.delivered();
        }
        Ok(())
    }
}

/// Holds every batch back until the next one comes.
#[derive(Default)]
pub(super) struct Hold(Option<Batch>);

impl Processor for Hold {
    fn process(&mut self, batch: Batch, out: &mut Emit) {
        self.finish(out);
        self.0 = Some(batch);
    }

    fn tick(&mut self, _: WallNanos, _: &mut Emit) {}

    fn finish(&mut self, out: &mut Emit) {
        if let Some(batch) = self.0.take() {
            out.emit(Signal::Events(batch));
        }
    }

    fn held(&self) -> usize {
        self.0.as_ref().map_or(0, Batch::len)
    }
}

pub(super) const LIMITS: QueueLimits = QueueLimits {
    max_bytes: 1 << 20,
    when_full: WhenFull::Block,
};

pub(super) fn add_sink(
    topology: &mut Topology,
    identity: Identity,
    sink: Box<dyn Exporter>,
) -> ExporterIndex {
    topology.add_exporter(identity, sink, LIMITS, Carries::ALL)
}

/// A pipeline without processors.
pub(super) fn join(receiver: ReceiverIndex, exporters: &[ExporterIndex]) -> Pipeline {
    Pipeline {
        receivers: vec![receiver],
        processors: Vec::new(),
        exporters: exporters.to_vec(),
    }
}

pub(super) fn times(seen: &Seen) -> Vec<u64> {
    seen.lock().unwrap().clone()
}

/// Waits until all have ended.
pub(super) async fn all_ended(running: &mut Running) -> Vec<Ended> {
    let mut all = Vec::new();
    while let Some(ended) = running.next_ended().await {
        all.push(ended);
    }
    all
}

/// The accounts of all exporters of this name: accepted, delivered, dropped.
#[track_caller]
pub(super) fn exporter_counts(accounts: &Accounts, id: &str) -> (u64, u64, u64) {
    let all = accounts.read();
    assert!(all.iter().all(Account::balances), "{all:?}");
    let counts = all.iter().filter_map(|account| match account {
        Account::Exporter(one) if &*one.exporter == id => {
            Some((one.accepted, one.delivered, one.dropped))
        }
        Account::Exporter(_) | Account::Processor(_) | Account::Probe(_) => None,
    });
    counts.fold((0, 0, 0), |sum, one| {
        (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2)
    })
}
