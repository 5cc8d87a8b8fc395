//! Batches from a file into the pipelines.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use eunomia_core::component::{ComponentError, Receiver, Stop};
use eunomia_core::pipeline::Output;
use eunomia_core::signal::Signal;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep_until;

use super::Speed;
use super::file::{PlayError, Recording};
use super::pace::Pace;

/// Batches that are read ahead.
const READ_AHEAD: usize = 2;

#[derive(Debug)]
pub(super) struct ReplayReceiver {
    path: PathBuf,
    speed: Speed,
}

impl ReplayReceiver {
    pub(super) fn new(path: PathBuf, speed: Speed) -> Self {
        Self { path, speed }
    }

    fn failed(&self, error: &PlayError) -> ComponentError {
        ComponentError::failed(format!("replay {}: {error}", self.path.display()))
    }

    /// What the end of the batches means.
    fn end(&self, result: Result<(), PlayError>) -> Result<(), ComponentError> {
        match result {
            Ok(()) => Ok(()),
            // Whoever recorded it was killed: what came before is whole.
            Err(error @ PlayError::Torn { .. }) => {
                tracing::warn!(recording = %self.path.display(), %error, "the recording ends early");
                Ok(())
            }
            Err(error) => Err(self.failed(&error)),
        }
    }
}

#[async_trait]
impl Receiver for ReplayReceiver {
    async fn start(&mut self) -> Result<(), ComponentError> {
        match Recording::open(&self.path) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    async fn run(self: Box<Self>, output: Output, mut stop: Stop) -> Result<(), ComponentError> {
        let (sender, mut batches) = mpsc::channel(READ_AHEAD);
        let path = self.path.clone();
        let reading = spawn_blocking(move || read_all(&path, &sender));
        let mut pace = Pace::new(self.speed);
        loop {
            let signal = tokio::select! {
                signal = batches.recv() => signal,
                () = stop.requested() => None,
            };
            let Some(signal) = signal else { break };
            if let Some(due) = pace.due(&signal) {
                tokio::select! {
                    () = sleep_until(due) => {}
                    () = stop.requested() => break,
                }
            }
            output.send(signal).await;
            if output.is_closed() {
                break;
            }
        }
        // The reader ends when nobody takes its batches any more.
        drop(batches);
        match reading.await {
            Ok(result) => self.end(result),
            Err(error) => Err(ComponentError::failed(format!("replay: {error}"))),
        }
    }
}

fn read_all(path: &Path, batches: &mpsc::Sender<Signal>) -> Result<(), PlayError> {
    let mut recording = Recording::open(path)?;
    while let Some(signal) = recording.next()? {
        if batches.blocking_send(signal).is_err() {
            break;
        }
    }
    Ok(())
}
