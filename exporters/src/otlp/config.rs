//! What is written under `otlp:`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eunomia_core::build::{BuildContext, BuildExporter, PeerQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{ByteSize, Check, ConfigErrors, Duration, Secret, Settings};
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::OtlpExporter;
use super::encode::Format;
use super::service::Service;
use crate::compress::Compression;
use crate::net::{AuthSettings, BasicAuth, Endpoint, RetrySettings, TlsSettings};

/// What an endpoint must be.
const ADDRESS: &str = "expected an address such as http://127.0.0.1:4317";

/// Events as log records and metric points as metrics over OTLP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "otlp")]
pub struct OtlpConfig {
    /// Where the receiver listens: `http://HOST:PORT`, `https://HOST:PORT` or
    /// `unix:///PATH`. Over HTTP, requests go to `/v1/logs` and `/v1/metrics` below
    /// it. Default `http://127.0.0.1:4317`, over HTTP port 4318.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Where events go, as it is, in place of `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs_endpoint: Option<String>,
    /// Where points go, as it is, in place of `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_endpoint: Option<String>,
    /// How it is spoken to. Default `grpc`.
    pub protocol: Protocol,
    /// How requests are compressed. Default `none` to this machine, `gzip` to others,
    /// which every receiver has to understand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Sent with every request.
    pub headers: BTreeMap<String, Secret>,
    /// A file with a token that is sent as `authorization: Bearer`, read for every
    /// request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// A name and a password that are sent as `authorization: Basic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// How an `https` endpoint is trusted, and who we are to it.
    pub tls: TlsSettings,
    /// How long the other side may take to answer. Default 10s, more than zero.
    pub timeout: Duration,
    /// What happens when it is not there or overloaded.
    pub retry: RetrySettings,
    /// The largest request in bytes before compression; an event that is larger
    /// by itself is dropped and counted. Default 4MiB, from 1KiB to 64MiB.
    pub max_request_bytes: ByteSize,
    /// How many requests may be on their way at once. Default 4, 1 to 64.
    pub max_in_flight: u32,
    /// The queue in front of it; `when_full` is `drop_oldest` by default.
    pub queue: PeerQueue,
}

/// How the other side is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// gRPC over HTTP/2.
    #[default]
    #[serde(rename = "grpc")]
    Grpc,
    /// Protocol buffers over HTTP/1.1, or HTTP/2 where TLS agrees on it.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// The same in JSON, for receivers that want to be read: it is larger and
    /// takes longer.
    #[serde(rename = "http/json")]
    HttpJson,
}

impl Protocol {
    /// Where its receivers listen by default.
    fn endpoint(self) -> &'static str {
        match self {
            Self::Grpc => "http://127.0.0.1:4317",
            Self::HttpProtobuf | Self::HttpJson => "http://127.0.0.1:4318",
        }
    }

    /// What requests are written as.
    pub(super) fn format(self) -> Format {
        match self {
            Self::Grpc | Self::HttpProtobuf => Format::Protobuf,
            Self::HttpJson => Format::Json,
        }
    }
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            logs_endpoint: None,
            metrics_endpoint: None,
            protocol: Protocol::default(),
            compression: None,
            headers: BTreeMap::new(),
            bearer_token_file: None,
            basic_auth: None,
            tls: TlsSettings::default(),
            timeout: Duration::seconds(10),
            retry: RetrySettings::default(),
            max_request_bytes: ByteSize(4 << 20),
            max_in_flight: 4,
            queue: PeerQueue::default(),
        }
    }
}

impl OtlpConfig {
    /// Where the receiver of `service` listens.
    pub(super) fn endpoint_of(&self, service: Service) -> &str {
        let own = self.own_endpoint_of(service);
        own.unwrap_or_else(|| self.common_endpoint())
    }

    /// How requests to `endpoint` are compressed.
    pub(super) fn compression_to(&self, endpoint: &Endpoint) -> Compression {
        let default = if endpoint.is_local() {
            Compression::None
        } else {
            Compression::Gzip
        };
        self.compression.unwrap_or(default)
    }

    /// Where the receiver of all signals listens that have no endpoint of their
    /// own.
    pub(super) fn common_endpoint(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(self.protocol.endpoint())
    }

    /// The endpoint that is for `service` alone.
    pub(super) fn own_endpoint_of(&self, service: Service) -> Option<&str> {
        match service {
            Service::Logs => self.logs_endpoint.as_deref(),
            Service::Metrics => self.metrics_endpoint.as_deref(),
        }
    }

    /// Who we are to it.
    pub(super) fn auth(&self) -> AuthSettings<'_> {
        AuthSettings {
            headers: &self.headers,
            bearer_token_file: self.bearer_token_file.as_deref(),
            basic_auth: self.basic_auth.as_ref(),
        }
    }

    fn check_endpoints(&self, check: &mut Check<'_>) {
        let mut is_tls = false;
        for service in Service::ALL {
            let key = match self.own_endpoint_of(service) {
                Some(_) => service.endpoint_key(),
                None => "endpoint",
            };
            match Endpoint::parse(self.endpoint_of(service)) {
                None => check.refuse(&[key], ADDRESS),
                Some(endpoint) if !self.takes_path(&endpoint) => {
                    check.refuse(&[key], "expected no path: gRPC has its own");
                }
                Some(endpoint) => is_tls |= endpoint.is_tls(),
            }
        }
        if is_tls {
            self.tls.check(&["tls"], check);
        } else if self.tls != TlsSettings::default() {
            check.refuse(&["tls"], "expected an endpoint that begins with https");
        }
    }

    fn takes_path(&self, endpoint: &Endpoint) -> bool {
        self.protocol != Protocol::Grpc || endpoint.path().is_empty()
    }
}

impl Settings for OtlpConfig {
    fn check(&self, check: &mut Check<'_>) {
        self.check_endpoints(check);
        self.auth().check(&[], check);
        self.retry.check(&[], check);
        if !(1 << 10..=64 << 20).contains(&self.max_request_bytes.0) {
            check.refuse(&["max_request_bytes"], "expected 1KiB to 64MiB");
        }
        if !(1..=64).contains(&self.max_in_flight) {
            check.refuse(&["max_in_flight"], "expected 1 to 64");
        }
        if self.timeout.0.is_zero() {
            check.refuse(&["timeout"], "expected more than zero");
        }
    }
}

impl BuildExporter for OtlpConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        Ok(Box::new(OtlpExporter::new(*self, context)))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
