//! Deliveries into requests of lines.

use std::sync::Arc;

use eunomia_core::component::Host;
use eunomia_core::queue::Delivery;

use super::encode::{LineEncoder, LineSettings, Pushed, Request};
use crate::shipping::{Collect, Parcel, Parts, Shared};

/// Why something was dropped, as the account names it.
pub(super) const TOO_LARGE: &str = "too_large";
const NO_FIELDS: &str = "no_fields";

/// Collects deliveries into requests.
#[derive(Debug)]
pub(super) struct Lines {
    encoder: LineEncoder,
    parts: Parts,
}

impl Lines {
    pub(super) fn new(host: &Host, settings: &LineSettings) -> Self {
        Self {
            encoder: LineEncoder::new(host, settings),
            parts: Parts::default(),
        }
    }
}

impl Collect for Lines {
    type Parcel = Parcel<Request>;

    fn add(&mut self, delivery: Delivery) -> Vec<Parcel<Request>> {
        let signal = Arc::clone(delivery.signal());
        let delivery = Shared::new(delivery);
        let mut full = Vec::new();
        let (mut too_large, mut without_fields) = (0, 0);
        let parts = &mut self.parts;
        self.encoder.push(&signal, |pushed| match pushed {
            Pushed::Added => parts.add(&delivery, 1),
            Pushed::Full(request) => {
                full.push(Parcel::new(request, parts.take()));
                parts.add(&delivery, 1);
            }
            Pushed::TooLarge => too_large += 1,
            Pushed::Empty => without_fields += 1,
        });
        delivery.dropped(too_large, TOO_LARGE);
        delivery.dropped(without_fields, NO_FIELDS);
        full
    }

    fn flush(&mut self) -> Option<Parcel<Request>> {
        let request = self.encoder.finish()?;
        Some(Parcel::new(request, self.parts.take()))
    }

    fn waiting(&self) -> usize {
        self.encoder.items()
    }
}
