//! Health and buckets, asked for once: through the crate `influxdb2`.

use std::time::Duration;

use eunomia_core::config::Secret;
use influxdb2::api::buckets::ListBucketsRequest;
use influxdb2::api::organization::ListOrganizationRequest;
use influxdb2::models::PostBucketRequest;
use influxdb2::models::health::Status;
use influxdb2::{Client, ClientBuilder, RequestError};
use tokio::time::timeout;

use super::config::InfluxdbConfig;
use crate::net::excerpt;

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
        // The builder panics at an address that the crate `url` refuses: every endpoint
        // was read by that one too.
        let client = ClientBuilder::new(&config.endpoint, &config.org, token).build();
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
        let health = self.within(self.client.health()).await?.map_err(told)?;
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
        let (org, org_id) = self.named_org();
        let request = ListBucketsRequest {
            name: Some(self.bucket.clone()),
            org,
            org_id,
            ..ListBucketsRequest::default()
        };
        match self.within(self.client.list_buckets(Some(request))).await? {
            Ok(found) => Ok(!found.buckets.is_empty()),
            // A name that nobody has is "not found".
            Err(RequestError::Http { status, .. }) if status.as_u16() == 404 => Ok(false),
            Err(error) => Err(told(error)),
        }
    }

    /// Makes the bucket; what is in it is kept for ever.
    ///
    /// # Errors
    /// Why it was not made.
    pub(super) async fn create_bucket(&self) -> Result<(), String> {
        let (org, org_id) = self.named_org();
        let request = ListOrganizationRequest {
            org,
            org_id,
            ..ListOrganizationRequest::default()
        };
        let listed = self.within(self.client.list_organizations(request));
        let found = listed.await?.map_err(told)?;
        let id = found.orgs.into_iter().find_map(|org| org.id);
        let id = id.ok_or_else(|| format!("there is no organisation {}", self.org))?;
        let request = PostBucketRequest::new(id, self.bucket.clone());
        let made = self.within(self.client.create_bucket(Some(request)));
        made.await?.map_err(told)
    }

    /// The organisation by its name or by its id, which is 16 hex digits.
    fn named_org(&self) -> (Option<String>, Option<String>) {
        let org = Some(self.org.clone());
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match self.org.len() == 16 && self.org.bytes().all(is_digit) {
            true => (None, org),
            false => (org, None),
        }
    }

    /// The crate waits for ever.
    async fn within<T>(&self, asked: impl Future<Output = T>) -> Result<T, String> {
        let answer = timeout(self.timeout, asked).await;
        answer
            .ok()
            .ok_or_else(|| "no answer within the timeout".to_owned())
    }
}

/// A failure for a line of the log: the crate has whole bodies in it.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: RequestError) -> String {
    excerpt(error.to_string().as_bytes())
}
