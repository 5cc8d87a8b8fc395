//! Which request carries which part of which delivery.
//!
//! Several small batches share a request and a large one takes several; what
//! the other side says of a request is booked on the deliveries in it. A
//! delivery keeps its bytes in the queue's account until the last of its
//! requests has ended.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use eunomia_core::batch::Batch;
use eunomia_core::component::Host;
use eunomia_core::metric::MetricBatch;
use eunomia_core::queue::Delivery;
use eunomia_core::signal::Signal;

use super::encode::{Format, LogsEncoder, Pushed, Request, encode_points};
use super::service::Service;

/// Why something was dropped, as the account names it.
const TOO_LARGE: &str = "too_large";
const REJECTED: &str = "rejected";

/// A request on its way, with what it carries.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) service: Service,
    pub(super) request: Request,
    parts: Parts,
}

/// Items of deliveries, oldest first.
#[derive(Debug, Default)]
struct Parts(Vec<(Arc<Mutex<Delivery>>, usize)>);

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

    /// How many events wait for their request to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.logs.items()
    }

    /// Adds what is in `delivery`; gives the requests that are full.
    pub(super) fn add(&mut self, delivery: Delivery) -> Vec<Parcel> {
        let signal = Arc::clone(delivery.signal());
        let delivery = Arc::new(Mutex::new(delivery));
        match &*signal {
            Signal::Events(batch) => self.add_events(batch, &delivery),
            Signal::Metrics(batch) => self.add_points(batch, &delivery),
        }
    }

    fn add_events(&mut self, batch: &Batch, delivery: &Arc<Mutex<Delivery>>) -> Vec<Parcel> {
        let mut full = Vec::new();
        let mut too_large = 0;
        let parts = &mut self.parts;
        self.logs.push(batch, |pushed| match pushed {
            Pushed::Added => parts.add(delivery, 1),
            Pushed::TooLarge => too_large += 1,
            Pushed::Full(request) => {
                full.push(Parcel {
                    service: Service::Logs,
                    request,
                    parts: mem::take(parts),
                });
                parts.add(delivery, 1);
            }
        });
        drop_some(delivery, too_large, TOO_LARGE);
        full
    }

    fn add_points(&self, batch: &MetricBatch, delivery: &Arc<Mutex<Delivery>>) -> Vec<Parcel> {
        let (requests, too_large) = encode_points(batch, &self.host, self.max_bytes, self.format);
        drop_some(delivery, too_large, TOO_LARGE);
        let parcel = |request: Request| {
            let mut parts = Parts::default();
            parts.add(delivery, request.items);
            Parcel {
                service: Service::Metrics,
                request,
                parts,
            }
        };
        requests.into_iter().map(parcel).collect()
    }

    /// The request that is being filled, as full as it is.
    pub(super) fn flush(&mut self) -> Option<Parcel> {
        let request = self.logs.finish()?;
        Some(Parcel {
            service: Service::Logs,
            request,
            parts: mem::take(&mut self.parts),
        })
    }
}

impl Parcel {
    /// Books it as delivered, all but `rejected` items.
    pub(super) fn delivered(self, rejected: usize) {
        let mut rejected = rejected;
        // Which ones were rejected is not said: the last are taken for them.
        for (delivery, items) in self.parts.0.into_iter().rev() {
            let lost = rejected.min(items);
            rejected -= lost;
            drop_some(&delivery, lost, REJECTED);
            lock(&delivery, |delivery| delivery.delivered_some(items - lost));
        }
    }

    /// Books it as dropped.
    pub(super) fn dropped(self, reason: &str) {
        for (delivery, items) in self.parts.0 {
            drop_some(&delivery, items, reason);
        }
    }
}

impl Parts {
    fn add(&mut self, delivery: &Arc<Mutex<Delivery>>, items: usize) {
        match self.0.last_mut() {
            Some((last, count)) if Arc::ptr_eq(last, delivery) => *count += items,
            Some(_) | None => self.0.push((Arc::clone(delivery), items)),
        }
    }
}

fn drop_some(delivery: &Arc<Mutex<Delivery>>, items: usize, reason: &str) {
    lock(delivery, |delivery| delivery.dropped_some(items, reason));
}

fn lock(delivery: &Arc<Mutex<Delivery>>, act: impl FnOnce(&mut Delivery)) {
    act(&mut delivery.lock().unwrap_or_else(PoisonError::into_inner));
}
