//! Programs that take OTLP and pass it on, and one that takes it and says how much it was.

use std::net::Ipv4Addr;
use std::process::Command;

use serde_json::{Value, json};

use super::get;
use super::server::{Server, program};
use crate::{Result, Scratch, free_port, until};

/// What a collector calls the records that it took, on the page about itself.
const ACCEPTED: &str = "otelcol_receiver_accepted_log_records";

/// A running server that takes OTLP over gRPC.
#[derive(Debug)]
pub struct Forwarder {
    server: Server,
    grpc: u16,
}

/// A collector that takes records and keeps none.
#[derive(Debug)]
pub struct Sink {
    collector: Forwarder,
    page: u16,
}

impl Forwarder {
    /// Starts a collector that sends to `endpoint`.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn collector(endpoint: &str) -> Result<Self> {
        let exporter = json!({
            "endpoint": endpoint.trim_start_matches("http://"),
            "tls": { "insecure": true },
            "compression": "none",
            // Nothing is dropped: what is measured is the same for all.
            "sending_queue": { "block_on_overflow": true },
        });
        Self::configured("otlp_grpc", &exporter, json!({ "level": "none" }))
    }

    /// Starts a rotel that sends to `endpoint`.
    ///
    /// # Errors
    /// It was not fetched, or does not start.
    pub fn rotel(endpoint: &str) -> Result<Self> {
        let [grpc, http] = [free_port()?, free_port()?];
        let mut command = Command::new(program("rotel/rotel-agent")?);
        command
            .arg("start")
            .args(["--otlp-grpc-endpoint", &local(grpc)])
            .args(["--otlp-http-endpoint", &local(http)])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "grpc"])
            .args(["--otlp-exporter-compression", "none"])
            .args(["--otlp-exporter-endpoint", endpoint]);
        let mut server = Server::start("rotel", command, Scratch::new("rotel")?)?;
        server.wait_for_port(grpc)?;
        Ok(Self { server, grpc })
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://{}", local(self.grpc))
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// A collector with one exporter, and what it tells about itself.
    fn configured(name: &str, exporter: &Value, telemetry: Value) -> Result<Self> {
        let folder = Scratch::new("otelcol")?;
        let grpc = free_port()?;
        let configuration = json!({
            "receivers": { "otlp": { "protocols": { "grpc": {
                "endpoint": local(grpc),
                "max_recv_msg_size_mib": 64,
            } } } },
            "exporters": { name: exporter },
            "service": {
                "telemetry": { "metrics": telemetry },
                "pipelines": { "logs": { "receivers": ["otlp"], "exporters": [name] } },
            },
        });
        // JSON is YAML.
        let configuration = folder.write("collector.yaml", configuration.to_string())?;
        let mut command = Command::new(program("otelcol/otelcol")?);
        command.arg("--config").arg(configuration);
        let mut server = Server::start("otelcol", command, folder)?;
        server.wait_for_port(grpc)?;
        Ok(Self { server, grpc })
    }
}

impl Sink {
    /// Starts it and waits until it takes requests.
    ///
    /// # Errors
    /// It was not built, or does not start.
    pub fn start() -> Result<Self> {
        let page = free_port()?;
        let reader = json!({ "pull": { "exporter": { "prometheus": {
            "host": Ipv4Addr::LOCALHOST, "port": page,
        } } } });
        let telemetry = json!({ "level": "basic", "readers": [reader] });
        let collector = Forwarder::configured("nop", &json!({}), telemetry)?;
        Ok(Self { collector, page })
    }

    /// Where it takes OTLP over gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        self.collector.grpc()
    }

    /// Waits until it has taken `count` records.
    ///
    /// # Errors
    /// It never has, or has taken more.
    pub fn wait_for(&self, count: u64) -> Result<()> {
        let what = format!("{count} records at the sink");
        until(&what, || Ok((self.taken()? == count).then_some(())))
    }

    fn taken(&self) -> Result<u64> {
        let page = get(self.page, "/metrics")?;
        let lines = page.lines().filter(|line| line.starts_with(ACCEPTED));
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(counts.sum::<f64>() as u64)
    }
}

fn local(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}
