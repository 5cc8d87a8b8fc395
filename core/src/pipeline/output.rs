//! Where a receiver sends to: all pipelines that name it.

use tokio::sync::mpsc;

use crate::signal::Signal;

/// The entrances of the pipelines behind one receiver.
#[derive(Debug)]
pub struct Output {
    lanes: Vec<mpsc::Sender<Signal>>,
}

/// A pipeline has no room at the moment: the signal comes back.
#[derive(Debug)]
pub struct Full(pub Box<Signal>);

/// How many batches wait at the entrance of a pipeline. Receivers bound the
/// bytes of a batch, so this bounds the bytes of a lane.
pub(super) const LANE_BATCHES: usize = 8;

impl Output {
    pub(super) fn new(lanes: Vec<mpsc::Sender<Signal>>) -> Self {
        Self { lanes }
    }

    /// Sends to every pipeline, without waiting.
    ///
    /// # Errors
    /// Gives `signal` back if one of the pipelines has no room.
    pub fn try_send(&self, signal: Signal) -> Result<(), Full> {
        let permits: Vec<_> = self.open_lanes().map(mpsc::Sender::try_reserve).collect();
        if permits
            .iter()
            .any(|permit| matches!(permit, Err(mpsc::error::TrySendError::Full(()))))
        {
            return Err(Full(Box::new(signal)));
        }
        send_all(permits.into_iter().flatten().collect(), signal);
        Ok(())
    }

    /// Sends to every pipeline; waits for room.
    pub async fn send(&self, signal: Signal) {
        let mut permits = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            permits.extend(lane.reserve().await);
        }
        send_all(permits, signal);
    }

    /// Whether no pipeline is left that would take anything.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open_lanes().next().is_none()
    }

    fn open_lanes(&self) -> impl Iterator<Item = &mpsc::Sender<Signal>> {
        self.lanes.iter().filter(|lane| !lane.is_closed())
    }
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
        (Self::new(vec![sender]), receiver)
    }
}
