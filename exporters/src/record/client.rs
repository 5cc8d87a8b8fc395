//! Frames to their file.

use std::sync::Arc;

use async_trait::async_trait;
use eunomia_core::component::{ComponentError, Exporter, Host, Reopen};
use eunomia_core::queue::{Delivery, QueueReader};
use eunomia_core::recording::{Recorder, RecordingError};

use super::encode::encode;
use crate::sink::{Options, Pages, Sink, Target};

/// Why a batch was dropped, as the account names it.
const NOT_ENCODED: &str = "not_encoded";

#[derive(Debug)]
pub(super) struct RecordExporter {
    target: Target,
    options: Options,
    host: Arc<Host>,
    sink: Option<Sink>,
}

impl RecordExporter {
    pub(super) fn new(target: Target, options: Options, host: &Arc<Host>) -> Self {
        Self {
            target,
            options,
            host: Arc::clone(host),
            sink: None,
        }
    }

    fn open(&self) -> Result<Sink, ComponentError> {
        Sink::open(&self.target, self.options, Reopen::default())
    }
}

#[async_trait]
impl Exporter for RecordExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.sink = Some(self.open()?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        let mut sink = match self.sink.take() {
            Some(sink) => sink,
            None => self.open()?,
        };
        let mut head = Vec::new();
        let recorder = Recorder::begin(&self.host, &mut head)
            .map_err(|error| ComponentError::failed(format!("begin a recording: {error}")))?;
        // On a full disk it is written with the first batch that there is room for.
        let frames = Pages::headed(&self.target, &self.host, &head);
        let frames = sink.write_heading(frames).await?;
        let mut recording = Recording {
            recorder,
            sink,
            frames,
        };
        while let Some(delivery) = queue.next().await {
            recording = recording.take(delivery).await?;
        }
        Ok(())
    }
}

/// The exporter at work.
struct Recording {
    recorder: Recorder,
    sink: Sink,
    frames: Pages,
}

impl Recording {
    async fn take(mut self, delivery: Delivery) -> Result<Self, ComponentError> {
        self.frames.clear();
        let encoded = encode(&mut self.recorder, delivery.signal(), self.frames.only());
        if let Err(error) = encoded {
            self.refuse(delivery, &error);
            return Ok(self);
        }
        let written = self.sink.deliver(delivery, self.frames).await?;
        if !written.is_whole {
            // The schemas of this batch may not have reached the file.
            self.recorder.forget_schemas();
        }
        self.frames = written.pages;
        Ok(self)
    }

    fn refuse(&mut self, delivery: Delivery, error: &RecordingError) {
        tracing::warn!(%error, "a batch is not recorded");
        delivery.dropped(NOT_ENCODED);
        self.recorder.forget_schemas();
    }
}
