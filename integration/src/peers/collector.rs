//! An OpenTelemetry Collector that writes what it is sent into a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::credentials::Credentials;
use super::server::{Server, program};
use super::signals::Signals;
use crate::{Error, Result, Scratch, free_port};

/// What it writes into, below its folder.
const FILE: &str = "signals.jsonl";
/// The Unix socket it listens on, and the folder whose files it reads, below its own.
const SOCKET: &str = "otlp.sock";
const INBOX: &str = "inbox";
/// The longest line that it reads, in bytes.
const LONGEST_LINE: u32 = 64 << 20;

/// A running collector: OTLP in, a file of JSON and a Prometheus page out. It listens without and
/// with certificates and a token, and on a Unix socket; besides it reads files of OTLP.
#[derive(Debug)]
pub struct Collector {
    server: Server,
    credentials: Credentials,
    ports: Ports,
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
struct Ports {
    grpc: u16,
    http: u16,
    secure_grpc: u16,
    secure_http: u16,
    page: u16,
}

impl Collector {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("otelcol")?;
        let inbox = folder.path().join(INBOX);
        fs::create_dir(&inbox).map_err(Error::io("create", &inbox))?;
        let credentials = Credentials::make(folder.path())?;
        let ports = Ports {
            grpc: free_port()?,
            http: free_port()?,
            secure_grpc: free_port()?,
            secure_http: free_port()?,
            page: free_port()?,
        };
        let configuration = configuration(folder.path(), &credentials, ports);
        // JSON is YAML.
        let configuration = folder.write("collector.yaml", configuration.to_string())?;
        let mut command = Command::new(program("otelcol/otelcol")?);
        command.arg("--config").arg(configuration);
        let mut server = Server::start("otelcol", command, folder)?;
        // It opens the receivers last.
        server.wait_for(ports.page, "/metrics")?;
        for port in [ports.http, ports.grpc, ports.secure_http, ports.secure_grpc] {
            server.wait_for_port(port)?;
        }
        Ok(Self {
            server,
            credentials,
            ports,
        })
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.grpc)
    }

    /// Where it takes OTLP over HTTP.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.http)
    }

    /// Where it takes OTLP over gRPC from whoever has [`Collector::credentials`].
    #[must_use]
    pub fn secure_grpc(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.secure_grpc)
    }

    /// The same over HTTP.
    #[must_use]
    pub fn secure_http(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.secure_http)
    }

    /// Where it takes OTLP over gRPC on a Unix socket.
    #[must_use]
    pub fn socket(&self) -> String {
        format!("unix://{}", self.server.folder().join(SOCKET).display())
    }

    /// What opens the secure doors, as settings of an exporter.
    #[must_use]
    pub fn credentials(&self) -> Value {
        self.credentials.of_client()
    }

    /// The folder whose files it reads, where they end in `.jsonl`.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.server.folder().join(INBOX)
    }

    /// The port of its page of metrics.
    #[must_use]
    pub fn page_port(&self) -> u16 {
        self.ports.page
    }

    /// Its page of the metrics it was sent.
    ///
    /// # Errors
    /// It does not answer.
    pub fn page(&self) -> Result<String> {
        super::get(self.ports.page, "/metrics")
    }

    /// What it has written so far of what it was sent.
    ///
    /// # Errors
    /// It is in the middle of a line.
    pub fn signals(&self) -> Result<Signals> {
        Signals::read(&self.server.folder().join(FILE))
    }

    /// Ends it and returns all that it was sent.
    ///
    /// # Errors
    /// It does not end, or its file is no JSON.
    pub fn stop(mut self) -> Result<Signals> {
        self.server.stop()?;
        self.signals()
    }
}

fn configuration(folder: &Path, credentials: &Credentials, ports: Ports) -> Value {
    let receivers = receivers(folder, credentials, ports);
    let named = receivers.as_object().into_iter().flatten();
    let names: Vec<_> = named.map(|(name, _)| name).collect();
    json!({
        "receivers": receivers,
        "exporters": {
            "file": { "path": folder.join(FILE) },
            "prometheus": at(ports.page),
        },
        "extensions": { "bearertokenauth": { "filename": credentials.token_file() } },
        "service": {
            // Its own metrics would listen on a fixed port.
            "telemetry": { "metrics": { "level": "none" } },
            "extensions": ["bearertokenauth"],
            "pipelines": {
                "logs": { "receivers": names, "exporters": ["file"] },
                "metrics": { "receivers": names, "exporters": ["file", "prometheus"] },
            },
        },
    })
}

fn receivers(folder: &Path, credentials: &Credentials, ports: Ports) -> Value {
    json!({
        "otlp": { "protocols": { "grpc": at(ports.grpc), "http": at(ports.http) } },
        "otlp/secure": { "protocols": {
            "grpc": secured(at(ports.secure_grpc), credentials),
            "http": secured(at(ports.secure_http), credentials),
        } },
        "otlp/socket": { "protocols": { "grpc": {
            "endpoint": folder.join(SOCKET), "transport": "unix",
        } } },
        "otlp_json_file": {
            "include": [folder.join(INBOX).join("*.jsonl")],
            "start_at": "beginning",
            "include_file_name": false,
            "max_log_size": LONGEST_LINE,
        },
    })
}

fn at(port: u16) -> Value {
    json!({ "endpoint": format!("127.0.0.1:{port}") })
}

/// A listener that lets only those in who have the certificate and the token.
fn secured(mut listener: Value, credentials: &Credentials) -> Value {
    listener["tls"] = credentials.of_server();
    listener["auth"] = json!({ "authenticator": "bearertokenauth" });
    listener
}
