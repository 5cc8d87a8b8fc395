//! Deliveries into requests to the services of OTLP.

use std::sync::Arc;

use eunomia_core::batch::Batch;
use eunomia_core::component::Host;
use eunomia_core::metric::MetricBatch;
use eunomia_core::queue::Delivery;
use eunomia_core::signal::Signal;

use super::encode::{Format, LogsEncoder, Pushed, Request, encode_points};
use super::service::Service;
use crate::shipping::{Collect, Parcel, Parts, Shared};

/// Why something was dropped, as the account names it.
const TOO_LARGE: &str = "too_large";

/// A request, with the service that it is for.
#[derive(Debug)]
pub(super) struct Addressed {
    pub(super) service: Service,
    pub(super) request: Request,
}

/// Collects deliveries into requests.
#[derive(Debug)]
pub(super) struct Batcher {
    host: Arc<Host>,
    max_bytes: usize,
    format: Format,
    logs: LogsEncoder,
    parts: Parts,
}

impl Batcher {
    pub(super) fn new(host: &Arc<Host>, max_bytes: usize, format: Format) -> Self {
        Self {
            logs: LogsEncoder::new(host, max_bytes, format),
            host: Arc::clone(host),
            max_bytes,
            format,
            parts: Parts::default(),
        }
    }

    fn add_events(&mut self, batch: &Batch, delivery: &Shared) -> Vec<Parcel<Addressed>> {
        let mut full = Vec::new();
        let mut too_large = 0;
        let parts = &mut self.parts;
        self.logs.push(batch, |pushed| match pushed {
            Pushed::Added => parts.add(delivery, 1),
            Pushed::TooLarge => too_large += 1,
            Pushed::Full(request) => {
                full.push(addressed(Service::Logs, request, parts.take()));
                parts.add(delivery, 1);
            }
        });
        delivery.dropped(too_large, TOO_LARGE);
        full
    }

    fn add_points(&self, batch: &MetricBatch, delivery: &Shared) -> Vec<Parcel<Addressed>> {
        let (requests, too_large) = encode_points(batch, &self.host, self.max_bytes, self.format);
        delivery.dropped(too_large, TOO_LARGE);
        let parcel = |request: Request| {
            let mut parts = Parts::default();
            parts.add(delivery, request.items);
            addressed(Service::Metrics, request, parts)
        };
        requests.into_iter().map(parcel).collect()
    }
}

impl Collect for Batcher {
    type Parcel = Parcel<Addressed>;

    fn add(&mut self, delivery: Delivery) -> Vec<Parcel<Addressed>> {
        let signal = Arc::clone(delivery.signal());
        let delivery = Shared::new(delivery);
        match &*signal {
            Signal::Events(batch) => self.add_events(batch, &delivery),
            Signal::Metrics(batch) => self.add_points(batch, &delivery),
        }
    }

    fn flush(&mut self) -> Option<Parcel<Addressed>> {
        let request = self.logs.finish()?;
        Some(addressed(Service::Logs, request, self.parts.take()))
    }

    fn waiting(&self) -> usize {
        self.logs.items()
    }
}

fn addressed(service: Service, request: Request, parts: Parts) -> Parcel<Addressed> {
    Parcel::new(Addressed { service, request }, parts)
}
