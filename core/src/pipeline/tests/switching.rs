//! From one graph to another.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::toys::{
    Fed, Hold, Seen, Sink, add_sink, all_ended, exporter_counts, identity, join, times,
};
use crate::account::{Account, Accounts};
use crate::pipeline::{Ended, Pipeline, ReceiverIndex, Running, SwitchError, Topology};

const GRACE: Duration = Duration::from_secs(10);

/// One source and one sink called `json` that has `claims`.
struct Bench {
    accounts: Accounts,
    seen: Seen,
    feed: mpsc::Sender<Range<u64>>,
    running: Running,
}

async fn bench(claims: &[&str]) -> Bench {
    let accounts = Accounts::default();
    let seen = Seen::default();
    let (feed, fed) = Fed::source();
    let mut topology = Topology::new(accounts.clone());
    let source = topology.add_receiver(identity("source", 1, &[]), fed);
    let sink = add_sink(
        &mut topology,
        identity("json", 1, claims),
        Sink::quick(&seen),
    );
    topology.add_pipeline(join(source, &[sink]));
    let running = topology.start().await.unwrap();
    Bench {
        accounts,
        seen,
        feed,
        running,
    }
}

impl Bench {
    async fn feed(&self, times: Range<u64>) {
        for time in times {
            self.feed.send(time..time + 1).await.unwrap();
        }
    }

    /// A graph in which the source goes on.
    fn next(&self) -> (Topology, ReceiverIndex) {
        let mut topology = Topology::new(self.accounts.clone());
        let source = topology.keep_receiver(identity("source", 1, &[]));
        (topology, source)
    }

    /// Waits until so many rows have come out.
    async fn until_seen(&self, count: usize) {
        while self.seen.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
    }

    async fn end(&mut self) -> Vec<Ended> {
        self.running.stop();
        all_ended(&mut self.running).await
    }
}

/// What is in both graphs loses nothing, doubles nothing and keeps the order;
/// what is new gets all that comes after the change.
#[tokio::test]
async fn unchanged_components_go_on() {
    let mut bench = bench(&[]).await;
    bench.feed(0..50).await;
    bench.until_seen(10).await;
    let added = Seen::default();
    let (mut topology, source) = bench.next();
    let json = topology.keep_exporter(identity("json", 1, &[]));
    let new = add_sink(&mut topology, identity("otlp", 1, &[]), Sink::quick(&added));
    topology.add_pipeline(join(source, &[json, new]));
    bench.running.switch(topology, GRACE).await.unwrap();
    bench.feed(50..100).await;
    assert!(bench.end().await.iter().all(|ended| ended.result.is_ok()));
    assert_eq!(times(&bench.seen), (0..100).collect::<Vec<_>>());
    let added = times(&added);
    let first = added.first().copied().unwrap();
    assert!(first <= 50 && added == (first..100).collect::<Vec<_>>());
    assert_eq!(exporter_counts(&bench.accounts, "json"), (100, 100, 0));
}

/// Processors are made anew: the old one passes on what it held, and its account
/// stays.
#[tokio::test]
async fn held_rows_come_out_at_the_change() {
    let mut bench = bench(&[]).await;
    for version in 0..3 {
        let (mut topology, source) = bench.next();
        let json = topology.keep_exporter(identity("json", 1, &[]));
        topology.add_pipeline(Pipeline {
            processors: vec![("hold".into(), Box::<Hold>::default())],
            ..join(source, &[json])
        });
        bench.accounts.close_ended();
        bench.running.switch(topology, GRACE).await.unwrap();
        bench.feed(version * 10..version * 10 + 10).await;
    }
    bench.end().await;
    assert_eq!(times(&bench.seen), (0..30).collect::<Vec<_>>());
    let all = bench.accounts.read();
    let incoming: u64 = all
        .iter()
        .map(|account| match account {
            Account::Processor(one) => one.incoming,
            Account::Probe(_) | Account::Exporter(_) => 0,
        })
        .sum();
    assert_eq!(incoming, 30, "{all:?}");
    assert!(all.iter().all(Account::balances), "{all:?}");
}

/// If something new cannot start, all is as it was.
#[tokio::test]
async fn what_cannot_start_changes_nothing() {
    let mut bench = bench(&[]).await;
    let (mut topology, source) = bench.next();
    let broken = add_sink(
        &mut topology,
        identity("prometheus", 1, &[]),
        Sink::broken(),
    );
    topology.add_pipeline(join(source, &[broken]));
    let refused = bench.running.switch(topology, GRACE).await.unwrap_err();
    assert!(matches!(&refused, SwitchError::Refused(ended) if &*ended.id == "prometheus"));
    bench.feed(0..10).await;
    bench.end().await;
    assert_eq!(times(&bench.seen), (0..10).collect::<Vec<_>>());
    assert_eq!(exporter_counts(&bench.accounts, "prometheus"), (0, 0, 0));
}

