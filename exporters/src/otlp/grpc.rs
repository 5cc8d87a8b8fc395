//! Requests over gRPC, and what its status codes mean by the OTLP specification.

use axum::http::uri::PathAndQuery;
use bytes::Bytes;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};

use super::answer::{Refused, retry_delay};
use super::codec::RawCodec;
use super::config::OtlpConfig;
use super::service::Service;
use crate::compress::Compression;
use crate::net::{Credentials, Endpoint, Failure, MAX_ANSWER, Pool, Verdict, Versions};
use crate::net::{excerpt, pool, reason};

/// How tonic says that an answer is longer than it may be, as it comes and decompressed.
const TOO_LONG: [(Code, &str); 2] = [
    (Code::OutOfRange, "Error, decoded message length too large"),
    (Code::ResourceExhausted, "Error decompressing: size limit"),
];

/// The way to one receiver.
#[derive(Clone, Debug)]
pub(super) struct GrpcLink {
    client: Grpc<Pool<Body>>,
    credentials: Credentials,
}

impl GrpcLink {
    pub(super) fn new(config: &OtlpConfig, endpoint: &Endpoint) -> Result<Self, String> {
        let pool = pool(endpoint, &config.tls, Versions::Two)?;
        let client =
            Grpc::with_origin(pool, endpoint.at("/")).max_decoding_message_size(MAX_ANSWER);
        let encoding = match config.compression_to(endpoint) {
            Compression::None => None,
            Compression::Gzip => Some(CompressionEncoding::Gzip),
            Compression::Zstd => Some(CompressionEncoding::Zstd),
        };
        // Go's servers answer in the encoding of the request, whatever is accepted.
        let compressed = |client: Grpc<_>, encoding| {
            client.send_compressed(encoding).accept_compressed(encoding)
        };
        let client = match encoding {
            Some(encoding) => compressed(client, encoding),
            None => client,
        };
        Ok(Self {
            client,
            credentials: config.auth().credentials(),
        })
    }

    /// Sends a request once.
    pub(super) async fn call(&self, service: Service, body: Bytes) -> Verdict<Refused> {
        let headers = match self.credentials.headers().await {
            Ok(headers) => headers,
            Err(failure) => return Verdict::Retry(failure, None),
        };
        let path = PathAndQuery::from_static(service.method());
        let mut request = Request::new(body);
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        let response = self.client.clone().unary(request, path, RawCodec).await;
        match response.map(Response::into_inner) {
            Ok(response) => Verdict::Done(Refused::from_protobuf(&response)),
            Err(status) => verdict(&status),
        }
    }
}

/// What is to be done after a failure.
pub(super) fn verdict(status: &Status) -> Verdict<Refused> {
    let code = status.code();
    if let Some(source) = unanswered(status) {
        // Nothing was answered, whatever code tonic finds for that.
        let failure = Failure::new("disconnected", source);
        return Verdict::Retry(failure, None);
    }
    let is_it = |(of, begin): &(Code, &str)| code == *of && status.message().starts_with(begin);
    if TOO_LONG.iter().any(is_it) {
        let failure = Failure::new("answer_too_long", message(status));
        return Verdict::GiveUp(failure);
    }
    let failure = Failure::new(code_name(code), message(status));
    let delay = retry_delay(status.details());
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Verdict::Retry(failure, delay),
        // Without a time it says that a quota is used up, which waiting won't change.
        Code::ResourceExhausted if delay.is_some() => Verdict::Retry(failure, delay),
        Code::ResourceExhausted
        | Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Internal
        | Code::Unauthenticated => Verdict::GiveUp(failure),
    }
}

/// What went wrong on our side or on the way, where it was not the other side
/// that made the status.
fn unanswered(status: &Status) -> Option<String> {
    use std::error::Error as _;
    status.source().map(reason)
}

fn message(status: &Status) -> String {
    let name = code_name(status.code());
    match &*excerpt(status.message().as_bytes()) {
        "" => name.to_owned(),
        said => format!("{name}: {said}"),
    }
}

/// The reason in the account.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
