//! Health and buckets, asked for once: through the crate `influxdb2`.

use std::fmt::Display;
use std::time::Duration;

use eunomia_core::config::Secret;
use influxdb2::api::buckets::ListBucketsRequest;
use influxdb2::api::organization::ListOrganizationRequest;
use influxdb2::models::PostBucketRequest;
use influxdb2::models::health::Status;
use influxdb2::{Client, ClientBuilder};
use tokio::time::timeout;

use super::config::InfluxdbConfig;
use crate::net::{Endpoint, Place};

/// Asks a server of version 2 for what writing does not tell.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    client: Client,
    org: String,
    bucket: String,
    timeout: Duration,
}

impl Admin {
    /// The way to the server of `config`; `None` where the crate has none: it
    /// knows neither Unix sockets, nor paths, and has no TLS here.
    pub(super) fn new(config: &InfluxdbConfig) -> Option<Self> {
        if !config.has_admin() {
            return None;
        }
        let token = config.token.as_ref().map_or("", Secret::reveal);
        // The builder panics at an address that it cannot parse: what is left of
        // ours is one.
        let client = ClientBuilder::new(address(&config.endpoint)?, &config.org, token).build();
        Some(Self {
            client: client.ok()?,
            org: config.org.clone(),
            bucket: config.bucket.clone(),
            timeout: config.timeout.0,
        })
    }

    /// The server's version.
    ///
    /// # Errors
    /// That it does not answer, or what is wrong with it.
    pub(super) async fn health(&self) -> Result<String, String> {
        let health = self.within(self.client.health()).await?;
        match health.status {
            Status::Pass => Ok(health.version.unwrap_or_default()),
            Status::Fail => Err(health.message.unwrap_or_default()),
        }
    }

    /// Whether there is the bucket.
    ///
    /// # Errors
    /// That nobody answers, or does not want to tell.
    pub(super) async fn has_bucket(&self) -> Result<bool, String> {
        let request = ListBucketsRequest {
            name: Some(self.bucket.clone()),
            org: Some(self.org.clone()),
            ..ListBucketsRequest::default()
        };
        let listed = self.within(self.client.list_buckets(Some(request))).await;
        match listed {
            Ok(found) => Ok(!found.buckets.is_empty()),
            // A name that nobody has is "not found".
            Err(error) if error.contains("404") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes the bucket; what is in it is kept for ever.
    ///
    /// # Errors
    /// Why it was not made.
    pub(super) async fn create_bucket(&self) -> Result<(), String> {
        let request = ListOrganizationRequest {
            org: Some(self.org.clone()),
            ..ListOrganizationRequest::default()
        };
        let found = self.within(self.client.list_organizations(request)).await?;
        let id = found.orgs.into_iter().find_map(|org| org.id);
        let id = id.ok_or_else(|| format!("there is no organisation {}", self.org))?;
        let request = PostBucketRequest::new(id, self.bucket.clone());
        self.within(self.client.create_bucket(Some(request))).await
    }

    /// The crate waits for ever.
    async fn within<T, E: Display>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        match timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("no answer within the timeout".to_owned()),
        }
    }
}

/// An address that every parser reads as one.
fn address(endpoint: &str) -> Option<String> {
    match Endpoint::parse(endpoint)?.place {
        Place::Tcp { host, port } => Some(format!("http://{}:{port}", in_brackets(&host))),
        Place::Tls { .. } | Place::Unix(_) => None,
    }
}

fn in_brackets(host: &str) -> String {
    if host.contains(':') {
        return format!("[{host}]");
    }
    host.to_owned()
}
