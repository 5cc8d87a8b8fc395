//! A receiver of OTLP on a port of 127.0.0.1 that answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// One answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Take,
    Reject(i64),
    Fail(Status),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Answer>,
    requests: usize,
    records: usize,
    points: usize,
    authorization: Option<String>,
    encoding: Option<String>,
}

impl Fake {
    /// Gives `answers` one after another, and takes everything after them.
    pub(super) fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let fake = Self::default();
        fake.0.lock().unwrap().answers.extend(answers);
        fake
    }

    pub(super) async fn serve(&self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let logs =
            LogsServiceServer::new(self.clone()).accept_compressed(CompressionEncoding::Gzip);
        let metrics =
            MetricsServiceServer::new(self.clone()).accept_compressed(CompressionEncoding::Gzip);
        let server = Server::builder().add_service(logs).add_service(metrics);
        let serving = tokio::spawn(async move {
            let incoming = TcpIncoming::from(listener);
            server.serve_with_incoming(incoming).await.unwrap();
        });
        (address, serving)
    }

    /// Requests seen, records and points taken.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let state = self.0.lock().unwrap();
        (state.requests, state.records, state.points)
    }

    /// `authorization` and `grpc-encoding` of the last request.
    pub(super) fn headers(&self) -> (Option<String>, Option<String>) {
        let state = self.0.lock().unwrap();
        (state.authorization.clone(), state.encoding.clone())
    }

    fn answer<T>(&self, request: &Request<T>) -> Answer {
        let header = |name| {
            let value = request.metadata().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let mut state = self.0.lock().unwrap();
        state.requests += 1;
        state.authorization = header("authorization");
        state.encoding = header("grpc-encoding");
        state.answers.pop_front().unwrap_or(Answer::Take)
    }
}

#[tonic::async_trait]
impl LogsService for Fake {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let partial_success = match self.answer(&request) {
            Answer::Take => None,
            Answer::Reject(rejected_log_records) => Some(ExportLogsPartialSuccess {
                rejected_log_records,
                error_message: "too old".into(),
            }),
            Answer::Fail(status) => return Err(status),
        };
        let groups = request.into_inner().resource_logs;
        let scopes = groups.iter().flat_map(|group| &group.scope_logs);
        self.0.lock().unwrap().records += scopes.map(|s| s.log_records.len()).sum::<usize>();
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Fake {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        if let Answer::Fail(status) = self.answer(&request) {
            return Err(status);
        }
        let groups = request.into_inner().resource_metrics;
        let scopes = groups.iter().flat_map(|group| &group.scope_metrics);
        // Every metric of the sample has one point.
        self.0.lock().unwrap().points += scopes.map(|s| s.metrics.len()).sum::<usize>();
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
