//! Requests to their server: collected for a moment, several on their way, each
//! repeated, halved or dropped as the answer asks for.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request as HttpRequest, Uri};
use bytes::Bytes;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter, Host};
use eunomia_core::queue::QueueReader;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::admin::Admin;
use super::answer::{Fate, fate, with};
use super::api::write_path;
use super::collect::{Lines, TOO_LARGE};
use super::config::InfluxdbConfig;
use super::encode::Request;
use crate::net::{Credentials, Endpoint, Failure, HttpClient, Policy, Verdict, send};
use crate::shipping::{Pace, Parcel, ship};
use crate::throttle::Throttle;

const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

#[derive(Debug)]
pub(super) struct InfluxdbExporter {
    config: InfluxdbConfig,
    id: Arc<str>,
    host: Arc<Host>,
    writer: Option<Writer>,
}

impl InfluxdbExporter {
    pub(super) fn new(config: InfluxdbConfig, context: &BuildContext) -> Self {
        Self {
            config,
            id: Arc::clone(&context.id),
            host: Arc::clone(&context.host),
            writer: None,
        }
    }
}

#[async_trait]
impl Exporter for InfluxdbExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.writer = Some(Writer::new(&self.config, &self.id)?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, queue: QueueReader) -> Result<(), ComponentError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => Writer::new(&self.config, &self.id)?,
        };
        let settings = self.config.line_settings();
        let pace = Pace {
            linger: self.config.linger.0,
            enough: settings.max_lines,
            max_in_flight: usize::try_from(self.config.max_in_flight).unwrap_or(1),
        };
        // Ends with this function: nobody waits for a look at the server.
        let mut look = JoinSet::new();
        look.spawn(writer.clone().look());
        let lines = Lines::new(&self.host, &settings);
        ship(queue, lines, pace, |parcel| writer.clone().send(parcel)).await;
        Ok(())
    }
}

/// Sends parcels and books what became of them.
#[derive(Clone, Debug)]
struct Writer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: InfluxdbConfig,
    id: Arc<str>,
    client: HttpClient,
    uri: Uri,
    credentials: Credentials,
    admin: Option<Admin>,
    /// Held while a bucket is made: one is enough.
    making: Mutex<()>,
    policy: Policy,
    log: Throttle,
}

/// How a request ended that was answered.
enum End {
    Written { rejected: usize, said: String },
    TooLarge,
}

impl Writer {
    fn new(config: &InfluxdbConfig, id: &Arc<str>) -> Result<Self, ComponentError> {
        let wrong =
            |error: &str| ComponentError::failed(format!("write to {}: {error}", config.endpoint));
        let endpoint = Endpoint::parse(&config.endpoint).ok_or_else(|| wrong("no address"))?;
        let client = HttpClient::new(&endpoint, &config.tls).map_err(|error| wrong(&error))?;
        let path = format!("{}{}", endpoint.path(), write_path(config));
        Ok(Self(Arc::new(Shared {
            client,
            uri: endpoint.at(&path),
            credentials: config.auth(&config.all_headers()).credentials(),
            admin: Admin::new(config),
            making: Mutex::new(()),
            policy: Policy::new(config.timeout.0, config.retry),
            log: Throttle::default(),
            id: Arc::clone(id),
            config: config.clone(),
        })))
    }

    /// Says how the server is, and makes the bucket if it is to be made.
    async fn look(self) {
        let Some(admin) = &self.0.admin else { return };
        let (exporter, endpoint) = (&*self.0.id, &*self.0.config.endpoint);
        match admin.health().await {
            Ok(version) => tracing::info!(exporter, endpoint, version, "InfluxDB is ready"),
            Err(error) => {
                tracing::warn!(exporter, endpoint, error, "InfluxDB is not ready yet");
                return;
            }
        }
        match admin.has_bucket().await {
            Ok(true) => {}
            Ok(false) if self.0.config.create_bucket => {
                // The first write that fails says why.
                self.make_bucket().await.unwrap_or_default();
            }
            Ok(false) => {
                let remedy = self.remedy();
                tracing::warn!(exporter, endpoint, remedy, "there is no such bucket");
            }
            Err(error) => {
                tracing::debug!(
                    exporter,
                    endpoint,
                    error,
                    "the bucket could not be looked up"
                );
            }
        }
    }

