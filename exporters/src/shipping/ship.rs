//! The loop of an exporter with a peer.

use std::time::Duration;

use eunomia_core::queue::{Delivery, QueueReader};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Collects deliveries into requests.
pub(crate) trait Collect {
    /// A request with what it carries.
    type Parcel;

    /// Adds what is in `delivery`; gives the requests that are full.
    fn add(&mut self, delivery: Delivery) -> Vec<Self::Parcel>;

    /// The request that is being filled, as full as it is.
    fn flush(&mut self) -> Option<Self::Parcel>;

    /// How many items wait for their request to be sent.
    fn waiting(&self) -> usize;
}

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long an item waits for others to share its request.
    pub(crate) linger: Duration,
    /// So many items are enough to fill a request.
    pub(crate) enough: usize,
    /// How many requests may be on their way at once.
    pub(crate) max_in_flight: usize,
}

/// Sends what comes out of `queue`, each parcel by `send`, until the queue has
/// ended and the last parcel is booked.
pub(crate) async fn ship<C, F>(
    mut queue: QueueReader,
    collect: C,
    pace: Pace,
    send: impl Fn(C::Parcel) -> F,
) where
    C: Collect,
    F: Future<Output = ()> + Send + 'static,
{
    let mut shipping = Shipping {
        collect,
        pace,
        send,
        on_their_way: JoinSet::new(),
        due: None,
    };
    loop {
        let due = shipping.due;
        tokio::select! {
            delivery = queue.next() => match delivery {
                Some(delivery) => shipping.add(delivery).await,
                None => break,
            },
            () = at(due) => shipping.flush().await,
            Some(_) = shipping.on_their_way.join_next() => {}
        }
    }
    shipping.flush().await;
    while shipping.on_their_way.join_next().await.is_some() {}
}

struct Shipping<C, S> {
    collect: C,
    pace: Pace,
    send: S,
    on_their_way: JoinSet<()>,
    /// When the items that wait are sent, however few they are.
    due: Option<Instant>,
}

impl<C, S, F> Shipping<C, S>
where
    C: Collect,
    S: Fn(C::Parcel) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    async fn add(&mut self, delivery: Delivery) {
        for parcel in self.collect.add(delivery) {
            self.ship(parcel).await;
        }
        if self.collect.waiting() >= self.pace.enough {
            self.flush().await;
        }
        self.due = match self.collect.waiting() {
            0 => None,
            _ => self.due.or_else(|| Some(Instant::now() + self.pace.linger)),
        };
    }

    async fn flush(&mut self) {
        self.due = None;
        if let Some(parcel) = self.collect.flush() {
            self.ship(parcel).await;
        }
    }

    /// Sends `parcel` as soon as not too many others are on their way.
    async fn ship(&mut self, parcel: C::Parcel) {
        while self.on_their_way.len() >= self.pace.max_in_flight {
            if self.on_their_way.join_next().await.is_none() {
                break;
            }
        }
        self.on_their_way.spawn((self.send)(parcel));
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
