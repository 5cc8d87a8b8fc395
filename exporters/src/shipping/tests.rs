//! How many requests are on their way, on a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eunomia_core::build::PeerQueue;
use eunomia_core::queue::{Delivery, QueueReader, queue};
use eunomia_core::signal::Carries;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::{Collect, Pace, ship};
use crate::exported::events;

/// Each delivery is a request of its own.
struct Each;

impl Collect for Each {
    type Parcel = Delivery;

    fn add(&mut self, delivery: Delivery) -> Vec<Delivery> {
        vec![delivery]
    }

    fn flush(&mut self) -> Option<Delivery> {
        None
    }

    fn waiting(&self) -> usize {
        0
    }
}

/// A peer that answers when it is told to.
struct Peer {
    arrived: AtomicUsize,
    answers: Semaphore,
}

impl Peer {
    async fn answer(self: Arc<Self>, delivery: Delivery) {
        self.arrived.fetch_add(1, Ordering::Relaxed);
        self.answers.acquire().await.unwrap().forget();
        delivery.delivered();
    }

    /// How many requests are there when nobody has anything left to do.
    async fn arrived(&self) -> usize {
        sleep(Duration::from_secs(1)).await;
        self.arrived.load(Ordering::Relaxed)
    }
}

async fn full(deliveries: usize) -> QueueReader {
    let (writer, reader, _) = queue("tested", PeerQueue::default().limits(), Carries::ALL);
    for _ in 0..deliveries {
        writer.push(&Arc::new(events())).await;
    }
    reader
}

/// As many as may be, while none is answered; each answer makes room for one more.
#[tokio::test(start_paused = true)]
async fn so_many_requests_are_on_their_way_and_no_more() {
    for max_in_flight in [1, 2, 4] {
        let peer = Arc::new(Peer {
            arrived: AtomicUsize::new(0),
            answers: Semaphore::new(0),
        });
        let deliveries = max_in_flight + 3;
        let pace = Pace {
            linger: Duration::from_secs(1),
            enough: 1,
            max_in_flight,
        };
        let answering = Arc::clone(&peer);
        let shipping = tokio::spawn(ship(full(deliveries).await, Each, pace, move |delivery| {
            Arc::clone(&answering).answer(delivery)
        }));
        assert_eq!(peer.arrived().await, max_in_flight);
        peer.answers.add_permits(1);
        assert_eq!(peer.arrived().await, max_in_flight + 1);
        peer.answers.add_permits(deliveries);
        shipping.await.unwrap();
        assert_eq!(peer.arrived().await, deliveries);
    }
}
