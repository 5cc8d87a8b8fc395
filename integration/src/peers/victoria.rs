//! `VictoriaMetrics` and `VictoriaLogs`, each a server that takes OTLP and answers queries.

use std::process::Command;

use serde_json::Value;

use super::http::{escape, get, json_lines};
use super::server::{Server, program};
use crate::{Result, Scratch, free_port};

/// A running `VictoriaMetrics`.
#[derive(Debug)]
pub struct VictoriaMetrics {
    victoria: Victoria,
}

/// A running `VictoriaLogs`.
#[derive(Debug)]
pub struct VictoriaLogs {
    victoria: Victoria,
}

#[derive(Debug)]
struct Victoria {
    _server: Server,
    port: u16,
}

impl VictoriaMetrics {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let victoria = Victoria::start("victoriametrics/victoria-metrics", "victoria-metrics")?;
        Ok(Self { victoria })
    }

    /// Where it takes metrics by OTLP over HTTP.
    #[must_use]
    pub fn otlp(&self) -> String {
        self.victoria.url("/opentelemetry/v1/metrics")
    }

    /// Every sample of the series that `selector` chooses: objects of `metric` (labels), `values`
    /// and `timestamps` (milliseconds).
    ///
    /// # Errors
    /// It refuses the query.
    pub fn samples(&self, selector: &str) -> Result<Vec<Value>> {
        // What was just written is not visible before it is flushed.
        get(self.victoria.port, "/internal/force_flush")?;
        let path = format!("/api/v1/export?match[]={}", escape(selector));
        json_lines(&get(self.victoria.port, &path)?)
    }
}

impl VictoriaLogs {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let victoria = Victoria::start("victorialogs/victoria-logs", "victoria-logs")?;
        Ok(Self { victoria })
    }

    /// Where it takes logs by OTLP over HTTP.
    #[must_use]
    pub fn otlp(&self) -> String {
        self.victoria.url("/insert/opentelemetry/v1/logs")
    }

    /// The records that a query finds, each an object of texts.
    ///
    /// # Errors
    /// It refuses the query.
    pub fn records(&self, query: &str) -> Result<Vec<Value>> {
        get(self.victoria.port, "/internal/force_flush")?;
        let path = format!("/select/logsql/query?query={}", escape(query));
        json_lines(&get(self.victoria.port, &path)?)
    }
}

impl Victoria {
    fn start(path: &str, name: &'static str) -> Result<Self> {
        let folder = Scratch::new(name)?;
        let port = free_port()?;
        let mut command = Command::new(program(path)?);
        command
            .arg(format!(
                "-storageDataPath={}",
                folder.path().join("data").display()
            ))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        let mut server = Server::start(name, command, folder)?;
        server.wait_for(port, "/health")?;
        Ok(Self {
            _server: server,
            port,
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
