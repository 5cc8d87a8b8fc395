//! Exporters that write files: batch by batch, so that whoever follows a file
//! sees events at once.

use std::sync::Arc;

use async_trait::async_trait;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter, Host, Reopen};
use eunomia_core::queue::QueueReader;
use eunomia_core::signal::Signal;

use super::{Options, Pages, Sink, Target};

/// Turns signals into lines.
pub(crate) trait Encoder: Send {
    /// Appends every event or point of `signal` to the page that it belongs to.
    fn encode(&mut self, signal: &Signal, pages: &mut Pages);
}

/// Writes what an encoder makes to the files of a target.
#[derive(Debug)]
pub(crate) struct FileExporter<E> {
    target: Target,
    options: Options,
    host: Arc<Host>,
    reopen: Reopen,
    encoder: E,
    sink: Option<Sink>,
}

impl<E: Encoder> FileExporter<E> {
    /// An exporter to `target`, which is not opened yet.
    pub(crate) fn new(
        target: Target,
        options: Options,
        encoder: E,
        context: &BuildContext,
    ) -> Self {
        Self {
            target,
            options,
            host: Arc::clone(&context.host),
            reopen: context.reopen.clone(),
            encoder,
            sink: None,
        }
    }

    fn open(&self) -> Result<Sink, ComponentError> {
        Sink::open(&self.target, self.options, self.reopen.clone())
    }
}

#[async_trait]
impl<E: Encoder> Exporter for FileExporter<E> {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.sink = Some(self.open()?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        let mut sink = match self.sink.take() {
            Some(sink) => sink,
            None => self.open()?,
        };
        let mut pages = Pages::new(&self.target, &self.host);
        loop {
            let delivery = tokio::select! {
                // First, or a queue that is never empty would keep it from its turn.
                biased;
                due = sink.due() => {
                    sink.tend(due).await?;
                    continue;
                }
                delivery = queue.next() => delivery,
            };
            let Some(delivery) = delivery else {
                sink.finish().await;
                return Ok(());
            };
            pages.clear();
            self.encoder.encode(delivery.signal(), &mut pages);
            pages = sink.deliver(delivery, pages).await?.pages;
        }
    }
}
