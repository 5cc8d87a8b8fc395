//! Requests to their receiver: collected for a moment, several on their way,
//! repeated as the specification says.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter, Host};
use eunomia_core::queue::QueueReader;

use super::answer::Refused;
use super::batcher::{Addressed, Batcher};
use super::config::OtlpConfig;
use super::http::Path;
use super::link::Link;
use super::service::Service;
use crate::net::{Failure, Policy, send};
use crate::shipping::{Pace, Parcel, ship};
use crate::throttle::Throttle;

/// How long an event waits for others to share its request.
const LINGER: Duration = Duration::from_millis(200);
/// So many are enough to fill a request.
const ENOUGH: usize = 8192;

#[derive(Debug)]
pub(super) struct OtlpExporter {
    config: OtlpConfig,
    id: Arc<str>,
    host: Arc<Host>,
    links: Option<Links>,
}

/// The way to each service.
#[derive(Clone, Debug)]
struct Links {
    logs: Way,
    metrics: Way,
}

/// The way to a receiver; services that share it leave it alone together.
#[derive(Clone, Debug)]
struct Way {
    link: Link,
    policy: Policy,
}

impl OtlpExporter {
    pub(super) fn new(config: OtlpConfig, context: &BuildContext) -> Self {
        Self {
            config,
            id: Arc::clone(&context.id),
            host: Arc::clone(&context.host),
            links: None,
        }
    }
}

impl Links {
    fn new(config: &OtlpConfig) -> Result<Self, ComponentError> {
        let way = |endpoint, path| {
            let link = Link::new(config, endpoint, path).map_err(ComponentError::failed)?;
            let policy = Policy::new(config.timeout.0, config.retry);
            Ok(Way { link, policy })
        };
        let common = way(config.common_endpoint(), Path::Base)?;
        let way = |service| match config.own_endpoint_of(service) {
            Some(own) => way(own, Path::Whole),
            None => Ok(common.clone()),
        };
        Ok(Self {
            logs: way(Service::Logs)?,
            metrics: way(Service::Metrics)?,
        })
    }

    fn of(&self, service: Service) -> &Way {
        match service {
            Service::Logs => &self.logs,
            Service::Metrics => &self.metrics,
        }
    }
}

#[async_trait]
impl Exporter for OtlpExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.links = Some(Links::new(&self.config)?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, queue: QueueReader) -> Result<(), ComponentError> {
        let links = match self.links.take() {
            Some(links) => links,
            None => Links::new(&self.config)?,
        };
        let max_bytes = usize::try_from(self.config.max_request_bytes.0).unwrap_or(usize::MAX);
        let max_in_flight = usize::try_from(self.config.max_in_flight).unwrap_or(1);
        let batcher = Batcher::new(&self.host, max_bytes, self.config.protocol.format());
        let sender = Sender {
            links,
            id: self.id,
            config: Arc::new(self.config),
            log: Throttle::default(),
        };
        let pace = Pace {
            linger: LINGER,
            enough: ENOUGH,
            max_in_flight,
        };
        ship(queue, batcher, pace, |parcel| sender.clone().send(parcel)).await;
        Ok(())
    }
}

/// Sends one parcel and books what became of it.
#[derive(Clone)]
struct Sender {
    links: Links,
    id: Arc<str>,
    config: Arc<OtlpConfig>,
    log: Throttle,
}

impl Sender {
    async fn send(self, mut parcel: Parcel<Addressed>) {
        let Addressed { service, request } = &mut parcel.request;
        let (service, items) = (*service, request.items);
        let body = mem::take(&mut request.body);
        match self.deliver(service, body).await {
            Ok(refused) => {
                if refused.items > 0 || !refused.message.is_empty() {
                    self.refused(service, refused.items, &refused.message);
                }
                parcel.delivered(refused.items);
            }
            Err(failure) => {
                self.refused(service, items, &failure.message);
                parcel.dropped(&failure.reason);
            }
        }
    }

    async fn deliver(&self, service: Service, body: Vec<u8>) -> Result<Refused, Failure> {
        let Way { link, policy } = self.links.of(service);
        let request = link.prepare(body);
        let request = request.map_err(|error| Failure::new("not_compressed", error.to_string()))?;
        let call = || link.call(service, request.clone());
        send(policy, call, |failure| self.waits(service, failure)).await
    }

    fn waits(&self, service: Service, failure: &Failure) {
        if self.log.passes() {
            let (exporter, endpoint) = (&*self.id, self.config.endpoint_of(service));
            let error = &failure.message;
            tracing::warn!(
                exporter,
                endpoint,
                error,
                "a request failed and is sent again"
            );
        }
    }

    fn refused(&self, service: Service, items: usize, error: &str) {
        if self.log.passes() {
            let (exporter, endpoint) = (&*self.id, self.config.endpoint_of(service));
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
