//! When a request is sent again, on a clock that stands still.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;
use eunomia_core::config;
use tokio::time::{Instant, advance};

use crate::net::pause::Pause;
use crate::net::{Failure, Policy, RetrySettings, Verdict, retry_after, send};

fn policy() -> Policy {
    Policy::new(Duration::from_secs(10), RetrySettings::default())
}

fn limited(seconds: u64) -> Policy {
    let retry = RetrySettings {
        max_elapsed: config::Duration::seconds(seconds),
        ..RetrySettings::default()
    };
    Policy::new(Duration::from_secs(10), retry)
}

fn down() -> Failure {
    Failure::new("unavailable", "down")
}

/// Fails so many times, asking for a time, then takes the request; what came of
/// it and the time it took.
async fn after(failures: usize, asked: Option<Duration>) -> (Result<(), Failure>, Duration) {
    let begin = Instant::now();
    let calls = AtomicUsize::new(0);
    let call = || {
        let fails = calls.fetch_add(1, Ordering::Relaxed) < failures;
        let verdict = if fails {
            Verdict::Retry(down(), asked)
        } else {
            Verdict::Done(())
        };
        async move { verdict }
    };
    let outcome = send(&policy(), call, |_| {}).await;
    (outcome, begin.elapsed())
}

/// The other side's wish is obeyed, up to ten minutes.
#[tokio::test(start_paused = true)]
async fn the_other_side_decides_the_wait() {
    for (asked, wait) in [(30, 30), (600, 600), (601, 600), (u64::MAX, 600)] {
        let (outcome, time) = after(3, Some(Duration::from_secs(asked))).await;
        assert_eq!(outcome, Ok(()));
        // Tokio's clock has milliseconds.
        let rounding = time - Duration::from_secs(3 * wait);
        assert!(rounding < Duration::from_millis(10), "{asked}: {time:?}");
    }
}

/// While one request waits as it was told, no other is sent; one that may not wait so
/// long is given up without a call.
#[tokio::test(start_paused = true)]
async fn all_wait_when_one_is_told_to() {
    let policy = policy();
    let begin = Instant::now();
    let calls = AtomicUsize::new(0);
    let first = || {
        let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        let asked = Some(Duration::from_secs(30));
        std::future::ready(match is_first {
            true => Verdict::Retry(down(), asked),
            false => Verdict::Done(begin.elapsed()),
        })
    };
    let other = || std::future::ready(Verdict::Done(begin.elapsed()));
    let (first, other) = tokio::join!(send(&policy, first, |_| {}), send(&policy, other, |_| {}),);
    assert!(first.unwrap() >= Duration::from_secs(30));
    assert!(other.unwrap() >= Duration::from_secs(30));
    let limited = limited(5);
    let told = || std::future::ready(Verdict::<()>::Retry(down(), Some(Duration::from_secs(30))));
    let expired = |message: &str| Err(Failure::new("retry_expired", message));
    assert_eq!(send(&limited, told, |_| {}).await, expired("down"));
    let other = || std::future::ready(Verdict::Done(()));
    let asked = "the other side asked for time";
    assert_eq!(send(&limited.clone(), other, |_| {}).await, expired(asked));
}

/// Of several who are told to wait the longest time counts.
#[tokio::test(start_paused = true)]
async fn the_longest_wait_counts() {
    let pause = Pause::default();
    assert_eq!(pause.left(), None);
    for (asked, left) in [(5, 5), (1, 5), (7, 7)] {
        pause.clone().begin(Duration::from_secs(asked));
        assert_eq!(pause.left(), Some(Duration::from_secs(left)));
    }
    advance(Duration::from_secs(7)).await;
    assert_eq!(pause.left(), None);
}

/// Waits grow up to the longest, and chance only ever shortens them; so they do for who asks for no
/// wait at all.
#[tokio::test(start_paused = true)]
async fn waits_grow_and_are_bounded() {
    for asked in [None, Some(Duration::ZERO)] {
        let (outcome, time) = after(20, asked).await;
        assert_eq!(outcome, Ok(()));
        // 1, 2, 4, 8, 16, then 30 each.
        let longest = Duration::from_secs(31 + 15 * 30);
        assert!(time < longest, "{time:?}");
        // All of twenty parts taken by chance being nearly nothing does not happen.
        assert!(time > Duration::from_secs(30), "{time:?}");
    }
}

/// Silence is a failure that is repeated.
#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_timeout() {
    let silent = || std::future::pending::<Verdict<()>>();
    let outcome = send(&limited(5), silent, |_| {}).await;
    let expired = Failure::new("retry_expired", "no answer within the timeout");
    assert_eq!(outcome, Err(expired));
}

/// Without a limit nothing is ever given up.
#[tokio::test(start_paused = true)]
async fn nothing_expires_by_default() {
    let (outcome, time) = after(500, None).await;
    assert_eq!(outcome, Ok(()));
    assert!(time > Duration::from_secs(1800));
}

/// What will never be taken is tried once, and its failure is told.
#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_not_repeated() {
    let calls = AtomicUsize::new(0);
    let call = || {
        calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Verdict::<()>::GiveUp(down()))
    };
    assert_eq!(send(&policy(), call, |_| {}).await, Err(down()));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// `Retry-After` in both its forms; what is neither is as good as none.
#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    for (value, expected) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sunday, 06-Nov-94 08:49:57 GMT", Some(20)),
        ("Sun Nov  6 08:50:37 1994", Some(60)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
    ] {
        let headers: HeaderMap = [(RETRY_AFTER, value.parse().unwrap())]
            .into_iter()
            .collect();
        let expected = expected.map(Duration::from_secs);
        assert_eq!(retry_after(&headers, now), expected, "{value}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
}
