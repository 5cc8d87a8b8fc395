//! Which request carries which part of which delivery.
//!
//! Several small batches share a request and a large one takes several; what
//! the other side says of a request is booked on the deliveries in it. A
//! delivery keeps its bytes in the queue's account until the last of its
//! requests has ended.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use eunomia_core::queue::Delivery;

/// Why the other side's refusal of some items dropped them.
const REJECTED: &str = "rejected";

/// A delivery, a part of which may be in several requests.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Delivery>>);

impl Shared {
    pub(crate) fn new(delivery: Delivery) -> Self {
        Self(Arc::new(Mutex::new(delivery)))
    }

    /// Counts `items` as dropped that are in no request.
    pub(crate) fn dropped(&self, items: usize, reason: &str) {
        self.book(|delivery| delivery.dropped_some(items, reason));
    }

    fn book(&self, act: impl FnOnce(&mut Delivery)) {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Items of deliveries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Parts(Vec<(Shared, usize)>);

impl Parts {
    /// Adds `items` of `delivery`.
    pub(crate) fn add(&mut self, delivery: &Shared, items: usize) {
        match self.0.last_mut() {
            Some((last, count)) if Arc::ptr_eq(&last.0, &delivery.0) => *count += items,
            Some(_) | None => self.0.push((delivery.clone(), items)),
        }
    }

    /// Takes all of them out.
    pub(crate) fn take(&mut self) -> Self {
        mem::take(self)
    }

    /// Takes the first `items` out.
    fn take_first(&mut self, items: usize) -> Self {
        let mut first = Self::default();
        let mut left = items;
        self.0.retain_mut(|(delivery, count)| {
            let taken = left.min(*count);
            left -= taken;
            *count -= taken;
            if taken > 0 {
                first.add(delivery, taken);
            }
            *count > 0
        });
        first
    }
}

/// A request on its way, with what it carries.
#[derive(Debug)]
pub(crate) struct Parcel<R> {
    pub(crate) request: R,
    parts: Parts,
}

impl<R> Parcel<R> {
    pub(crate) fn new(request: R, parts: Parts) -> Self {
        Self { request, parts }
    }

    /// Leaves the first `items` in it; the others go with `request`.
    pub(crate) fn split_off(&mut self, items: usize, request: R) -> Self {
        let first = self.parts.take_first(items);
        Self::new(request, mem::replace(&mut self.parts, first))
    }

    /// Books it as delivered, all but `rejected` items.
    pub(crate) fn delivered(self, rejected: usize) {
        let mut rejected = rejected;
        // Which ones were rejected is not said: the last are taken for them.
        for (delivery, items) in self.parts.0.into_iter().rev() {
            let lost = rejected.min(items);
            rejected -= lost;
            delivery.dropped(lost, REJECTED);
            delivery.book(|delivery| delivery.delivered_some(items - lost));
        }
    }

    /// Books it as dropped.
    pub(crate) fn dropped(self, reason: &str) {
        for (delivery, items) in self.parts.0 {
            delivery.dropped(items, reason);
        }
    }
}
