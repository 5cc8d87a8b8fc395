//! Lines to their file, batch by batch: whoever follows it sees events at once.

use async_trait::async_trait;
use eunomia_core::component::{ComponentError, Exporter};
use eunomia_core::queue::QueueReader;

use super::JsonEncoder;
use crate::sink::{Lines, Sink, Target};

#[derive(Debug)]
pub(super) struct JsonExporter {
    target: Target,
    encoder: JsonEncoder,
    sink: Option<Sink>,
}

impl JsonExporter {
    pub(super) fn new(target: Target, encoder: JsonEncoder) -> Self {
        Self {
            target,
            encoder,
            sink: None,
        }
    }
}

#[async_trait]
impl Exporter for JsonExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.sink = Some(Sink::open(&self.target)?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        let mut sink = match self.sink {
            Some(sink) => sink,
            None => Sink::open(&self.target)?,
        };
        let mut lines = Lines::default();
        while let Some(delivery) = queue.next().await {
            lines.clear();
            self.encoder.encode(delivery.signal(), &mut lines);
            lines = sink.deliver(delivery, lines).await?.lines;
        }
        Ok(())
    }
}