/// What wants the same thing as its predecessor starts when that one has
/// delivered everything.
#[tokio::test]
async fn a_successor_waits_for_what_it_wants() {
    let mut bench = bench(&["stdout"]).await;
    bench.feed(0..50).await;
    bench.until_seen(10).await;
    let (mut topology, source) = bench.next();
    // The same list: whatever the old one wrote must stand before.
    let json = add_sink(
        &mut topology,
        identity("json", 2, &["stdout"]),
        Sink::quick(&bench.seen),
    );
    topology.add_pipeline(join(source, &[json]));
    bench.running.switch(topology, GRACE).await.unwrap();
    bench.feed(50..100).await;
    let ended = bench.end().await;
    let retired: Vec<_> = ended.iter().map(|one| one.is_retired).collect();
    assert_eq!(retired.iter().filter(|retired| **retired).count(), 1);
    assert_eq!(times(&bench.seen), (0..100).collect::<Vec<_>>());
    assert_eq!(exporter_counts(&bench.accounts, "json"), (100, 100, 0));
}

/// If the successor cannot start, that is told, and the old graph can be made
/// again; what came meanwhile is counted.
#[tokio::test]
async fn a_broken_successor_is_told_and_replaced() {
    let mut bench = bench(&["stdout"]).await;
    bench.feed(0..10).await;
    bench.until_seen(10).await;
    let (mut topology, source) = bench.next();
    let json = add_sink(
        &mut topology,
        identity("json", 2, &["stdout"]),
        Sink::broken(),
    );
    topology.add_pipeline(join(source, &[json]));
    let broken = bench.running.switch(topology, GRACE).await.unwrap_err();
    assert!(matches!(broken, SwitchError::Broken(_)), "{broken:?}");
    let (mut topology, source) = bench.next();
    let json = add_sink(
        &mut topology,
        identity("json", 1, &["stdout"]),
        Sink::quick(&bench.seen),
    );
    topology.add_pipeline(join(source, &[json]));
    bench.running.switch(topology, GRACE).await.unwrap();
    bench.feed(10..20).await;
    bench.end().await;
    let seen = times(&bench.seen);
    let (accepted, delivered, dropped) = exporter_counts(&bench.accounts, "json");
    assert_eq!((accepted, delivered), (20, seen.len() as u64));
    assert_eq!(accepted, delivered + dropped);
}

/// An exporter that is left out and gets rid of nothing is given up after a
/// while; what it held is counted.
#[tokio::test(start_paused = true)]
async fn who_is_left_out_does_not_stay_for_ever() {
    let mut bench = bench(&[]).await;
    let (never, stuck) = (Arc::new(Semaphore::new(0)), Seen::default());
    let (mut topology, source) = bench.next();
    let slow = add_sink(
        &mut topology,
        identity("otlp", 1, &[]),
        Sink::slow(&stuck, &never),
    );
    topology.add_pipeline(join(source, &[slow]));
    bench.running.switch(topology, GRACE).await.unwrap();
    bench.feed(0..10).await;
    while exporter_counts(&bench.accounts, "otlp").0 < 10 {
        tokio::task::yield_now().await;
    }
    let (mut topology, source) = bench.next();
    let json = add_sink(
        &mut topology,
        identity("json", 3, &[]),
        Sink::quick(&bench.seen),
    );
    topology.add_pipeline(join(source, &[json]));
    bench.running.switch(topology, GRACE).await.unwrap();
    bench.feed(10..20).await;
    let ended = bench.end().await;
    let given_up = ended.iter().find(|one| &*one.id == "otlp").unwrap();
    assert!(given_up.is_retired && given_up.result.is_err());
    let (accepted, delivered, dropped) = exporter_counts(&bench.accounts, "otlp");
    assert_eq!((accepted, delivered, dropped), (10, 0, 10));
    assert_eq!(times(&bench.seen), (10..20).collect::<Vec<_>>());
}

/// A receiver that is left out delivers what it has; another one takes its
/// place.
#[tokio::test]
async fn a_receiver_that_is_left_out_ends_cleanly() {
    let mut bench = bench(&[]).await;
    bench.feed(0..10).await;
    let (feed, fed) = Fed::source();
    let mut topology = Topology::new(bench.accounts.clone());
    let source = topology.add_receiver(identity("source", 2, &[]), fed);
    let json = topology.keep_exporter(identity("json", 1, &[]));
    topology.add_pipeline(join(source, &[json]));
    bench.running.switch(topology, GRACE).await.unwrap();
    assert!(bench.feed.is_closed());
    bench.feed = feed;
    bench.feed(10..20).await;
    bench.end().await;
    assert_eq!(times(&bench.seen), (0..20).collect::<Vec<_>>());
}
