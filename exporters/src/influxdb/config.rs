//! What is written under `influxdb:`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eunomia_core::build::{BuildContext, BuildExporter, PeerQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{ByteSize, Check, ConfigErrors, Duration, Secret, Settings};
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::authorization;
use super::client::InfluxdbExporter;
use super::encode::{LineSettings, Unsigned};
use crate::compress::Compression;
use crate::net::{AuthSettings, BasicAuth, Endpoint, Place, RetrySettings, TlsSettings};

/// The header that a token becomes.
const AUTHORIZATION: &str = "authorization";

/// Events and metric points as line protocol, to InfluxDB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "influxdb")]
pub struct InfluxdbConfig {
    /// Where the server listens: `http://HOST:PORT`, `https://HOST:PORT` or
    /// `unix:///PATH`. Default `http://127.0.0.1:8086`.
    pub endpoint: String,
    /// The version of its interface. Default `v2`.
    pub api: Api,
    /// The organisation, by name or id; `v2` needs it.
    pub org: String,
    /// The bucket; with `v1` the database, maybe with a retention policy
    /// (`DATABASE/POLICY`), with `v3` the database.
    pub bucket: String,
    /// The token that may write to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// A file with the token, read for every request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// A name and a password, as `v1` has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// Sent with every request.
    pub headers: BTreeMap<String, Secret>,
    /// Whether a bucket that is not there is made; with `v2` and a `token` alone.
    /// Default `false`.
    pub create_bucket: bool,
    /// The unit of times. Default `ns`.
    pub precision: Precision,
    /// How events and points are laid out. Default `eunomia`.
    pub schema: Schema,
    /// Attributes that are tags beside those that always are; every value of a
    /// tag is a series more.
    pub tags: Vec<String>,
    /// How requests are compressed: `none` or `gzip`. Default `gzip`.
    pub compression: Compression,
    /// How an `https` endpoint is trusted, and who we are to it.
    pub tls: TlsSettings,
    /// How long the server may take to answer. Default 10s, more than zero.
    pub timeout: Duration,
    /// What happens when it is not there or overloaded.
    pub retry: RetrySettings,
    /// The most lines in a request. Default 5000, 1 to 100000.
    pub max_lines: u32,
    /// The largest request in bytes before compression; an event that is larger
    /// by itself is dropped and counted. Default 4MB, from 1KiB to 64MiB.
    pub max_bytes: ByteSize,
    /// How long an event waits for others to share its request. Default 1s.
    pub linger: Duration,
    /// How many requests may be on their way at once. Default 4, 1 to 64.
    pub max_in_flight: u32,
    /// The queue in front of it; `when_full` is `drop_oldest` by default.
    pub queue: PeerQueue,
}

/// A version of InfluxDB's interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Databases with retention policies: InfluxDB 1, at `/write`.
    V1,
    /// Buckets of organisations: InfluxDB 2 and Cloud, at `/api/v2/write`.
    #[default]
    V2,
    /// Databases: InfluxDB 3, at `/api/v3/write_lp`.
    V3,
}

/// The unit of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Nanoseconds.
    #[default]
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

/// How events and points are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schema {
    /// A measurement for each kind of event and each metric; attributes are
    /// fields.
    #[default]
    Eunomia,
    /// Points as Telegraf writes Prometheus metrics, version 1: a measurement
    /// for each metric, all attributes tags. Events as in `eunomia`.
    TelegrafPrometheusV1,
    /// Points as Telegraf writes Prometheus metrics, version 2: one measurement
    /// `prometheus`, a field for each metric. Events as in `eunomia`.
    TelegrafPrometheusV2,
    /// Events as OpenTelemetry log records in the measurement `logs`. Points as
    /// in `telegraf-prometheus-v1`.
    OtelLogs,
}

impl Precision {
    /// Nanoseconds in a unit.
    pub(super) fn nanos(self) -> u64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
        }
    }
}

impl Default for InfluxdbConfig {
    fn default() -> Self {
        Self {
            endpoint: "http://127.0.0.1:8086".into(),
            api: Api::default(),
            org: String::new(),
            bucket: String::new(),
            token: None,
            bearer_token_file: None,
            basic_auth: None,
            headers: BTreeMap::new(),
            create_bucket: false,
            precision: Precision::default(),
            schema: Schema::default(),
            tags: Vec::new(),
            compression: Compression::Gzip,
            tls: TlsSettings::default(),
            timeout: Duration::seconds(10),
            retry: RetrySettings::default(),
            max_lines: 5000,
            max_bytes: ByteSize(4_000_000),
            linger: Duration::seconds(1),
            max_in_flight: 4,
            queue: PeerQueue::default(),
        }
    }
}

