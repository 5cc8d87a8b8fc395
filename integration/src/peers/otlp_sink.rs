//! A receiver of OTLP in Python, which decodes by the official classes and knows no Collector.

use std::path::Path;
use std::process::Command;

use super::server::{Server, program};
use super::signals::Signals;
use crate::{Result, Scratch, free_port};

/// What it writes into, below its folder.
const FILE: &str = "signals.jsonl";

/// A running sink: OTLP in, a file of JSON out.
#[derive(Debug)]
pub struct OtlpSink {
    server: Server,
    grpc: u16,
    http: u16,
}

impl OtlpSink {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// Its packages were not fetched, or it does not start.
    pub fn start() -> Result<Self> {
        let folder = Scratch::new("otlp-sink")?;
        let [grpc, http] = [free_port()?, free_port()?];
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/otlp_sink/sink.py");
        let mut command = Command::new(program("otlp_sink/bin/python")?);
        command
            .arg(script)
            .args([grpc, http].map(|port| port.to_string()))
            .arg(folder.write(FILE, "")?);
        let mut server = Server::start("otlp-sink", command, folder)?;
        server.wait_for_port(grpc)?;
        server.wait_for_port(http)?;
        Ok(Self { server, grpc, http })
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// Where it takes OTLP over HTTP, protobuf and JSON.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// What it was sent so far: whatever it has answered.
    ///
    /// # Errors
    /// Its file is no JSON.
    pub fn signals(&self) -> Result<Signals> {
        Signals::read(&self.server.folder().join(FILE))
    }
}
