//! Every way to a Collector: protocols, compressions, certificates, sockets, and files.

use eunomia_integration::{Collector, Signals, until};
use serde_json::{Value, json};

use super::{PATIENCE, Peer, Told, forms};

/// Where the Collector listens.
enum Door {
    Open,
    /// With a certificate and a token on our side.
    Secure,
    Socket,
}

/// Name, protocol, compression and door.
const WAYS: [(&str, &str, &str, Door); 8] = [
    ("otlp/grpc", "grpc", "none", Door::Open),
    ("otlp/grpc-gzip-secure", "grpc", "gzip", Door::Secure),
    ("otlp/grpc-zstd-socket", "grpc", "zstd", Door::Socket),
    ("otlp/protobuf-zstd", "http/protobuf", "zstd", Door::Open),
    (
        "otlp/protobuf-gzip-secure",
        "http/protobuf",
        "gzip",
        Door::Secure,
    ),
    ("otlp/json", "http/json", "none", Door::Open),
    ("otlp/json-gzip", "http/json", "gzip", Door::Open),
    ("otlp/json-zstd-secure", "http/json", "zstd", Door::Secure),
];

/// A Collector for each of them.
pub(super) fn peers() -> Vec<Peer> {
    let mut peers: Vec<_> = WAYS.iter().map(peer).collect();
    peers.push(files());
    peers
}

fn peer((name, protocol, compression, door): &(&'static str, &str, &str, Door)) -> Peer {
    let collector = Collector::start().unwrap();
    let endpoint = match (door, *protocol) {
        (Door::Open, "grpc") => collector.grpc(),
        (Door::Open, _) => collector.http(),
        (Door::Secure, "grpc") => collector.secure_grpc(),
        (Door::Secure, _) => collector.secure_http(),
        (Door::Socket, _) => collector.socket(),
    };
    let mut settings = json!({
        "endpoint": endpoint,
        "protocol": protocol,
        "compression": compression,
        "timeout": PATIENCE,
    });
    if let (Door::Secure, Value::Object(credentials)) = (door, collector.credentials()) {
        settings.as_object_mut().unwrap().extend(credentials);
    }
    Peer {
        exporter: (name, settings),
        told: Box::new(move || forms::otlp(&collector.stop().unwrap())),
        event: forms::in_otlp,
        point: forms::in_otlp,
    }
}

/// Lines of OTLP in files that the Collector reads.
fn files() -> Peer {
    let collector = Collector::start().unwrap();
    let path = collector.inbox().join("{signal}.jsonl");
    Peer {
        exporter: ("json/otlp", json!({ "path": path, "format": "otlp" })),
        told: Box::new(move || read(collector)),
        event: forms::in_otlp,
        point: forms::in_otlp,
    }
}

/// What the Collector makes of the files, once it has read all of them.
fn read(collector: Collector) -> Told {
    let written = ["events.jsonl", "metrics.jsonl"].map(|file| {
        let signals = Signals::read(&collector.inbox().join(file)).unwrap();
        (signals.logs.len(), signals.metrics.len())
    });
    let [(logs, _), (_, metrics)] = written;
    // A line may be half there.
    let has_read = || {
        Ok(collector
            .signals()
            .ok()
            .filter(|s| (s.logs.len(), s.metrics.len()) == (logs, metrics)))
    };
    until("the Collector has read the files", has_read).unwrap();
    forms::otlp(&collector.stop().unwrap())
}