    async fn send(self, parcel: Parcel<Request>) {
        let mut left = vec![parcel];
        while let Some(parcel) = left.pop() {
            match self.deliver(&parcel.request).await {
                Ok(End::Written { rejected, said }) => {
                    self.refused(rejected, &said);
                    parcel.delivered(rejected);
                }
                Ok(End::TooLarge) => left.extend(self.halve(parcel)),
                Err(failure) => {
                    self.refused(parcel.request.items(), &failure.message);
                    parcel.dropped(&failure.reason);
                }
            }
        }
    }

    /// What is to be sent in place of a parcel that is too large, the last first.
    fn halve(&self, mut parcel: Parcel<Request>) -> Vec<Parcel<Request>> {
        let Some(request) = parcel.request.halve() else {
            self.refused(1, "the server takes no request as large as this event");
            parcel.dropped(TOO_LARGE);
            return Vec::new();
        };
        let second = parcel.split_off(parcel.request.items(), request);
        vec![second, parcel]
    }

    async fn deliver(&self, request: &Request) -> Result<End, Failure> {
        let config = &self.0.config;
        let body = config.compression.compress(&request.body);
        let body = body.map_err(|error| Failure::new("not_compressed", error.to_string()))?;
        let body = Bytes::from(body.into_owned());
        let items = request.items();
        let call = || self.call(body.clone(), items);
        send(&self.0.policy, call, |failure| self.waits(failure)).await
    }

    /// Sends a request once.
    async fn call(&self, body: Bytes, items: usize) -> Verdict<End> {
        let shared = &*self.0;
        let mut request = HttpRequest::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = shared.uri.clone();
        *request.headers_mut() = match shared.credentials.headers().await {
            Ok(headers) => headers,
            Err(failure) => return Verdict::Retry(failure, None),
        };
        request.headers_mut().insert(CONTENT_TYPE, PLAIN_TEXT);
        if let Some(encoding) = shared.config.compression.encoding() {
            let encoding = HeaderValue::from_static(encoding);
            request.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        match shared.client.send(request).await {
            Ok(answer) => self.judge(fate(&answer, items, SystemTime::now())).await,
            Err(no_answer) => no_answer.into(),
        }
    }

    async fn judge(&self, fate: Fate) -> Verdict<End> {
        match fate {
            Fate::Written { rejected, said } => Verdict::Done(End::Written { rejected, said }),
            Fate::TooLarge(_) => Verdict::Done(End::TooLarge),
            Fate::Overloaded(failure, asked) => {
                Verdict::Retry(failure, Some(asked.unwrap_or_default()))
            }
            Fate::Later(failure) => Verdict::Retry(failure, None),
            Fate::NoBucket(failure) if self.0.config.create_bucket => {
                match self.make_bucket().await {
                    Ok(()) => Verdict::Retry(failure, None),
                    Err(error) => {
                        Verdict::Retry(with(failure, &format!("it cannot be made: {error}")), None)
                    }
                }
            }
            Fate::NoBucket(failure) => Verdict::Retry(with(failure, &self.remedy()), None),
            Fate::Refused(failure) => Verdict::GiveUp(failure),
        }
    }

    async fn make_bucket(&self) -> Result<(), String> {
        let Some(admin) = &self.0.admin else {
            return Err("this endpoint cannot be asked to".into());
        };
        let _making = self.0.making.lock().await;
        // Somebody else may have made it while we waited.
        if admin.has_bucket().await? {
            return Ok(());
        }
        admin.create_bucket().await?;
        let (exporter, bucket) = (&*self.0.id, &*self.0.config.bucket);
        tracing::info!(exporter, bucket, "made the bucket");
        Ok(())
    }

    /// What to do about a bucket that is not there.
    fn remedy(&self) -> String {
        let InfluxdbConfig { bucket, org, .. } = &self.0.config;
        if org.is_empty() {
            return format!("please make the database {bucket}");
        }
        format!(
            "please make the bucket {bucket} of the organisation {org}, or set create_bucket: true"
        )
    }

    fn waits(&self, failure: &Failure) {
        if self.0.log.passes() {
            let (exporter, endpoint) = (&*self.0.id, &*self.0.config.endpoint);
            let error = &*failure.message;
            tracing::warn!(
                exporter,
                endpoint,
                error,
                "a request failed and is sent again"
            );
        }
    }

    fn refused(&self, items: usize, error: &str) {
        if items > 0 && self.0.log.passes() {
            let (exporter, endpoint) = (&*self.0.id, &*self.0.config.endpoint);
            tracing::warn!(exporter, endpoint, items, error, "InfluxDB refused items");
        }
    }
}