impl InfluxdbConfig {
    /// What the encoder has to know.
    pub(super) fn line_settings(&self) -> LineSettings {
        LineSettings {
            schema: self.schema,
            tags: self.tags.clone(),
            precision: self.precision,
            unsigned: match self.api {
                Api::V1 => Unsigned::AsSigned,
                Api::V2 | Api::V3 => Unsigned::Kept,
            },
            max_lines: usize::try_from(self.max_lines).unwrap_or(usize::MAX),
            max_bytes: usize::try_from(self.max_bytes.0).unwrap_or(usize::MAX),
        }
    }

    /// The headers of every request, the token among them.
    pub(super) fn all_headers(&self) -> BTreeMap<String, Secret> {
        let mut headers = self.headers.clone();
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION.into(), authorization(self.api, token));
        }
        headers
    }

    /// Who we are to the server, with what [`Self::all_headers`] gave.
    pub(super) fn auth<'a>(&'a self, headers: &'a BTreeMap<String, Secret>) -> AuthSettings<'a> {
        AuthSettings {
            headers,
            bearer_token_file: self.bearer_token_file.as_deref(),
            basic_auth: self.basic_auth.as_ref(),
        }
    }

    /// Whether health and buckets can be asked for.
    pub(super) fn has_admin(&self) -> bool {
        let is_plain = Endpoint::parse(&self.endpoint).is_some_and(|endpoint| {
            endpoint.path().is_empty() && matches!(endpoint.place, Place::Tcp { .. })
        });
        self.api == Api::V2 && is_plain && self.token.is_some()
    }

    fn check_endpoint(&self, check: &mut Check<'_>) {
        match Endpoint::parse(&self.endpoint) {
            None => check.refuse(
                &["endpoint"],
                "expected an address such as http://127.0.0.1:8086",
            ),
            Some(endpoint) if endpoint.is_tls() => self.tls.check(&["tls"], check),
            Some(_) if self.tls != TlsSettings::default() => {
                check.refuse(&["tls"], "expected an endpoint that begins with https");
            }
            Some(_) => {}
        }
    }

    fn check_auth(&self, check: &mut Check<'_>) {
        let is_authorization = |name: &String| name.eq_ignore_ascii_case(AUTHORIZATION);
        let has_other = self.bearer_token_file.is_some()
            || self.basic_auth.is_some()
            || self.headers.keys().any(is_authorization);
        if self.token.is_some() && has_other {
            let message = "expected a token or another way to say who we are, not both";
            check.refuse(&["token"], message);
            return;
        }
        if self
            .token
            .as_ref()
            .is_some_and(|token| token.reveal().is_empty())
        {
            check.refuse(&["token"], "expected a token");
        }
        self.auth(&self.all_headers()).check(&[], check);
    }

    fn check_target(&self, check: &mut Check<'_>) {
        if self.bucket.is_empty() {
            check.refuse(
                &["bucket"],
                "expected `bucket`, the name of a bucket or database",
            );
        }
        if self.api == Api::V2 && self.org.is_empty() {
            check.refuse(
                &["org"],
                "expected `org`, the name or id of an organisation",
            );
        }
        if self.api != Api::V2 && !self.org.is_empty() {
            check.refuse(&["org"], "expected none: only v2 has organisations");
        }
        if self.create_bucket && !self.has_admin() {
            let message = "expected api v2, a token, and an endpoint http://HOST:PORT";
            check.refuse(&["create_bucket"], message);
        }
        if self.tags.iter().any(String::is_empty) {
            check.refuse(&["tags"], "expected names of attributes");
        }
    }
}

impl Settings for InfluxdbConfig {
    fn check(&self, check: &mut Check<'_>) {
        self.check_endpoint(check);
        self.check_target(check);
        self.check_auth(check);
        self.retry.check(&[], check);
        if self.compression == Compression::Zstd {
            check.refuse(
                &["compression"],
                "expected none or gzip: InfluxDB reads no zstd",
            );
        }
        if !(1..=100_000).contains(&self.max_lines) {
            check.refuse(&["max_lines"], "expected 1 to 100000");
        }
        if !(1 << 10..=64 << 20).contains(&self.max_bytes.0) {
            check.refuse(&["max_bytes"], "expected 1KiB to 64MiB");
        }
        if !(1..=64).contains(&self.max_in_flight) {
            check.refuse(&["max_in_flight"], "expected 1 to 64");
        }
        if self.timeout.0.is_zero() {
            check.refuse(&["timeout"], "expected more than zero");
        }
    }
}

impl BuildExporter for InfluxdbConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        Ok(Box::new(InfluxdbExporter::new(*self, context)))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
