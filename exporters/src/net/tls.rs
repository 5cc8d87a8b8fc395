//! Whom a client trusts and who it is: one rustls configuration for gRPC and
//! HTTP.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eunomia_core::config::{Check, Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion, version,
};

use super::pem::Pem;
use super::reload::Reloaded;
use super::verify::NoVerification;

/// Where distributions keep the authorities that the system trusts, all in one
/// file.
const SYSTEM_FILES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How a peer behind `https` is trusted, and who we are to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The authorities that are trusted, as PEM. Default those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The same, written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// Whether those of the system are trusted beside `ca_file`. Default `false`.
    pub include_system_ca_certs_pool: bool,
    /// Our certificate and what links it to an authority, as PEM, where the other
    /// side asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// The same, written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_pem: Option<String>,
    /// The key of our certificate, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The same, written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pem: Option<Secret>,
    /// Whether whoever answers is trusted: for trials. Default `false`.
    pub insecure_skip_verify: bool,
    /// The name that the other side's certificate must have, and that it is asked
    /// for. Default the endpoint's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name_override: Option<String>,
    /// The oldest version that is spoken. Default `"1.2"`.
    pub min_version: TlsVersion,
    /// How often the files are read again, for connections that are made from
    /// then on; 0s is never. Default 0s.
    pub reload_interval: Duration,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V13,
}

static TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];

impl TlsVersion {
    /// It and all that are newer.
    pub(super) fn and_newer(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::V12 => ALL_VERSIONS,
            Self::V13 => TLS13,
        }
    }
}

/// What is wrong with the settings, and under which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: &'static str,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self {
            key,
            message: message.into(),
        }
    }
}

/// A certificate with what links it to an authority, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl TlsSettings {
    /// Refuses what cannot be, files that cannot be used among it; the settings
    /// stand under `keys` in those that `check` is of.
    pub(crate) fn check(&self, keys: &[&str], check: &mut Check<'_>) {
        let roots = self.roots().err();
        let identity = self.identity().err();
        let name = self.name_problem();
        let mut problems: Vec<Problem> = [roots, identity, name].into_iter().flatten().collect();
        if problems.is_empty() {
            problems.extend(self.client_config(&[]).err());
        }
        for problem in problems {
            let path = [keys, &[problem.key]].concat();
            check.refuse(&path, problem.message);
        }
    }

    fn name_problem(&self) -> Option<Problem> {
        let name = self.server_name_override.clone()?;
        let is_name = ServerName::try_from(name).is_ok();
        (!is_name).then(|| Problem::new("server_name_override", "expected the name of a host"))
    }

    fn client_config(&self, protocols: &[&[u8]]) -> Result<ClientConfig, Problem> {
        let builder = self.trusting()?;
        let mut config = match self.identity()? {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| Problem::new("cert_file", format!("use it: {error}")))?,
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn trusting(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Problem> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.min_version.and_newer())
            .map_err(|error| Problem::new("min_version", error.to_string()))?;
        if self.insecure_skip_verify {
            let verifier = Arc::new(NoVerification(provider));
            let builder = builder.dangerous();
            return Ok(builder.with_custom_certificate_verifier(verifier));
        }
        Ok(builder.with_root_certificates(self.roots()?))
    }

    /// The authorities that are trusted.
    fn roots(&self) -> Result<RootCertStore, Problem> {
        self.roots_beside(&SYSTEM_FILES)
    }

    /// The same on a system that keeps its own in the first of these files that is there.
    pub(super) fn roots_beside(&self, system: &[&str]) -> Result<RootCertStore, Problem> {
        let mut roots = RootCertStore::empty();
        if self.insecure_skip_verify {
            return Ok(roots);
        }
        let own = source("ca_file", self.ca_file.as_deref(), self.ca_pem.as_deref())?;
        if own.is_none() || self.include_system_ca_certs_pool {
            add_system_roots(system, &mut roots)?;
        }
        let wrong = |message| Problem::new("ca_file", message);
        let certificates = own.map(Pem::certificates).transpose().map_err(wrong)?;
        for certificate in certificates.into_iter().flatten() {
            let added = roots.add(certificate);
            added.map_err(|error| Problem::new("ca_file", format!("trust it: {error}")))?;
        }
        Ok(roots)
    }

    /// Who we are, where that is told.
    fn identity(&self) -> Result<Option<Identity>, Problem> {
        let certificate = source(
            "cert_file",
            self.cert_file.as_deref(),
            self.cert_pem.as_deref(),
        )?;
        let key = source(
            "key_file",
            self.key_file.as_deref(),
            self.key_pem.as_ref().map(Secret::reveal),
        )?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(Problem::new("cert_file", "expected a key_file beside it")),
            (None, Some(_)) => Err(Problem::new("key_file", "expected a cert_file beside it")),
            (Some(certificate), Some(key)) => {
                let certificates = certificate.certificates();
                let certificates = certificates.map_err(|text| Problem::new("cert_file", text))?;
                let key = key.key().map_err(|text| Problem::new("key_file", text))?;
                Ok(Some((certificates, key)))
            }
        }
    }
}

/// Where something is that may stand in a file or in the configuration; `key` is
/// that of the file.
fn source<'a>(
    key: &'static str,
    file: Option<&'a Path>,
    text: Option<&'a str>,
) -> Result<Option<Pem<'a>>, Problem> {
    match (file, text) {
        (Some(_), Some(_)) => Err(Problem::new(key, "expected a file or its text, not both")),
        (Some(path), None) => Ok(Some(Pem::File(path))),
        (None, text) => Ok(text.map(Pem::Text)),
    }
}

/// The machine's own list, which its administrator keeps: one that is built in
/// would trust others, and grow old.
fn add_system_roots(files: &[&str], roots: &mut RootCertStore) -> Result<(), Problem> {
    let file = files.iter().map(Path::new).find(|it| it.is_file());
    let Some(file) = file else {
        let lacking = "this system has no list of authorities: expected a ca_file";
        return Err(Problem::new("ca_file", lacking));
    };
    let certificates = Pem::File(file).certificates();
    let certificates = certificates.map_err(|text| Problem::new("ca_file", text))?;
    // Old authorities in it that nobody can check any more harm nobody.
    roots.add_parsable_certificates(certificates);
    Ok(())
}

/// The settings at work; clones share what was read.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: TlsSettings,
    protocols: &'static [&'static [u8]],
    config: Reloaded<ClientConfig>,
}

impl Tls {
    pub(super) fn new(
        settings: &TlsSettings,
        protocols: &'static [&'static [u8]],
    ) -> Result<Self, String> {
        let config = settings.client_config(protocols);
        let config = config.map_err(|problem| format!("{}: {}", problem.key, problem.message))?;
        if settings.insecure_skip_verify {
            tracing::warn!("TLS without verification: whoever answers is trusted");
        }
        Ok(Self(Arc::new(Shared {
            settings: settings.clone(),
            protocols,
            config: Reloaded::new(config, settings.reload_interval.0),
        })))
    }

    /// Begins TLS with `host` over `stream`.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = self.0.settings.server_name_override.as_deref();
        let name = ServerName::try_from(name.unwrap_or(host).to_owned());
        let name = name.map_err(io::Error::other)?;
        TlsConnector::from(self.config())
            .connect(name, stream)
            .await
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        let shared = &*self.0;
        let read = || shared.settings.client_config(shared.protocols);
        shared.config.get(read)
    }
}
