//! Requests to whoever keeps the series.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use eunomia_core::build::BuildContext;
use eunomia_core::component::ComponentError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::config::{ProtobufMessage, RemoteWriteSettings};
use super::encode::{Count, Request, encode_remote_write};
use super::stats::WriteStats;
use crate::net::{
    Answer, Credentials, Endpoint, Failure, HttpClient, Policy, Verdict, retry_after, send,
};
use crate::prometheus::clock;
use crate::prometheus::page::Page;
use crate::throttle::Throttle;

/// Says which version of the protocol a request is of.
const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");
/// What a receiver of remote write 2 says that it took.
const SAMPLES_WRITTEN: &str = "x-prometheus-remote-write-samples-written";
const HISTOGRAMS_WRITTEN: &str = "x-prometheus-remote-write-histograms-written";
/// Why samples were dropped that a receiver answered to have taken.
const NOT_WRITTEN: &str = "not_written";

/// Why they were dropped when the program ended.
const STOPPED: &str = "stopped";
/// How long the last write may take.
const LAST: std::time::Duration = std::time::Duration::from_secs(2);

/// What became of a request that is not sent again.
struct Taken {
    written: u64,
    /// Why the others were not.
    others: Failure,
}

/// Sends the page, again and again.
#[derive(Debug)]
pub(in crate::prometheus) struct RemoteWriter {
    settings: RemoteWriteSettings,
    page: Arc<Page>,
    client: HttpClient,
    uri: Uri,
    credentials: Credentials,
    policy: Policy,
    stats: Arc<WriteStats>,
    log: Throttle,
}

impl RemoteWriter {
    /// A writer of `page`.
    ///
    /// # Errors
    /// What is wrong with endpoint or certificates.
    pub(in crate::prometheus) fn new(
        settings: &RemoteWriteSettings,
        page: &Arc<Page>,
        context: &BuildContext,
    ) -> Result<Self, ComponentError> {
        let wrong = |error: String| {
            ComponentError::failed(format!("write to {}: {error}", settings.endpoint))
        };
        let endpoint = Endpoint::parse(&settings.endpoint);
        let endpoint = endpoint.ok_or_else(|| wrong("it is no address".into()))?;
        let stats = Arc::new(WriteStats::new(&context.id, clock::wall()));
        context.accounts.register(Arc::<WriteStats>::clone(&stats));
        Ok(Self {
            client: HttpClient::new(&endpoint, &settings.tls).map_err(wrong)?,
            uri: endpoint.at(endpoint.path()),
            credentials: settings.auth().credentials(),
            policy: Policy::new(settings.timeout.0, settings.retry),
            settings: settings.clone(),
            page: Arc::clone(page),
            stats,
            log: Throttle::default(),
        })
    }

