//! The way to the receiver of one signal, whichever protocol it speaks.

use std::io;

use bytes::Bytes;

use super::answer::Refused;
use super::config::{OtlpConfig, Protocol};
use super::grpc::GrpcLink;
use super::http::HttpLink;
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
    /// The way to `service`.
    ///
    /// # Errors
    /// What is wrong with the settings, for people.
    pub(super) fn new(config: &OtlpConfig, service: Service) -> Result<Self, String> {
        let text = config.endpoint_of(service);
        let endpoint = Endpoint::parse(text).ok_or_else(|| format!("{text} is no address"))?;
        Ok(match config.protocol {
            Protocol::Grpc => Self::Grpc(GrpcLink::new(config, &endpoint, service)?),
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                Self::Http(HttpLink::new(config, &endpoint, service)?)
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
    pub(super) async fn call(&self, request: Bytes) -> Verdict<Refused> {
        match self {
            Self::Grpc(link) => link.call(request).await,
            Self::Http(link) => link.call(request).await,
        }
    }
}
