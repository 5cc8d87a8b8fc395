//! A receiver of OTLP on a port of 127.0.0.1 that answers as it is told.

use std::collections::VecDeque;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use bytes::Bytes;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use prost::Message;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::crowd::Crowd;
use crate::otlp::config::Protocol;

/// One answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Take,
    /// All but so many, and why.
    Reject(i64, String),
    /// Over gRPC alone.
    Fail(Status),
    /// Over HTTP alone: status, headers and body.
    Http(u16, Headers, &'static [u8]),
}

pub(super) type Headers = &'static [(&'static str, &'static str)];

#[derive(Clone, Debug, Default)]
pub(super) struct Fake(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    answers: VecDeque<Answer>,
    /// Requests are answered when so many are there.
    crowd: Option<Crowd>,
    requests: usize,
    records: usize,
    points: usize,
    authorization: Option<String>,
    encoding: Option<String>,
    paths: Vec<String>,
}

impl Fake {
    /// Gives `answers` one after another, and takes everything after them.
    pub(super) fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let fake = Self::default();
        fake.0.lock().unwrap().answers.extend(answers);
        fake
    }

    /// Answers requests together with others.
    pub(super) fn crowded(crowd: &Crowd) -> Self {
        let fake = Self::default();
        fake.0.lock().unwrap().crowd = Some(crowd.clone());
        fake
    }

    pub(super) async fn serve(&self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let logs = LogsServiceServer::new(self.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
            .send_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Zstd);
        let metrics = MetricsServiceServer::new(self.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd);
        let server = Server::builder().add_service(logs).add_service(metrics);
        let serving = tokio::spawn(async move {
            let incoming = TcpIncoming::from(listener);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        (address, serving)
    }

    /// The same over HTTP, in protobuf and in JSON.
    pub(super) async fn serve_http(&self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(receive).with_state(self.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (address, serving)
    }

    pub(super) async fn serve_as(&self, protocol: Protocol) -> (SocketAddr, JoinHandle<()>) {
        match protocol {
            Protocol::Grpc => self.serve().await,
            Protocol::HttpProtobuf | Protocol::HttpJson => self.serve_http().await,
        }
    }

    /// Where the requests over HTTP went, in their order.
    pub(super) fn paths(&self) -> Vec<String> {
        self.0.lock().unwrap().paths.clone()
    }

    /// Requests seen, records and points taken.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let state = self.0.lock().unwrap();
        (state.requests, state.records, state.points)
    }

    /// `authorization` and the encoding of the last request.
    pub(super) fn headers(&self) -> (Option<String>, Option<String>) {
        let state = self.0.lock().unwrap();
        (state.authorization.clone(), state.encoding.clone())
    }

    /// What is answered to a request with these headers.
    fn answer(&self, headers: &HeaderMap, encoding: &str) -> Answer {
        let header = |name| {
            let value = headers.get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let mut state = self.0.lock().unwrap();
        state.requests += 1;
        state.authorization = header("authorization");
        state.encoding = header(encoding);
        state.answers.pop_front().unwrap_or(Answer::Take)
    }

    async fn join_crowd(&self) {
        let crowd = self.0.lock().unwrap().crowd.clone();
        if let Some(crowd) = crowd {
            crowd.join().await;
        }
    }

    fn grpc_answer<T>(&self, request: &Request<T>) -> Result<Option<(i64, String)>, Status> {
        let headers = request.metadata().clone().into_headers();
        let text = |name| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        if !text("grpc-accept-encoding").contains(text("grpc-encoding")) {
            // Go's servers answer as they were asked: this is what comes of it.
            return Err(Status::unimplemented("an answer that nobody can read"));
        }
        match self.answer(&headers, "grpc-encoding") {
            Answer::Take => Ok(None),
            Answer::Reject(items, message) => Ok(Some((items, message))),
            Answer::Fail(status) => Err(status),
            Answer::Http(..) => unreachable!("gRPC has statuses of its own"),
        }
    }

    fn take_logs(&self, request: &ExportLogsServiceRequest) {
        let scopes = request.resource_logs.iter().flat_map(|it| &it.scope_logs);
        let records: usize = scopes.map(|scope| scope.log_records.len()).sum();
        assert!(records > 0, "an empty envelope");
        self.0.lock().unwrap().records += records;
    }

    fn take_metrics(&self, request: &ExportMetricsServiceRequest) {
        let groups = request.resource_metrics.iter();
        let scopes = groups.flat_map(|group| &group.scope_metrics);
        // Every metric of the sample has one point.
        let points: usize = scopes.map(|scope| scope.metrics.len()).sum();
        assert!(points > 0, "an empty envelope");
        self.0.lock().unwrap().points += points;
    }
}

fn logs_response(refused: Option<(i64, String)>) -> ExportLogsServiceResponse {
    let partial = |(rejected_log_records, error_message)| ExportLogsPartialSuccess {
        rejected_log_records,
        error_message,
    };
    ExportLogsServiceResponse {
        partial_success: refused.map(partial),
    }
}

#[tonic::async_trait]
impl LogsService for Fake {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.join_crowd().await;
        let refused = self.grpc_answer(&request)?;
        self.take_logs(request.get_ref());
        Ok(Response::new(logs_response(refused)))
    }
}

#[tonic::async_trait]
impl MetricsService for Fake {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.join_crowd().await;
        self.grpc_answer(&request)?;
        self.take_metrics(request.get_ref());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// A request over HTTP.
async fn receive(
    State(fake): State<Fake>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    fake.join_crowd().await;
    fake.0.lock().unwrap().paths.push(uri.path().to_owned());
    let refused = match fake.answer(&headers, "content-encoding") {
        Answer::Take => None,
        Answer::Reject(items, message) => Some((items, message)),
        Answer::Http(status, pairs, body) => {
            let pair = |&(name, value): &(&'static str, &str)| {
                (HeaderName::from_static(name), value.parse().unwrap())
            };
            let headers = pairs.iter().map(pair).collect();
            return (StatusCode::from_u16(status).unwrap(), headers, body.into());
        }
        Answer::Fail(_) => unreachable!("HTTP has statuses of its own"),
    };
    let is_json = headers.get("content-type").unwrap() == "application/json";
    let body = decompress(&headers, &body);
    if uri.path().ends_with("metrics") {
        fake.take_metrics(&decode(is_json, &body));
    } else {
        fake.take_logs(&decode(is_json, &body));
    }
    let response = logs_response(refused);
    let response = if is_json {
        serde_json::to_vec(&response).unwrap()
    } else {
        response.encode_to_vec()
    };
    (StatusCode::OK, HeaderMap::new(), response)
}

fn decode<M: Message + Default + DeserializeOwned>(is_json: bool, body: &[u8]) -> M {
    if is_json {
        return serde_json::from_slice(body).unwrap();
    }
    M::decode(body).unwrap()
}

fn decompress(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let encoding = headers.get("content-encoding");
    match encoding.map(|encoding| encoding.to_str().unwrap()) {
        None => body.into(),
        Some("gzip") => {
            let mut plain = Vec::new();
            GzDecoder::new(body).read_to_end(&mut plain).unwrap();
            plain
        }
        Some("zstd") => zstd::decode_all(body).unwrap(),
        Some(other) => panic!("{other} is not known here"),
    }
}