    /// Writes every interval, and a last time when the other end of `stop` is
    /// gone. Moments that pass while a request waits are left out.
    pub(in crate::prometheus) async fn run(&self, mut stop: oneshot::Receiver<()>) {
        let mut tick = interval(self.settings.interval.0);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The first comes at once, before there is anything to tell.
        tick.tick().await;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = &mut stop => break,
            }
            let mut requests = self.requests();
            tokio::select! {
                () = self.write(&self.policy, &mut requests) => {}
                _ = &mut stop => {
                    self.stopped(&requests);
                    break;
                }
            }
        }
        self.write_last().await;
    }

    /// Writes the page as it stands. Nobody waits for a receiver that does not
    /// take it: what the page tells is not worth holding up the end.
    pub(super) async fn write_last(&self) {
        let limit = self.settings.timeout.0.min(LAST);
        let mut requests = self.requests();
        let write = async {
            self.write(&self.policy.once(limit), &mut requests).await;
        };
        if timeout(limit, write).await.is_err() {
            self.stopped(&requests);
        }
    }

    /// Sends `requests`, each taken out when it is known what became of it.
    pub(super) async fn write(&self, policy: &Policy, requests: &mut VecDeque<Request>) {
        while let Some(request) = requests.front() {
            self.write_one(policy, request).await;
            requests.pop_front();
        }
    }

    async fn write_one(&self, policy: &Policy, request: &Request) {
        let samples = request.count.total();
        // What a receiver took that asks to be sent all of it again.
        let told = AtomicU64::new(0);
        let attempt = || self.attempt(request, &told);
        match send(policy, attempt, |failure| self.failed(failure)).await {
            Ok(taken) => {
                self.stats.written(taken.written);
                let others = samples.saturating_sub(taken.written);
                self.stats.dropped(others, &taken.others.reason);
                if others > 0 {
                    self.not_written(taken.written, others, &taken.others.message);
                }
            }
            Err(failure) => {
                let written = told.into_inner();
                self.stats.written(written);
                let others = samples.saturating_sub(written);
                self.stats.dropped(others, &failure.reason);
                self.not_written(written, others, &failure.message);
            }
        }
    }

    fn stopped(&self, requests: &VecDeque<Request>) {
        let samples: u64 = requests.iter().map(|request| request.count.total()).sum();
        self.stats.dropped(samples, STOPPED);
        self.not_written(0, samples, "the program ends");
    }

    pub(super) fn requests(&self) -> VecDeque<Request> {
        encode_remote_write(&self.page, &self.settings, clock::wall()).into()
    }

    async fn attempt(&self, request: &Request, told: &AtomicU64) -> Verdict<Taken> {
        // A file with a token may be there again in a moment.
        let headers = match self.headers().await {
            Ok(headers) => headers,
            Err(failure) => return Verdict::Retry(failure, None),
        };
        let mut post = axum::http::Request::new(request.body.clone());
        *post.method_mut() = Method::POST;
        *post.uri_mut() = self.uri.clone();
        *post.headers_mut() = headers;
        match self.client.send(post).await {
            Ok(answer) => self.verdict(&answer, request.count, told),
            Err(no_answer) => no_answer.into(),
        }
    }

    async fn headers(&self) -> Result<HeaderMap, Failure> {
        let (content_type, version) = match self.settings.protobuf_message {
            ProtobufMessage::V1 => ("application/x-protobuf", "0.1.0"),
            ProtobufMessage::V2 => (
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                "2.0.0",
            ),
        };
        let mut headers = self.credentials.headers().await?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        headers.insert(VERSION, HeaderValue::from_static(version));
        Ok(headers)
    }

    /// How many samples were taken, or what is to be done. What a receiver says
    /// that it took counts whatever the status is.
    fn verdict(&self, answer: &Answer, count: Count, told: &AtomicU64) -> Verdict<Taken> {
        let status = answer.status;
        let written = match self.settings.protobuf_message {
            ProtobufMessage::V1 if status.is_success() => count.total(),
            ProtobufMessage::V1 => 0,
            ProtobufMessage::V2 => written(&answer.headers, count),
        };
        if status.is_success() {
            let others = Failure::new(NOT_WRITTEN, "does it understand remote write 2?");
            return Verdict::Done(Taken { written, others });
        }
        let others = answer.failure(&answer.text());
        let is_repeated = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if is_repeated && written < count.total() {
            told.fetch_max(written, Ordering::Relaxed);
            return Verdict::Retry(others, retry_after(&answer.headers, SystemTime::now()));
        }
        Verdict::Done(Taken { written, others })
    }

    fn failed(&self, failure: &Failure) {
        if self.log.passes() {
            let (endpoint, error) = (&*self.settings.endpoint, &*failure.message);
            tracing::warn!(
                endpoint,
                error,
                "remote write: a request failed and is sent again"
            );
        }
    }

    fn not_written(&self, written: u64, samples: u64, error: &str) {
        if self.log.passes() {
            let endpoint = &*self.settings.endpoint;
            tracing::warn!(
                endpoint,
                written,
                samples,
                error,
                "remote write: samples are not taken"
            );
        }
    }
}

/// What `headers` say was taken of `count`. Where they say nothing, the receiver is
/// an older one that found nothing in the message.
fn written(headers: &HeaderMap, count: Count) -> u64 {
    let number = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        text.trim().parse::<u64>().ok()
    };
    let samples = number(SAMPLES_WRITTEN).unwrap_or(0).min(count.samples);
    let histograms = number(HISTOGRAMS_WRITTEN).unwrap_or(0);
    samples + histograms.min(count.histograms)
}
