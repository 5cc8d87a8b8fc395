use std::sync::Arc;

use super::{QueueReader, QueueWriter, WhenFull, queue};
use crate::account::{Account, Accountable, ExporterAccount};
use crate::build::QueueLimits;
use crate::key::Key;
use crate::metric::{MetricBatch, MetricDescriptor, MetricKind, Point, PointValue};
use crate::signal::{Carries, Signal};
use crate::subject::Attributes;
use crate::time::WallNanos;

struct Bench {
    writer: QueueWriter,
    reader: QueueReader,
    account: Arc<dyn Accountable>,
}

fn signal(points: u64) -> Arc<Signal> {
    let metric = Arc::new(MetricDescriptor {
        name: Key::new("m"),
        unit: "".into(),
        description: "".into(),
        kind: MetricKind::Counter,
    });
    let point = |value| Point {
        metric: Arc::clone(&metric),
        attributes: Attributes::default(),
        cgroup: None,
        container: None,
        start: WallNanos(0),
        value: PointValue::Uint(value),
    };
    let points = (0..points).map(point).collect();
    Arc::new(Signal::Metrics(MetricBatch {
        time: WallNanos(0),
        points,
    }))
}

/// A queue with room for `batches` batches of one point.
fn bench(batches: usize, when_full: WhenFull) -> Bench {
    let (writer, reader, account) = queue(
        "test",
        QueueLimits {
            max_bytes: batches * signal(1).bytes(),
            when_full,
        },
        Carries::ALL,
    );
    Bench {
        writer,
        reader,
        account,
    }
}

impl Bench {
    fn account(&self) -> ExporterAccount {
        let accounts = self.account.accounts();
        assert!(accounts.iter().all(Account::balances), "{accounts:?}");
        match accounts.into_iter().next() {
            Some(Account::Exporter(account)) => account,
            other => panic!("not an exporter's account: {other:?}"),
        }
    }

    #[track_caller]
    fn counts(&self, accepted: u64, delivered: u64, dropped: &[(&str, u64)], queued: u64) {
        let account = self.account();
        let dropped_by = dropped
            .iter()
            .map(|(reason, count)| ((*reason).into(), *count))
            .collect();
        assert_eq!(
            (
                account.accepted,
                account.delivered,
                account.dropped_by,
                account.queued
            ),
            (accepted, delivered, dropped_by, queued)
        );
    }

    #[track_caller]
    fn takes(&mut self) -> super::Delivery {
        self.reader.try_next().expect("a batch is waiting")
    }
}

fn sizes(bench: &mut Bench) -> Vec<usize> {
    std::iter::from_fn(|| bench.reader.try_next())
        .map(|delivery| {
            let size = delivery.signal().len();
            delivery.delivered();
            size
        })
        .collect()
}

/// What waits and what is on its way both count as queued, bytes included.
#[tokio::test]
async fn a_batch_is_queued_until_it_is_delivered() {
    let mut bench = bench(2, WhenFull::Block);
    bench.writer.push(&signal(1)).await;
    bench.counts(1, 0, &[], 1);
    let delivery = bench.takes();
    bench.counts(1, 0, &[], 1);
    assert_eq!(bench.account().queued_bytes, signal(1).bytes() as u64);
    delivery.delivered();
    bench.counts(1, 1, &[], 0);
    assert_eq!(bench.account().queued_bytes, 0);
}

/// Each policy drops what it says when one batch more comes than fits.
#[tokio::test]
async fn a_full_queue_drops_as_configured() {
    for (when_full, left) in [
        (WhenFull::DropOldest, [2, 3]),
        (WhenFull::DropNewest, [1, 2]),
    ] {
        let mut bench = bench(5, when_full);
        for points in 1..=3 {
            bench.writer.push(&signal(points)).await;
        }
        let dropped = 6 - left.iter().sum::<usize>() as u64;
        bench.counts(6, 0, &[("queue_full", dropped)], 6 - dropped);
        assert_eq!(sizes(&mut bench), left);
    }
}

/// What is on its way cannot be dropped to make room: the new batch goes.
#[tokio::test]
async fn what_is_on_its_way_still_takes_room() {
    let mut bench = bench(1, WhenFull::DropOldest);
    bench.writer.push(&signal(1)).await;
    let delivery = bench.takes();
    bench.writer.push(&signal(1)).await;
    bench.counts(2, 0, &[("queue_full", 1)], 1);
    delivery.delivered();
}

/// A writer that blocks goes on as soon as there is room, and not before.
#[tokio::test]
async fn a_blocked_writer_waits_for_room() {
    let mut bench = bench(1, WhenFull::Block);
    bench.writer.push(&signal(1)).await;
    let second = signal(1);
    let mut push = Box::pin(bench.writer.push(&second));
    assert!(futures_poll(&mut push).await.is_none());
    let delivery = bench.reader.try_next().expect("the first batch");
    assert!(futures_poll(&mut push).await.is_none());
    delivery.delivered();
    push.await;
    bench.counts(2, 1, &[], 1);
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// A batch larger than the whole queue passes when nothing else is in it.
#[tokio::test]
async fn a_batch_larger_than_the_queue_passes_an_empty_one() {
    let mut bench = bench(1, WhenFull::Block);
    bench.writer.push(&signal(9)).await;
    assert_eq!(sizes(&mut bench), [9]);
}

/// An exporter that ends for good drops what waits and holds up nobody.
#[tokio::test]
async fn nobody_waits_for_an_exporter_that_is_gone() {
    let bench = bench(1, WhenFull::Block);
    bench.writer.push(&signal(1)).await;
    let Bench {
        writer,
        reader,
        account,
    } = bench;
    drop(reader);
    writer.push(&signal(1)).await;
    let Account::Exporter(counts) = account.accounts().remove(0) else {
        panic!()
    };
    assert_eq!((counts.accepted, counts.dropped, counts.queued), (2, 2, 0));
}

/// Partial outcomes are counted as they are told; the rest is dropped.
#[tokio::test]
async fn what_nobody_spoke_for_is_dropped() {
    let mut bench = bench(9, WhenFull::Block);
    bench.writer.push(&signal(9)).await;
    let mut delivery = bench.takes();
    delivery.delivered_some(4);
    delivery.dropped_some(3, "refused");
    drop(delivery);
    bench.counts(9, 4, &[("refused", 3), ("unsent", 2)], 0);
}

/// The reader ends when the last writer is gone and the queue is empty.
#[tokio::test]
async fn a_reader_ends_after_the_last_writer() {
    let Bench {
        writer, mut reader, ..
    } = bench(2, WhenFull::Block);
    let other = writer.clone();
    writer.push(&signal(1)).await;
    drop(writer);
    reader.next().await.expect("a batch").delivered();
    let end = tokio::spawn(async move { reader.next().await.is_none() });
    drop(other);
    assert!(end.await.unwrap());
}

/// As long as somebody writes to a queue or it holds something, it is to be waited for.
#[tokio::test]
async fn a_queue_is_in_use_until_it_is_empty_and_nobody_writes() {
    let mut bench = bench(1, WhenFull::Block);
    let opener = bench.writer.opener();
    assert!(opener.is_in_use(), "a writer is there");
    bench.writer.push(&signal(1)).await;
    drop(bench.writer);
    assert!(opener.is_in_use(), "a batch is there");
    bench.reader.next().await.unwrap().delivered();
    assert!(!opener.is_in_use());
}
