//! What is written under `otlp:`.

use std::collections::BTreeMap;

use eunomia_core::build::{BuildContext, BuildExporter, QueueLimits, QueueSettings};
use eunomia_core::component::Exporter;
use eunomia_core::config::{ByteSize, Check, ConfigErrors, Duration, Secret, Settings};
use eunomia_core::queue::WhenFull;
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::Uri;

use super::client::OtlpExporter;

/// Events as log records and metric points as metrics over OTLP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "otlp")]
pub struct OtlpConfig {
    /// Where the receiver listens: `http://HOST:PORT`. Default
    /// `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// How it is spoken to. Default `grpc`.
    pub protocol: Protocol,
    /// How requests are compressed. Default `none`.
    pub compression: Compression,
    /// Sent with every request, such as `authorization`.
    pub headers: BTreeMap<String, Secret>,
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
    pub queue: QueueSettings,
}

/// How the other side is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// gRPC over HTTP/2.
    #[default]
    #[serde(rename = "grpc")]
    Grpc,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip, which every receiver understands.
    Gzip,
}

/// When a request is sent again that the other side could not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// The longest wait before the first repetition; it doubles each time, and
    /// chance takes a part of it. Default 1s, more than zero.
    pub initial: Duration,
    /// The longest wait. Default 30s.
    pub max: Duration,
    /// When a request is given up; 0s is never. Default 0s: the queue bounds what
    /// waits.
    pub max_elapsed: Duration,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: "http://127.0.0.1:4317".into(),
            protocol: Protocol::default(),
            compression: Compression::default(),
            headers: BTreeMap::new(),
            timeout: Duration::seconds(10),
            retry: RetrySettings::default(),
            max_request_bytes: ByteSize(4 << 20),
            max_in_flight: 4,
            queue: QueueSettings::default(),
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            initial: Duration::seconds(1),
            max: Duration::seconds(30),
            max_elapsed: Duration::default(),
        }
    }
}

impl OtlpConfig {
    /// What is wrong with the endpoint.
    fn endpoint_problem(&self) -> Option<&'static str> {
        let Ok(uri) = self.endpoint.parse::<Uri>() else {
            return Some("expected an address such as http://127.0.0.1:4317");
        };
        match uri.scheme_str() {
            Some("http") if uri.host().is_some() => None,
            Some("https") => Some("TLS is not supported yet: expected http://HOST:PORT"),
            Some(_) | None => Some("expected an address such as http://127.0.0.1:4317"),
        }
    }
}

impl Settings for OtlpConfig {
    fn check(&self, check: &mut Check<'_>) {
        if let Some(problem) = self.endpoint_problem() {
            check.refuse(&["endpoint"], problem);
        }
        for (name, value) in &self.headers {
            let is_name = AsciiMetadataKey::from_bytes(name.as_bytes()).is_ok();
            let is_value = AsciiMetadataValue::try_from(value.reveal()).is_ok();
            if !is_name || !is_value {
                check.refuse(&["headers", name], "expected a header of ASCII text");
            }
        }
        if !(1 << 10..=64 << 20).contains(&self.max_request_bytes.0) {
            check.refuse(&["max_request_bytes"], "expected 1KiB to 64MiB");
        }
        if !(1..=64).contains(&self.max_in_flight) {
            check.refuse(&["max_in_flight"], "expected 1 to 64");
        }
        if self.timeout.0.is_zero() {
            check.refuse(&["timeout"], "expected more than zero");
        }
        if self.retry.initial.0.is_zero() {
            check.refuse(&["retry", "initial"], "expected more than zero");
        }
    }
}

impl BuildExporter for OtlpConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        Ok(Box::new(OtlpExporter::new(*self, context)))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits(WhenFull::DropOldest)
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
