//! An OpenTelemetry Collector that writes what it is sent into a file.

use std::process::Command;

use super::server::{Server, program};
use super::signals::Signals;
use crate::{Result, Scratch, free_port};

/// What it writes into, below its folder.
const FILE: &str = "signals.jsonl";

/// A running collector: OTLP in, a file of JSON and a Prometheus page out.
#[derive(Debug)]
pub struct Collector {
    server: Server,
    grpc: u16,
    http: u16,
    page: u16,
}

impl Collector {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("otelcol")?;
        let [grpc, http, page] = [free_port()?, free_port()?, free_port()?];
        let file = folder.path().join(FILE);
        let configuration = serde_json::json!({
            "receivers": { "otlp": { "protocols": {
                "grpc": { "endpoint": format!("127.0.0.1:{grpc}") },
                "http": { "endpoint": format!("127.0.0.1:{http}") },
            } } },
            "exporters": {
                "file": { "path": file },
                "prometheus": { "endpoint": format!("127.0.0.1:{page}") },
            },
            "service": {
                // Its own metrics would listen on a fixed port.
                "telemetry": { "metrics": { "level": "none" } },
                "pipelines": {
                    "logs": { "receivers": ["otlp"], "exporters": ["file"] },
                    "metrics": { "receivers": ["otlp"], "exporters": ["file", "prometheus"] },
                },
            },
        });
        // JSON is YAML.
        let configuration = folder.write("collector.yaml", configuration.to_string())?;
        let mut command = Command::new(program("otelcol/otelcol")?);
        command.arg("--config").arg(configuration);
        let mut server = Server::start("otelcol", command, folder)?;
        // It opens the receivers last.
        server.wait_for(page, "/metrics")?;
        server.wait_for_port(http)?;
        server.wait_for_port(grpc)?;
        Ok(Self {
            server,
            grpc,
            http,
            page,
        })
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// Where it takes OTLP over HTTP.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// The port of its page of metrics.
    #[must_use]
    pub fn page_port(&self) -> u16 {
        self.page
    }

    /// Its page of the metrics it was sent.
    ///
    /// # Errors
    /// It does not answer.
    pub fn page(&self) -> Result<String> {
        super::get(self.page, "/metrics")
    }

    /// Ends it and returns all that it was sent.
    ///
    /// # Errors
    /// It does not end, or its file is no JSON.
    pub fn stop(mut self) -> Result<Signals> {
        self.server.stop()?;
        Signals::read(&self.server.folder().join(FILE))
    }
}
