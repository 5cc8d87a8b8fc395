//! Requests to their receiver: collected for a moment, several on their way,
//! repeated as the specification says.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter, Host};
use eunomia_core::queue::QueueReader;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::batcher::{Batcher, Parcel, Service};
use super::codec::RawCodec;
use super::config::{Compression, OtlpConfig};
use super::retry::{Outcome, Policy, send};
use crate::throttle::Throttle;

/// How long an event waits for others to share its request.
const LINGER: Duration = Duration::from_millis(200);
/// So many are enough to fill a request.
const ENOUGH: usize = 8192;

impl Service {
    fn path(self) -> &'static str {
        match self {
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

#[derive(Debug)]
pub(super) struct OtlpExporter {
    config: OtlpConfig,
    id: Arc<str>,
    host: Arc<Host>,
    link: Option<Link>,
}

/// The connection, made when it is needed and made anew when it breaks.
#[derive(Clone, Debug)]
struct Link {
    channel: Channel,
    headers: MetadataMap,
    compression: Compression,
}

impl OtlpExporter {
    pub(super) fn new(config: OtlpConfig, context: &BuildContext) -> Self {
        Self {
            config,
            id: Arc::clone(&context.id),
            host: Arc::clone(&context.host),
            link: None,
        }
    }
}

impl Link {
    fn new(config: &OtlpConfig) -> Result<Self, ComponentError> {
        let wrong = |error: &dyn std::fmt::Display| {
            ComponentError::failed(format!("send to {}: {error}", config.endpoint))
        };
        let mut headers = MetadataMap::new();
        for (name, value) in &config.headers {
            let name = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(|e| wrong(&e))?;
            let mut value = AsciiMetadataValue::try_from(value.reveal()).map_err(|e| wrong(&e))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let endpoint = Endpoint::from_shared(config.endpoint.clone())
            .and_then(|it| it.user_agent(concat!("eunomia-pipeline/", env!("CARGO_PKG_VERSION"))))
            .map_err(|error| wrong(&error))?;
        Ok(Self {
            channel: endpoint.connect_timeout(config.timeout.0).connect_lazy(),
            headers,
            compression: config.compression,
        })
    }

    async fn call(self, service: Service, body: Bytes) -> Result<Bytes, Status> {
        let mut grpc = Grpc::new(self.channel);
        if self.compression == Compression::Gzip {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip);
        }
        grpc = grpc.accept_compressed(CompressionEncoding::Gzip);
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(reason(&error)))?;
        let mut request = tonic::Request::new(body);
        *request.metadata_mut() = self.headers;
        let path = PathAndQuery::from_static(service.path());
        let response = grpc.unary(request, path, RawCodec).await?;
        Ok(response.into_inner())
    }
}

/// The innermost cause: the others say only that there was one.
fn reason(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[async_trait]
impl Exporter for OtlpExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.link = Some(Link::new(&self.config)?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, queue: QueueReader) -> Result<(), ComponentError> {
        let link = match self.link.take() {
            Some(link) => link,
            None => Link::new(&self.config)?,
        };
        let max_bytes = usize::try_from(self.config.max_request_bytes.0).unwrap_or(usize::MAX);
        let sender = Sender {
            link,
            policy: Policy {
                timeout: self.config.timeout.0,
                retry: self.config.retry,
            },
            id: self.id,
            endpoint: self.config.endpoint.as_str().into(),
            log: Throttle::default(),
        };
        Shipping {
            batcher: Batcher::new(&self.host, max_bytes),
            sender,
            on_their_way: JoinSet::new(),
            max_in_flight: usize::try_from(self.config.max_in_flight).unwrap_or(1),
            due: None,
        }
        .run(queue)
        .await;
        Ok(())
    }
}

/// The exporter at work.
struct Shipping {
    batcher: Batcher,
    sender: Sender,
    on_their_way: JoinSet<()>,
    max_in_flight: usize,
    /// When the events that wait are sent, however few they are.
    due: Option<Instant>,
}

impl Shipping {
    async fn run(mut self, mut queue: QueueReader) {
        loop {
            let due = self.due;
            tokio::select! {
                delivery = queue.next() => match delivery {
                    Some(delivery) => {
                        let full = self.batcher.add(delivery);
                        for parcel in full {
                            self.ship(parcel).await;
                        }
                        if self.batcher.waiting() >= ENOUGH {
                            self.flush().await;
                        }
                    }
                    None => break,
                },
                () = at(due) => self.flush().await,
                Some(_) = self.on_their_way.join_next() => {}
            }
            self.due = match self.batcher.waiting() {
                0 => None,
                _ => self.due.or_else(|| Some(Instant::now() + LINGER)),
            };
        }
        self.flush().await;
        while self.on_their_way.join_next().await.is_some() {}
    }

    async fn flush(&mut self) {
        self.due = None;
        if let Some(parcel) = self.batcher.flush() {
            self.ship(parcel).await;
        }
    }

    /// Sends `parcel` as soon as not too many others are on their way.
    async fn ship(&mut self, parcel: Parcel) {
        while self.on_their_way.len() >= self.max_in_flight {
            if self.on_their_way.join_next().await.is_none() {
                break;
            }
        }
        self.on_their_way.spawn(self.sender.clone().send(parcel));
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Sends one parcel and books what became of it.
#[derive(Clone)]
struct Sender {
    link: Link,
    policy: Policy,
    id: Arc<str>,
    endpoint: Arc<str>,
    log: Throttle,
}

impl Sender {
    async fn send(self, mut parcel: Parcel) {
        let body = Bytes::from(std::mem::take(&mut parcel.request.body));
        let service = parcel.service;
        let call = || self.link.clone().call(service, body.clone());
        let outcome = send(self.policy, call, |status| self.waits(status)).await;
        match outcome {
            Outcome::Taken(refused) => {
                if refused.items > 0 || !refused.message.is_empty() {
                    self.refused(refused.items, &refused.message);
                }
                parcel.delivered(refused.items);
            }
            Outcome::Refused(status) => {
                self.refused(parcel.request.items, status.message());
                parcel.dropped(code_name(status.code()));
            }
            Outcome::Expired(status) => {
                self.refused(parcel.request.items, status.message());
                parcel.dropped("retry_expired");
            }
        }
    }

    fn waits(&self, status: &Status) {
        if self.log.passes() {
            let (exporter, endpoint) = (&*self.id, &*self.endpoint);
            let error = match status.source() {
                Some(source) => reason(source),
                None => status.message().to_owned(),
            };
            let code = code_name(status.code());
            tracing::warn!(
                exporter,
                endpoint,
                code,
                error,
                "a request failed and is sent again"
            );
        }
    }

    fn refused(&self, items: usize, error: &str) {
        if self.log.passes() {
            let (exporter, endpoint) = (&*self.id, &*self.endpoint);
            tracing::warn!(
                exporter,
                endpoint,
                items,
                error,
                "the other side refused items"
            );
        }
    }
}

/// The reason in the account.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
