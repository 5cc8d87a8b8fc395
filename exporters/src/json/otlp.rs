//! OTLP as JSON by the specification of its file exporter: one object a line,
//! `LogsData` or `MetricsData`, one signal a file.

use eunomia_core::component::Host;
use eunomia_core::signal::Signal;

use crate::otlp::{Format, LogsEncoder, Request, encode_points};
use crate::sink::{EVENTS, Encoder, METRICS, Pages};

/// A line is as long as its batch.
const NO_LIMIT: usize = usize::MAX;

/// Batches to lines of OTLP.
#[derive(Debug)]
pub(super) struct OtlpLines {
    host: Host,
    logs: LogsEncoder,
}

impl OtlpLines {
    /// An encoder for what happens on `host`.
    pub(super) fn new(host: &Host) -> Self {
        Self {
            host: host.clone(),
            logs: LogsEncoder::new(host, NO_LIMIT, Format::Json),
        }
    }
}

impl Encoder for OtlpLines {
    fn encode(&mut self, signal: &Signal, pages: &mut Pages) {
        let (name, time, requests) = match signal {
            Signal::Events(batch) => {
                self.logs.push(batch, drop);
                let request = self.logs.finish().into_iter().collect();
                (EVENTS, batch.observed, request)
            }
            Signal::Metrics(batch) => {
                let (requests, _) = encode_points(batch, &self.host, NO_LIMIT, Format::Json);
                (METRICS, batch.time, requests)
            }
        };
        let lines = pages.of_signal(name, time);
        for Request { body, items } in requests {
            lines.bytes.extend_from_slice(&body);
            lines.bytes.push(b'\n');
            (0..items).for_each(|_| lines.end_item());
        }
    }
}
