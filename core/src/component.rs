//! What receivers, processors and exporters are to the pipeline.
//!
//! Receivers and exporters are async at the edges. A processor is plain
//! synchronous code, so that it is tested without a runtime; it may hold rows
//! back, and says so in its account.

use std::fmt;
use std::future::pending;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::account::ByReason;
use crate::batch::Batch;
use crate::metric::MetricBatch;
use crate::pipeline::Output;
use crate::queue::QueueReader;
use crate::signal::Signal;
use crate::time::WallNanos;

/// Brings signals into the program.
#[async_trait]
pub trait Receiver: Send {
    /// Gets ready: when this returns, everything that happens from now on is
    /// seen. All receivers start before any of them runs.
    ///
    /// # Errors
    /// What keeps the receiver from working, with the remedy.
    async fn start(&mut self) -> Result<(), ComponentError>;

    /// Sends signals until there are no more or `stop` is requested, then
    /// detaches, sends what is left, and returns.
    ///
    /// # Errors
    /// What ended it for good.
    async fn run(self: Box<Self>, output: Output, stop: Stop) -> Result<(), ComponentError>;
}

/// Changes signals on their way.
pub trait Processor: Send {
    /// Takes a batch and passes on what becomes of it.
    fn process(&mut self, batch: Batch, out: &mut Emit);

    /// Takes metric points; they pass by default.
    fn process_metrics(&mut self, batch: MetricBatch, out: &mut Emit) {
        out.emit(Signal::Metrics(batch));
    }

    /// Called now and then, at least every 100 ms.
    fn tick(&mut self, now: WallNanos, out: &mut Emit) {
        let _ = (now, out);
    }

    /// Called once, when nothing more comes: passes on what it holds back.
    fn finish(&mut self, out: &mut Emit) {
        let _ = out;
    }

    /// How many events it holds back.
    fn held(&self) -> usize {
        0
    }
}

/// Takes signals out of the program.
#[async_trait]
pub trait Exporter: Send {
    /// Gets ready: opens files, binds ports. All exporters start before any
    /// receiver does.
    ///
    /// # Errors
    /// What keeps the exporter from working, with the remedy.
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Delivers what comes out of the queue until it ends.
    ///
    /// # Errors
    /// What ended it for good.
    async fn run(self: Box<Self>, queue: QueueReader) -> Result<(), ComponentError>;
}

/// What a processor passes on, and what it counts besides.
#[derive(Debug, Default)]
pub struct Emit {
    signals: Vec<Signal>,
    pub(crate) made: u64,
    pub(crate) dropped_by: ByReason,
}

impl Emit {
    /// Passes `signal` on.
    pub fn emit(&mut self, signal: Signal) {
        if !signal.is_empty() {
            self.signals.push(signal);
        }
    }

    /// Counts `events` that the processor made itself.
    pub fn made(&mut self, events: usize) {
        self.made += events as u64;
    }

    /// Counts `events` that the processor dropped.
    pub fn dropped(&mut self, events: usize, reason: &str) {
        if events > 0 {
            *self.dropped_by.entry(reason.into()).or_default() += events as u64;
        }
    }

    /// What was dropped, by reason, since it was asked for the account.
    #[must_use]
    pub fn dropped_by(&self) -> &ByReason {
        &self.dropped_by
    }

    /// What was passed on, taken out.
    pub fn take(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }
}

/// Tells receivers to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// The other end of [`Stop`]; dropping it requests the stop too.
#[derive(Debug)]
pub struct StopSource(watch::Sender<bool>);

impl Stop {
    /// A pair of ends.
    #[must_use]
    pub fn new() -> (StopSource, Self) {
        let (sender, receiver) = watch::channel(false);
        (StopSource(sender), Self(receiver))
    }

    /// Waits until the stop is requested.
    pub async fn requested(&mut self) {
        // An error means that the source is gone: that is a request as well.
        self.0
            .wait_for(|stop| *stop)
            .await
            .map(drop)
            .unwrap_or_default();
    }

    /// Whether it is requested already.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

impl StopSource {
    /// Requests the stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

/// Tells exporters to open their files anew: somebody has moved them away.
#[derive(Clone, Debug)]
pub struct Reopen(watch::Receiver<()>);

/// The other end of [`Reopen`].
#[derive(Debug)]
pub struct ReopenSource(watch::Sender<()>);

impl Reopen {
    /// A pair of ends.
    #[must_use]
    pub fn new() -> (ReopenSource, Self) {
        let (sender, receiver) = watch::channel(());
        (ReopenSource(sender), Self(receiver))
    }

    /// Waits for the next request; forever once nobody can make one. Dropping
    /// the future loses nothing.
    pub async fn requested(&mut self) {
        if self.0.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

impl Default for Reopen {
    /// One that nobody requests.
    fn default() -> Self {
        Self::new().1
    }
}

impl ReopenSource {
    /// Requests it.
    pub fn request(&self) {
        self.0.send_replace(());
    }
}

/// The machine that the program runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// `host.name`.
    pub name: Box<str>,
    /// `host.id`, the machine id; empty where there is none.
    pub id: Box<str>,
    /// `host.arch` in OpenTelemetry's words (`amd64`, `arm64`).
    pub arch: Box<str>,
    /// The kernel's boot id.
    pub boot_id: Box<str>,
}

/// What ends a component for good.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ComponentError {
    /// What kind of end it is: it decides the exit code.
    pub kind: FailureKind,
    /// What was attempted, what went wrong, what to do.
    pub message: String,
}

/// Kinds of ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A privilege or a feature of the kernel is missing (exit code 77).
    Unsupported,
    /// Something failed for good (exit code 1).
    Failed,
    /// Nobody reads our output any more: the end of the work, not a failure.
    OutputClosed,
}

impl ComponentError {
    /// A failure for good.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self {
            kind: FailureKind::Failed,
            message: message.to_string(),
        }
    }

    /// A missing privilege or kernel feature.
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Self {
            kind: FailureKind::Unsupported,
            message: message.to_string(),
        }
    }

    /// The reader of our output is gone.
    pub fn output_closed(what: impl fmt::Display) -> Self {
        Self {
            kind: FailureKind::OutputClosed,
            message: format!("nobody reads {what} any more"),
        }
    }
}
