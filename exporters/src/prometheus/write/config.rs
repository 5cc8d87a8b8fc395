//! What is written under `remote_write:`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eunomia_core::config::{Check, Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::net::{AuthSettings, BasicAuth, Endpoint, RetrySettings, TlsSettings};

/// The key of these settings.
const KEY: &str = "remote_write";

/// Where everything on the page is sent besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteWriteSettings {
    /// The whole address, such as `http://127.0.0.1:9090/api/v1/write`.
    pub endpoint: String,
    /// The message that the other side understands. Default
    /// `prometheus.WriteRequest`.
    #[serde(default)]
    pub protobuf_message: ProtobufMessage,
    /// How often the series are sent. Default 15s, from 1s.
    #[serde(default = "default_interval")]
    pub interval: Duration,
    /// Whether native histograms are sent beside classic ones: the other side
    /// must have them turned on. Default `false`.
    #[serde(default)]
    pub send_native_histograms: bool,
    /// How many samples a request may have. Default 2000, from 1.
    #[serde(default = "default_samples")]
    pub max_samples_per_send: u32,
    /// Sent with every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// A file with a token that is sent as `authorization: Bearer`, read for every
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// A name and a password that are sent as `authorization: Basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// How an `https` endpoint is trusted, and who we are to it.
    #[serde(default)]
    pub tls: TlsSettings,
    /// How long the other side may take to answer. Default 10s, more than zero.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// What happens when it is not there or overloaded.
    #[serde(default)]
    pub retry: RetrySettings,
}

/// A message of remote write, by its full name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProtobufMessage {
    /// Remote write 1.
    #[default]
    #[serde(rename = "prometheus.WriteRequest")]
    V1,
    /// Remote write 2.
    #[serde(rename = "io.prometheus.write.v2.Request")]
    V2,
}

fn default_interval() -> Duration {
    Duration::seconds(15)
}

fn default_samples() -> u32 {
    2000
}

fn default_timeout() -> Duration {
    Duration::seconds(10)
}

impl RemoteWriteSettings {
    /// Refuses what cannot be.
    pub(crate) fn check(&self, check: &mut Check<'_>) {
        match Endpoint::parse(&self.endpoint) {
            None => {
                let message = "expected an address such as http://127.0.0.1:9090/api/v1/write";
                check.refuse(&[KEY, "endpoint"], message);
            }
            Some(endpoint) if endpoint.is_tls() => self.tls.check(&[KEY, "tls"], check),
            Some(_) if self.tls != TlsSettings::default() => {
                let message = "expected an endpoint that begins with https";
                check.refuse(&[KEY, "tls"], message);
            }
            Some(_) => {}
        }
        if self.interval.0.as_secs() == 0 {
            check.refuse(&[KEY, "interval"], "expected 1s or more");
        }
        if self.max_samples_per_send == 0 {
            check.refuse(&[KEY, "max_samples_per_send"], "expected 1 or more");
        }
        if self.timeout.0.is_zero() {
            check.refuse(&[KEY, "timeout"], "expected more than zero");
        }
        self.retry.check(&[KEY], check);
        self.auth().check(&[KEY], check);
    }

    pub(super) fn auth(&self) -> AuthSettings<'_> {
        AuthSettings {
            headers: &self.headers,
            bearer_token_file: self.bearer_token_file.as_deref(),
            basic_auth: self.basic_auth.as_ref(),
        }
    }
}
