//! When a request is sent again, on a clock that stands still.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use eunomia_core::config;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::otlp::config::RetrySettings;
use crate::otlp::retry::{Outcome, Policy, send};

fn policy() -> Policy {
    Policy {
        timeout: Duration::from_secs(10),
        retry: RetrySettings::default(),
    }
}

/// `google.rpc.Status` with a `RetryInfo` of so many seconds.
fn asking_for(code: Code, seconds: u8) -> Status {
    let name = b"type.googleapis.com/google.rpc.RetryInfo";
    let mut any = vec![0x0a, u8::try_from(name.len()).unwrap()];
    any.extend(name);
    any.extend([0x12, 4, 0x0a, 2, 0x08, seconds]);
    let mut details = vec![0x1a, u8::try_from(any.len()).unwrap()];
    details.extend(any);
    Status::with_details(code, "busy", Bytes::from(details))
}

/// Fails with `status` so many times, then takes the request; the time it took.
async fn after(failures: usize, status: Status, policy: Policy) -> (Outcome, Duration) {
    let begin = Instant::now();
    let calls = AtomicUsize::new(0);
    let call = || {
        let fails = calls.fetch_add(1, Ordering::Relaxed) < failures;
        let answer = if fails {
            Err(status.clone())
        } else {
            Ok(Bytes::new())
        };
        async move { answer }
    };
    let outcome = send(policy, call, |_| {}).await;
    (outcome, begin.elapsed())
}

/// The other side's wish is obeyed exactly.
#[tokio::test(start_paused = true)]
async fn retry_info_decides_the_wait() {
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        let (outcome, time) = after(3, asking_for(code, 7), policy()).await;
        assert!(matches!(outcome, Outcome::Taken(_)));
        assert_eq!(time, Duration::from_secs(21));
    }
}

/// Waits grow up to the longest, and chance only ever shortens them.
#[tokio::test(start_paused = true)]
async fn waits_grow_and_are_bounded() {
    let (outcome, time) = after(20, Status::unavailable("down"), policy()).await;
    assert!(matches!(outcome, Outcome::Taken(_)));
    // 1, 2, 4, 8, 16, then 30 each.
    let longest = Duration::from_secs(31 + 15 * 30);
    assert!(time < longest, "{time:?}");
    // All of twenty parts taken by chance being nearly nothing does not happen.
    assert!(time > Duration::from_secs(30), "{time:?}");
}

/// Silence is a failure that is repeated.
#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_timeout() {
    let limited = Policy {
        retry: RetrySettings {
            max_elapsed: config::Duration::seconds(5),
            ..RetrySettings::default()
        },
        ..policy()
    };
    let silent = || std::future::pending::<Result<Bytes, Status>>();
    let outcome = send(limited, silent, |_| {}).await;
    assert!(matches!(outcome, Outcome::Expired(status) if status.code() == Code::DeadlineExceeded));
}

/// Without a limit nothing is ever given up.
#[tokio::test(start_paused = true)]
async fn nothing_expires_by_default() {
    let (outcome, time) = after(500, Status::unavailable("down"), policy()).await;
    assert!(matches!(outcome, Outcome::Taken(_)));
    assert!(time > Duration::from_secs(1800));
}
