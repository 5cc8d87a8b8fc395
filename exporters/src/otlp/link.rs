//! The way to a receiver, whichever protocol it speaks.

use std::io;

use bytes::Bytes;

use super::answer::Refused;
use super::config::{OtlpConfig, Protocol};
use super::grpc::GrpcLink;
use super::http::{HttpLink, Path};
use super::service::Service;
use crate::net::{Endpoint, Verdict};

/// Connections are made when they are needed and made anew when they break;
/// clones share them.
#[derive(Clone, Debug)]
pub(super) enum Link {
    Grpc(GrpcLink),
    Http(HttpLink),
}

impl Link {
    /// The way to `endpoint`, of which `path` is the path over HTTP.
    ///
    /// # Errors
    /// What is wrong with the settings, for people.
    pub(super) fn new(config: &OtlpConfig, endpoint: &str, path: Path) -> Result<Self, String> {
        let wrong = |error: String| format!("send to {endpoint}: {error}");
        let endpoint = Endpoint::parse(endpoint).ok_or_else(|| wrong("no address".to_owned()))?;
        Ok(match config.protocol {
            Protocol::Grpc => Self::Grpc(GrpcLink::new(config, &endpoint).map_err(wrong)?),
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                Self::Http(HttpLink::new(config, endpoint, path).map_err(wrong)?)
            }
        })
    }

    /// What every attempt sends, made once.
    ///
    /// # Errors
    /// That memory is short.
    pub(super) fn prepare(&self, body: Vec<u8>) -> io::Result<Bytes> {
        match self {
            Self::Grpc(_) => Ok(body.into()),
            Self::Http(link) => link.prepare(body),
        }
    }

    /// Sends a request once.
    pub(super) async fn call(&self, service: Service, request: Bytes) -> Verdict<Refused> {
        match self {
            Self::Grpc(link) => link.call(service, request).await,
            Self::Http(link) => link.call(service, request).await,
        }
    }
}
