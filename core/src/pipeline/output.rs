//! Where a receiver sends to: all pipelines that name it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::mpsc;

use crate::signal::Signal;

/// The entrances of pipelines.
pub(super) type Lanes = Arc<[mpsc::Sender<Signal>]>;

/// The entrances of the pipelines behind one receiver. They may be exchanged
/// between two signals; what is sent goes to all of one time.
#[derive(Debug)]
pub struct Output(Arc<Mutex<Lanes>>);

/// What exchanges the entrances of an [`Output`], for as long as there is one.
#[derive(Debug)]
pub(super) struct Switchboard(Weak<Mutex<Lanes>>);

/// A pipeline has no room at the moment, or none is left: the signal comes back.
#[derive(Debug)]
pub struct Full(pub Box<Signal>);

/// How many batches wait at the entrance of a pipeline. Receivers bound the
/// bytes of a batch, so this bounds the bytes of a lane.
pub(super) const LANE_BATCHES: usize = 8;

impl Output {
    pub(super) fn new(lanes: Vec<mpsc::Sender<Signal>>) -> (Self, Switchboard) {
        let lanes = Arc::new(Mutex::new(lanes.into()));
        let board = Switchboard(Arc::downgrade(&lanes));
        (Self(lanes), board)
    }

    /// Sends to every pipeline, without waiting.
    ///
    /// # Errors
    /// Gives `signal` back if one of the pipelines has no room, or none is left.
    pub fn try_send(&self, signal: Signal) -> Result<(), Full> {
        let lanes = self.lanes();
        let permits: Vec<_> = open(&lanes).map(mpsc::Sender::try_reserve).collect();
        let is_full =
            |permit: &Result<_, _>| matches!(permit, Err(mpsc::error::TrySendError::Full(())));
        if permits.is_empty() || permits.iter().any(is_full) {
            return Err(Full(Box::new(signal)));
        }
        send_all(permits.into_iter().flatten().collect(), signal);
        Ok(())
    }

    /// Sends to every pipeline; waits for room. Says whether one is left that
    /// took it.
    pub async fn send(&self, signal: Signal) -> bool {
        let lanes = self.lanes();
        let mut permits = Vec::with_capacity(lanes.len());
        for lane in lanes.iter() {
            permits.extend(lane.reserve().await);
        }
        let is_taken = !permits.is_empty();
        send_all(permits, signal);
        is_taken
    }

    /// Whether no pipeline is left that would take anything.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        open(&self.lanes()).next().is_none()
    }

    fn lanes(&self) -> Lanes {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Switchboard {
    /// Lets the output send to `lanes` from its next signal on.
    pub(super) fn point_to(&self, lanes: Vec<mpsc::Sender<Signal>>) {
        if let Some(output) = self.0.upgrade() {
            *output.lock().unwrap_or_else(PoisonError::into_inner) = lanes.into();
        }
    }
}

fn open(lanes: &Lanes) -> impl Iterator<Item = &mpsc::Sender<Signal>> {
    lanes.iter().filter(|lane| !lane.is_closed())
}

/// The last pipeline gets the original, the others a copy: most have one.
fn send_all(permits: Vec<mpsc::Permit<'_, Signal>>, signal: Signal) {
    let mut permits = permits.into_iter().peekable();
    let mut signal = Some(signal);
    while let Some(permit) = permits.next() {
        let next = if permits.peek().is_some() {
            signal.clone()
        } else {
            signal.take()
        };
        if let Some(signal) = next {
            permit.send(signal);
        }
    }
}

impl Output {
    /// An output whose signals can be read by a test.
    #[must_use]
    pub fn to_channel(capacity: usize) -> (Self, mpsc::Receiver<Signal>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (Self::new(vec![sender]).0, receiver)
    }
}
