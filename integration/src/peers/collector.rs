//! An OpenTelemetry Collector that writes what it is sent into a file.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::server::{Server, program};
use crate::{Error, Result, Scratch, free_port};

/// A running collector: OTLP in, a file of JSON and a Prometheus page out.
#[derive(Debug)]
pub struct Collector {
    server: Server,
    grpc: u16,
    http: u16,
    page: u16,
}

/// What a collector was sent, one request an element, as OTLP in JSON.
#[derive(Debug, Default)]
pub struct Signals {
    /// `ResourceLogs` of all requests.
    pub logs: Vec<Value>,
    /// `ResourceMetrics` of all requests.
    pub metrics: Vec<Value>,
}

impl Collector {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("otelcol")?;
        let [grpc, http, page] = [free_port()?, free_port()?, free_port()?];
        let file = folder.path().join("signals.jsonl");
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
        let path = self.server.folder().join("signals.jsonl");
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let mut signals = Signals::default();
        for line in text.lines() {
            let request: Value = serde_json::from_str(line).map_err(|source| Error::Json {
                line: line.to_owned(),
                source,
            })?;
            signals.logs.extend(list(&request, "resourceLogs"));
            signals.metrics.extend(list(&request, "resourceMetrics"));
        }
        Ok(signals)
    }
}

fn list(request: &Value, name: &str) -> Vec<Value> {
    request
        .get(name)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}
