//! Sending a request until it is taken, refused or given up.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;

use super::config::RetrySettings;
use super::status::{Refused, Verdict, refused, verdict};

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) timeout: Duration,
    pub(super) retry: RetrySettings,
}

/// How a request ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was taken, all but what was refused.
    Taken(Refused),
    /// It will never be taken.
    Refused(Status),
    /// It could not be sent for longer than is waited.
    Expired(Status),
}

/// Sends a request by `call` until it has an outcome; `failed` is told of every
/// failure after which it is sent again.
pub(super) async fn send<C: Future<Output = Result<Bytes, Status>>>(
    policy: Policy,
    mut call: impl FnMut() -> C,
    mut failed: impl FnMut(&Status),
) -> Outcome {
    let begin = Instant::now();
    let mut wait = policy.retry.initial.0;
    loop {
        let late = |_| Status::deadline_exceeded("no answer within the timeout");
        let answer = timeout(policy.timeout, call())
            .await
            .unwrap_or_else(|e| Err(late(e)));
        let status = match answer {
            Ok(response) => return Outcome::Taken(refused(&response)),
            Err(status) => status,
        };
        let Verdict::Retry(asked) = verdict(&status) else {
            return Outcome::Refused(status);
        };
        let delay = asked.unwrap_or_else(|| jittered(wait, random()));
        let limit = policy.retry.max_elapsed.0;
        if !limit.is_zero() && begin.elapsed() + delay > limit {
            return Outcome::Expired(status);
        }
        failed(&status);
        sleep(delay).await;
        wait = (wait * 2).min(policy.retry.max.0);
    }
}

/// A part of `wait`, so that not everybody who lost the same server comes back
/// in the same moment.
fn jittered(wait: Duration, random: u64) -> Duration {
    let nanos = u128::from(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
    let part = (nanos * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}

/// The seed of std's hash maps is different each time: random enough to spread
/// load.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
