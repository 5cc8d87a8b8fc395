//! Sending a request until it is taken, refused or given up.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;
use eunomia_core::config::{self, Check};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::pause::Pause;

/// The longest time that the other side can make us wait.
const MAX_ASKED: Duration = Duration::from_secs(600);

/// When a request is sent again that the other side could not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// The longest wait before the first repetition; it doubles each time, and
    /// chance takes a part of it. Default 1s, more than zero.
    pub initial: config::Duration,
    /// The longest wait. Default 30s.
    pub max: config::Duration,
    /// When a request is given up; 0s is never. Default 0s: the queue bounds what
    /// waits.
    pub max_elapsed: config::Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            initial: config::Duration::seconds(1),
            max: config::Duration::seconds(30),
            max_elapsed: config::Duration::default(),
        }
    }
}

impl RetrySettings {
    /// Refuses what cannot be; `retry` stands under `keys` of the settings that
    /// `check` is of.
    pub(crate) fn check(&self, keys: &[&str], check: &mut Check<'_>) {
        let at = |key| [keys, &["retry", key]].concat();
        if self.initial.0.is_zero() {
            check.refuse(&at("initial"), "expected more than zero");
        }
        if self.max.0 < self.initial.0 {
            check.refuse(&at("max"), "expected at least retry.initial");
        }
    }
}

/// How requests are sent to one peer; clones share the time for which it asks to
/// be left alone.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    timeout: Duration,
    retry: RetrySettings,
    pause: Pause,
}

impl Policy {
    /// One attempt may take `timeout`; `retry` says what follows when it failed.
    pub(crate) fn new(timeout: Duration, retry: RetrySettings) -> Self {
        Self {
            timeout,
            retry,
            pause: Pause::default(),
        }
    }

    /// The same peer asked once: what it does not take within `timeout` is given up.
    pub(crate) fn once(&self, timeout: Duration) -> Self {
        let max_elapsed = config::Duration(Duration::from_nanos(1));
        Self {
            timeout,
            retry: RetrySettings {
                max_elapsed,
                ..self.retry
            },
            pause: self.pause.clone(),
        }
    }

    /// Whether a request that began at `begin` may wait so long.
    fn allows(&self, begin: Instant, wait: Duration) -> bool {
        let limit = self.retry.max_elapsed.0;
        limit.is_zero() || begin.elapsed() + wait <= limit
    }
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The reason in the account, should what it carried be dropped.
    pub(crate) reason: Cow<'static, str>,
    /// What the log says.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            message: message.into(),
        }
    }
}

/// What one attempt led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict<T> {
    /// The other side took it, and said so much about it.
    Done(T),
    /// Send it again. Where the other side asked for time, nobody sends it anything
    /// before that is over.
    Retry(Failure, Option<Duration>),
    /// It will never be taken.
    GiveUp(Failure),
}

/// Sends a request by `call` until it is taken or given up; `failed` is told of
/// every failure after which it is sent again.
///
/// # Errors
/// Why it was given up.
pub(crate) async fn send<T, C: Future<Output = Verdict<T>>>(
    policy: &Policy,
    mut call: impl FnMut() -> C,
    mut failed: impl FnMut(&Failure),
) -> Result<T, Failure> {
    let begin = Instant::now();
    let mut wait = policy.retry.initial.0;
    loop {
        if let Some(left) = policy.pause.left() {
            if !policy.allows(begin, left) {
                return Err(expired("the other side asked for time".to_owned()));
            }
            sleep(left).await;
            continue;
        }
        let verdict = timeout(policy.timeout, call()).await;
        let (failure, asked) = match verdict {
            Ok(Verdict::Done(taken)) => return Ok(taken),
            Ok(Verdict::GiveUp(failure)) => return Err(failure),
            Ok(Verdict::Retry(failure, asked)) => (failure, asked),
            Err(_) => (
                Failure::new("timeout", "no answer within the timeout"),
                None,
            ),
        };
        // A server that asks for no wait at all, or whose clock is behind ours, gets ours.
        let own = jittered(wait, random());
        let delay = asked.map_or(own, |asked| asked.min(MAX_ASKED).max(own));
        if asked.is_some() {
            policy.pause.begin(delay);
        }
        if !policy.allows(begin, delay) {
            return Err(expired(failure.message));
        }
        failed(&failure);
        sleep(delay).await;
        wait = (wait * 2).min(policy.retry.max.0);
    }
}

fn expired(message: String) -> Failure {
    Failure::new("retry_expired", message)
}

/// The time that an answer's `Retry-After` asks for at `now`: seconds or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // A moment that is over is now.
    Some(date.duration_since(now).unwrap_or_default())
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
