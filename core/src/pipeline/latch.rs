//! Telling that something is over.

use tokio::sync::watch;

/// Held by what is not over yet.
#[derive(Clone, Debug)]
pub(super) struct Held {
    _end: watch::Sender<()>,
}

/// Waits for its end.
#[derive(Clone, Debug)]
pub(super) struct Over(watch::Receiver<()>);

/// A pair of ends: the second one waits until every clone of the first is gone.
pub(super) fn latch() -> (Held, Over) {
    let (sender, receiver) = watch::channel(());
    (Held { _end: sender }, Over(receiver))
}

impl Over {
    /// Waits until it is over.
    pub(super) async fn wait(&mut self) {
        // Nothing is ever sent: a change is the end.
        while self.0.changed().await.is_ok() {}
    }
}
