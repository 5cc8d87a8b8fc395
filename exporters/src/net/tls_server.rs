//! TLS for a page that others read: who we are, and whom we let in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration as Time;
use std::{io, net};

use axum::serve::Listener;
use eunomia_core::config::{Check, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::pem::Pem;
use super::reload::Reloaded;
use super::tls::{Problem, TlsVersion};

/// How long a client may take to begin.
const HANDSHAKE: Time = Time::from_secs(10);
/// How many clients may be beginning at once; others wait in the kernel.
const MAX_HANDSHAKES: usize = 64;

/// TLS of a page that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsServerSettings {
    /// The page's certificate and what links it to an authority, as PEM.
    pub cert_file: PathBuf,
    /// The key of the certificate, as PEM.
    pub key_file: PathBuf,
    /// The authorities of which a client must have a certificate, as PEM. Default
    /// none: clients need no certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
    /// The oldest version that is spoken. Default `"1.2"`.
    #[serde(default)]
    pub min_version: TlsVersion,
    /// How often the files are read again, for connections that are made from
    /// then on; 0s is never. Default 0s.
    #[serde(default)]
    pub reload_interval: Duration,
}

impl TlsServerSettings {
    /// Refuses files that cannot be used; the settings stand under `keys` in those
    /// that `check` is of.
    pub(crate) fn check(&self, keys: &[&str], check: &mut Check<'_>) {
        if let Err(problem) = self.server_config() {
            let path = [keys, &[problem.key]].concat();
            check.refuse(&path, problem.message);
        }
    }

    pub(super) fn server_config(&self) -> Result<ServerConfig, Problem> {
        let certificates = Pem::File(&self.cert_file).certificates();
        let certificates = certificates.map_err(|text| Problem::new("cert_file", text))?;
        let key = Pem::File(&self.key_file).key();
        let key = key.map_err(|text| Problem::new("key_file", text))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.min_version.and_newer())
            .map_err(|error| Problem::new("min_version", error.to_string()))?;
        let builder = match self.verifier()? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(certificates, key)
            .map_err(|error| Problem::new("cert_file", format!("use it: {error}")))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(&self) -> Result<Option<Arc<dyn ClientCertVerifier>>, Problem> {
        let Some(file) = &self.client_ca_file else {
            return Ok(None);
        };
        let wrong = |text: String| Problem::new("client_ca_file", text);
        let mut roots = RootCertStore::empty();
        for certificate in Pem::File(file).certificates().map_err(wrong)? {
            let added = roots.add(certificate);
            added.map_err(|error| wrong(format!("trust it: {error}")))?;
        }
        let provider = Arc::new(ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(Some)
            .map_err(|error| wrong(error.to_string()))
    }
}

/// Takes connections that begin with TLS. Several begin at once: one that hangs
/// holds up nobody.
#[derive(Debug)]
pub(crate) struct TlsListener {
    listener: TcpListener,
    settings: TlsServerSettings,
    config: Reloaded<ServerConfig>,
    beginning: JoinSet<Option<(TlsStream<TcpStream>, net::SocketAddr)>>,
}

impl TlsListener {
    /// Takes connections of `listener`.
    ///
    /// # Errors
    /// What is wrong with the certificates, for people.
    pub(crate) fn new(listener: TcpListener, settings: &TlsServerSettings) -> Result<Self, String> {
        let config = settings.server_config();
        let config = config.map_err(|problem| format!("{}: {}", problem.key, problem.message))?;
        Ok(Self {
            listener,
            config: Reloaded::new(config, settings.reload_interval.0),
            settings: settings.clone(),
            beginning: JoinSet::new(),
        })
    }

    fn begin(&mut self, stream: TcpStream, address: net::SocketAddr) {
        let acceptor = TlsAcceptor::from(self.config.get(|| self.settings.server_config()));
        self.beginning.spawn(async move {
            match timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some((stream, address)),
                Ok(Err(error)) => {
                    tracing::debug!(%address, %error, "a client did not begin TLS");
                    None
                }
                Err(_) => None,
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let has_room = self.beginning.len() < MAX_HANDSHAKES;
            tokio::select! {
                (stream, address) = Listener::accept(&mut self.listener), if has_room => {
                    self.begin(stream, address);
                }
                Some(begun) = self.beginning.join_next() => {
                    if let Ok(Some(connection)) = begun {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
