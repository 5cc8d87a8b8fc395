//! Requests to whoever keeps the series.

use std::sync::Arc;
use std::time::SystemTime;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use bytes::Bytes;
use eunomia_core::build::BuildContext;
use eunomia_core::component::ComponentError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::config::{ProtobufMessage, RemoteWriteSettings};
use super::encode::{Count, Request, Requests};
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
            let is_last = tokio::select! {
                _ = tick.tick() => false,
                _ = &mut stop => true,
            };
            self.write().await;
            if is_last {
                return;
            }
        }
    }

    /// Writes the page as it stands.
    pub(super) async fn write(&self) {
        for request in self.requests() {
            let samples = request.count.total();
            let body = Bytes::from(request.body);
            let attempt = || self.attempt(body.clone(), request.count);
            match send(&self.policy, attempt, |failure| self.failed(failure)).await {
                Ok(written) => {
                    self.stats.written(written);
                    self.stats
                        .dropped(samples.saturating_sub(written), NOT_WRITTEN);
                }
                Err(failure) => {
                    self.stats.dropped(samples, &failure.reason);
                    self.given_up(samples, &failure.message);
                }
            }
        }
    }

    fn requests(&self) -> Vec<Request> {
        let now = clock::wall();
        let mut requests = Requests::new(&self.settings, self.page.identity(), now);
        // Older receivers know no other names.
        let utf8 = self.settings.protobuf_message == ProtobufMessage::V2;
        requests.end_series(true);
        self.page.show_gone(utf8, &mut requests);
        requests.end_series(false);
        self.page.show(utf8, now, &mut requests);
        requests.finish()
    }

    async fn attempt(&self, body: Bytes, count: Count) -> Verdict<u64> {
        // A file with a token may be there again in a moment.
        let headers = match self.headers().await {
            Ok(headers) => headers,
            Err(failure) => return Verdict::Retry(failure, None),
        };
        let mut request = axum::http::Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        match self.client.send(request).await {
            Ok(answer) => self.verdict(&answer, count),
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

    /// How many samples were taken, or what is to be done.
    fn verdict(&self, answer: &Answer, count: Count) -> Verdict<u64> {
        let status = answer.status;
        if status.is_success() {
            return Verdict::Done(self.written(answer, count));
        }
        let failure = answer.failure(&first_line(&answer.body));
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Verdict::Retry(failure, retry_after(&answer.headers, SystemTime::now()));
        }
        Verdict::GiveUp(failure)
    }

    /// What the answer says was taken. Remote write 2 tells; where it does not,
    /// the receiver is an older one that found nothing in the message.
    fn written(&self, answer: &Answer, count: Count) -> u64 {
        if self.settings.protobuf_message == ProtobufMessage::V1 {
            return count.total();
        }
        let number = |name: &str| {
            let text = answer.headers.get(name)?.to_str().ok()?;
            text.trim().parse::<u64>().ok()
        };
        let samples = number(SAMPLES_WRITTEN).unwrap_or(0).min(count.samples);
        let histograms = number(HISTOGRAMS_WRITTEN).unwrap_or(0);
        let written = samples + histograms.min(count.histograms);
        if written < count.total() && self.log.passes() {
            let (endpoint, sent) = (&*self.settings.endpoint, count.total());
            tracing::warn!(
                endpoint,
                sent,
                written,
                "remote write 2: the receiver did not take everything; does it understand it?"
            );
        }
        written
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

    fn given_up(&self, samples: u64, error: &str) {
        if self.log.passes() {
            let endpoint = &*self.settings.endpoint;
            tracing::warn!(
                endpoint,
                samples,
                error,
                "remote write: a request is given up"
            );
        }
    }
}

/// What the other side says about a failure, for a line of the log.
fn first_line(body: &[u8]) -> String {
    const LONGEST: usize = 256;
    let body = body.get(..LONGEST).unwrap_or(body);
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_shown = |c: &char| !c.is_control();
    String::from_utf8_lossy(line)
        .chars()
        .filter(is_shown)
        .collect()
}
