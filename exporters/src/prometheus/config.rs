//! What is written under `prometheus:`.

use std::net::SocketAddr;

use eunomia_core::build::{BuildContext, BuildExporter, PeerQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Duration, Settings};
use eunomia_core::container::CONTAINER_NAME;
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::PrometheusExporter;
use super::events::EVENT_LABEL;
use super::name::{TranslationStrategy, matching_name};
use super::write::RemoteWriteSettings;
use crate::net::{BasicAuth, TlsServerSettings};

/// Event counts and metric points as a page for Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "prometheus")]
pub struct PrometheusConfig {
    /// Where the page `/metrics` is served: `ADDRESS:PORT`. Default
    /// `127.0.0.1:9464`.
    pub endpoint: String,
    /// What `eunomia_events_total` is counted by: `event` and names of
    /// attributes. Default `event` and `container.name`.
    pub labels: Vec<String>,
    /// How many series a metric may have; beyond it they share one. Default
    /// 2000, from 1.
    pub series_limit: u32,
    /// How long a metric's series is shown that is not updated any more. Default
    /// 5m, from 10s.
    pub metric_expiration: Duration,
    /// How long a series of a container is shown after the container has ended:
    /// its last values are to be scraped once more. Default 1m, from 10s.
    pub container_expiration: Duration,
    /// How OpenTelemetry's names become Prometheus's. Default
    /// `UnderscoreEscapingWithSuffixes`.
    pub translation_strategy: TranslationStrategy,
    /// Which attributes of the resource, the machine or a metric's container,
    /// every series has as labels. Default none.
    pub resource_constant_labels: ResourceConstantLabels,
    /// Whether histograms by powers of two are native ones too where the scraper
    /// asks for protobuf. Default true.
    pub native_histograms: bool,
    /// The page's certificate, where it is served through TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsServerSettings>,
    /// A name and a password that a scraper must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// Where everything on the page is sent besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_write: Option<RemoteWriteSettings>,
    /// The queue in front of it; `when_full` is `drop_oldest` by default.
    pub queue: PeerQueue,
}

/// A choice of attributes by shell patterns: `*` and `?` stand for any characters
/// and for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceConstantLabels {
    /// Those that are labels. Default none, or all if `excluded` says which are
    /// not.
    pub included: Vec<String>,
    /// Those that are not, whatever `included` says.
    pub excluded: Vec<String>,
}

impl Default for PrometheusConfig {
    fn default() -> Self {
        Self {
            endpoint: "127.0.0.1:9464".into(),
            labels: vec![EVENT_LABEL.into(), CONTAINER_NAME.into()],
            series_limit: 2000,
            metric_expiration: Duration::seconds(300),
            container_expiration: Duration::seconds(60),
            translation_strategy: TranslationStrategy::default(),
            resource_constant_labels: ResourceConstantLabels::default(),
            native_histograms: true,
            tls: None,
            basic_auth: None,
            remote_write: None,
            queue: PeerQueue::default(),
        }
    }
}

impl Settings for PrometheusConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.endpoint.parse::<SocketAddr>().is_err() {
            check.refuse(
                &["endpoint"],
                "expected an address with a port such as 127.0.0.1:9464",
            );
        }
        if self.series_limit == 0 {
            check.refuse(&["series_limit"], "expected 1 or more");
        }
        for (key, expiration) in [
            ("metric_expiration", self.metric_expiration),
            ("container_expiration", self.container_expiration),
        ] {
            if expiration.0.as_secs() < 10 {
                check.refuse(&[key], "expected 10s or more");
            }
        }
        if let Some(tls) = &self.tls {
            tls.check(&["tls"], check);
        }
        if let Some(basic) = &self.basic_auth {
            basic.check(&["basic_auth"], check);
        }
        if let Some(remote_write) = &self.remote_write {
            remote_write.check(check);
        }
        let names: Vec<_> = self
            .labels
            .iter()
            .map(|label| matching_name(label))
            .collect();
        for (index, name) in names.iter().enumerate() {
            if names
                .get(..index)
                .is_some_and(|before| before.contains(name))
            {
                check.refuse(&["labels"], format!("two labels are called {name}"));
            }
        }
    }

    fn claims(&self) -> Vec<String> {
        match self.endpoint.parse::<SocketAddr>() {
            // Every port 0 is another one.
            Ok(address) if address.port() == 0 => Vec::new(),
            Ok(_) | Err(_) => vec![format!("address {}", self.endpoint)],
        }
    }
}

impl BuildExporter for PrometheusConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        Ok(Box::new(PrometheusExporter::new(&self, context)))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
