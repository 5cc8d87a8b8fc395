//! A peer for what the program tells of itself, which goes through no queue.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use eunomia_core::config::{Check, Secret};
use tokio::time::timeout;

use super::auth::{AuthSettings, Credentials};
use super::endpoint::Endpoint;
use super::http::{HttpClient, NoAnswer};
use super::tls::TlsSettings;
use crate::throttle::Throttle;

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How a peer is reached.
#[derive(Clone, Copy, Debug)]
pub struct PeerSettings<'a> {
    /// `http://HOST:PORT`, `https://HOST:PORT` or `unix:///PATH`.
    pub endpoint: &'a str,
    /// Sent with every request.
    pub headers: &'a BTreeMap<String, Secret>,
    /// How an `https` endpoint is trusted.
    pub tls: &'a TlsSettings,
}

/// Takes requests over HTTP; clones share its connections.
#[derive(Clone, Debug)]
pub struct Peer {
    client: HttpClient,
    endpoint: Endpoint,
    credentials: Credentials,
    log: Throttle,
}

impl PeerSettings<'_> {
    fn auth(&self) -> AuthSettings<'_> {
        AuthSettings {
            headers: self.headers,
            bearer_token_file: None,
            basic_auth: None,
        }
    }

    /// Refuses what cannot be; the settings stand under `keys` in those that
    /// `check` is of.
    pub fn check(&self, keys: &[&str], check: &mut Check<'_>) {
        let endpoint = Endpoint::parse(self.endpoint);
        if endpoint.is_none() {
            let message = "expected an address such as http://127.0.0.1:4318";
            check.refuse(&[keys, &["endpoint"]].concat(), message);
        }
        let tls = [keys, &["tls"]].concat();
        if endpoint.is_some_and(|endpoint| endpoint.is_tls()) {
            self.tls.check(&tls, check);
        } else if *self.tls != TlsSettings::default() {
            check.refuse(&tls, "expected an endpoint that begins with https");
        }
        self.auth().check(keys, check);
    }
}

impl Peer {
    /// The peer at the endpoint of `settings`; nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the settings, for people.
    pub fn new(settings: &PeerSettings<'_>) -> Result<Self, String> {
        let endpoint = Endpoint::parse(settings.endpoint)
            .ok_or_else(|| format!("{} is no address", settings.endpoint))?;
        Ok(Self {
            client: HttpClient::new(&endpoint, settings.tls)?,
            endpoint,
            credentials: settings.auth().credentials(),
            log: Throttle::default(),
        })
    }

    /// Sends `request` to `path` below the endpoint.
    ///
    /// # Errors
    /// Why there is no answer, for people; it is logged now and then.
    pub async fn send(
        &self,
        path: &str,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, String> {
        *request.uri_mut() = self.endpoint.at(&format!("{}{path}", self.endpoint.path()));
        let headers = self.credentials.headers().await;
        let headers = headers.map_err(|failure| failure.message)?;
        request.headers_mut().extend(headers);
        let answer = match timeout(TIMEOUT, self.client.send(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(NoAnswer::Disconnected(failure) | NoAnswer::TooLong(failure))) => {
                return Err(self.complain(failure.message));
            }
            Err(_) => return Err(self.complain("no answer".to_owned())),
        };
        if !answer.status.is_success() {
            self.complain(answer.status.to_string());
        }
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    fn complain(&self, reason: String) -> String {
        if self.log.passes() {
            tracing::warn!(reason, "what the daemon tells of itself is not taken");
        }
        reason
    }
}
