//! Requests over HTTP, and what its status codes mean by the OTLP specification.

use std::io;
use std::time::SystemTime;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri};
use bytes::Bytes;

use super::answer::{Refused, status_message};
use super::config::OtlpConfig;
use super::encode::Format;
use super::service::Service;
use crate::compress::Compression;
use crate::net::{Answer, Credentials, Endpoint, HttpClient, Verdict, retry_after};

impl Format {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}

/// What the path of an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Each service has its own below it.
    Base,
    /// That of the service.
    Whole,
}

/// The way to one receiver.
#[derive(Clone, Debug)]
pub(super) struct HttpLink {
    client: HttpClient,
    endpoint: Endpoint,
    path: Path,
    format: Format,
    compression: Compression,
    credentials: Credentials,
}

impl HttpLink {
    pub(super) fn new(config: &OtlpConfig, endpoint: Endpoint, path: Path) -> Result<Self, String> {
        Ok(Self {
            client: HttpClient::new(&endpoint, &config.tls)?,
            compression: config.compression_to(&endpoint),
            endpoint,
            path,
            format: config.protocol.format(),
            credentials: config.auth().credentials(),
        })
    }

    /// What every attempt sends, made once.
    pub(super) fn prepare(&self, body: Vec<u8>) -> io::Result<Bytes> {
        if self.compression == Compression::None {
            return Ok(body.into());
        }
        Ok(self.compression.compress(&body)?.into_owned().into())
    }

    /// Sends a request once.
    pub(super) async fn call(&self, service: Service, body: Bytes) -> Verdict<Refused> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri(service);
        *request.headers_mut() = match self.credentials.headers().await {
            Ok(headers) => headers,
            Err(failure) => return Verdict::Retry(failure, None),
        };
        let content_type = self.format.content_type();
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        if let Some(encoding) = self.compression.encoding() {
            let encoding = HeaderValue::from_static(encoding);
            request.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        match self.client.send(request).await {
            Ok(answer) => verdict(self.format, &answer, SystemTime::now()),
            Err(no_answer) => no_answer.into(),
        }
    }
}

impl HttpLink {
    fn uri(&self, service: Service) -> Uri {
        let path = self.endpoint.path();
        match self.path {
            Path::Base => self.endpoint.at(&format!("{path}{}", service.path())),
            Path::Whole if path.is_empty() => self.endpoint.at("/"),
            Path::Whole => self.endpoint.at(path),
        }
    }
}

/// What is to be done after an answer that came at `now`; it is in the form of
/// the request.
pub(super) fn verdict(format: Format, answer: &Answer, now: SystemTime) -> Verdict<Refused> {
    if answer.status.is_success() {
        return Verdict::Done(match format {
            Format::Protobuf => Refused::from_protobuf(&answer.body),
            Format::Json => Refused::from_json(&answer.body),
        });
    }
    let failure = answer.failure(&status_message(&answer.body));
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Verdict::Retry(failure, retry_after(&answer.headers, now)),
        _ => Verdict::GiveUp(failure),
    }
}
