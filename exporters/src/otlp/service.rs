//! The services of OTLP, one a signal: another signal is another row.

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Logs,
    Metrics,
}

impl Service {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Logs, Self::Metrics];

    /// Its method over gRPC.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }

    /// Its path over HTTP, below that of the endpoint.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }

    /// The key of an endpoint that is its alone.
    pub(super) fn endpoint_key(self) -> &'static str {
        match self {
            Self::Logs => "logs_endpoint",
            Self::Metrics => "metrics_endpoint",
        }
    }
}
