//! A receiver that is down: what waits for it takes the memory that is configured, and whatever
//! finds no room is counted.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use eunomia_integration::{Account, Pipeline, Workload};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

const MIB: u64 = 1 << 20;
/// What may wait for the receiver.
const QUEUE: u64 = 4 * MIB;
/// What else the program takes under load, an outage or not: 26 MiB were seen, for its rings and the
/// batches between them and the queue; with nothing to bound the queue, 80 MiB, whatever the exporter.
const BESIDE: u64 = 40 * MIB;

/// Who does not take anything.
#[derive(Clone, Copy, Debug)]
enum Peer {
    /// The port is taken, and nobody listens.
    Deaf,
    /// Connections are made, and nobody reads or answers.
    Silent,
}

impl Peer {
    /// Its port, as long as the socket is there.
    #[track_caller]
    fn open(self) -> (OwnedFd, u16) {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
        if let Self::Silent = self {
            listen(&socket, 1024).unwrap();
        }
        (socket, address.port())
    }
}

/// The daemon on everything below `pid`, sending to `port` by the exporter with these settings.
fn configuration(pid: u32, port: u16, (exporter, settings): (&str, &str)) -> String {
    format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ open: {{}} }}, filter: {{ pid_tree: [{pid}] }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
  {exporter}:
    {settings}
    endpoint: http://127.0.0.1:{port}
    retry: {{ max: 1s }}
    queue: {{ max_bytes: {QUEUE}, when_full: drop_oldest }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [{exporter}] }}
"
    )
}

/// A line of what the kernel says of the memory of `pid`, in bytes.
fn memory(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.unwrap().trim_matches([':', '\t', ' ', 'k', 'B']);
    kib.parse::<u64>().unwrap() * 1024
}

/// The exporter's account: accepted, delivered, dropped by reason, queued.
fn exported(accounts: &[Account]) -> (u64, u64, BTreeMap<String, u64>, u64) {
    let of_exporter = accounts.iter().rev().find_map(|account| match account {
        Account::Exporter {
            accepted,
            delivered,
            dropped_by,
            queued,
            ..
        } => Some((*accepted, *delivered, dropped_by.clone(), *queued)),
        Account::Probe { .. } | Account::Processor { .. } => None,
    });
    of_exporter.unwrap()
}

/// A flood of many times what may wait: memory grows by no more than is configured, whoever is not
/// there or does not answer, and every event is counted, those that had no room and in the end those
/// that waited.
#[test]
fn an_outage_takes_the_memory_that_is_configured() {
    let grpc = ("otlp", "max_request_bytes: 64KiB");
    let http = (
        "otlp",
        "protocol: http/protobuf\n    max_request_bytes: 64KiB",
    );
    let influxdb = ("influxdb", "api: v1\n    bucket: b\n    max_bytes: 64KiB");
    for (exporter, peer) in [
        (grpc, Peer::Deaf),
        (http, Peer::Deaf),
        (grpc, Peer::Silent),
        (influxdb, Peer::Silent),
    ] {
        outage(exporter, peer);
    }
}

fn outage(exporter: (&str, &str), peer: Peer) {
    let row = format!("{exporter:?} {peer:?}");
    let workload = Workload::start(&["flood", "call=open", "threads=2", "count=200000"]).unwrap();
    let (_socket, port) = peer.open();
    let configuration = configuration(workload.pid(), port, exporter);
    let pipeline = Pipeline::start(&configuration, &["--drain-timeout", "1s"]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    let before = memory(pipeline.pid(), "VmRSS");
    workload.finish().unwrap();
    let grown = memory(pipeline.pid(), "VmHWM") - before;
    let finished = pipeline.stop().unwrap();
    assert!(grown < QUEUE + BESIDE, "{row}: {grown} bytes more");
    let code = finished.status.code();
    assert_eq!(code, Some(75), "{row}: {:?}", finished.stderr);
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{row}: {accounts:?}");
    let (accepted, delivered, dropped_by, queued) = exported(&accounts);
    assert_eq!((delivered, queued), (0, 0), "{row}");
    assert_eq!(dropped_by.values().sum::<u64>(), accepted, "{row}");
    let full = dropped_by["queue_full"];
    assert!(full > accepted / 2, "{row}: {dropped_by:?}");
}
