//! A receiver that is down: what waits for it takes the memory that is configured, and whatever
//! finds no room is counted.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use eunomia_integration::{Account, Pipeline, Workload};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

const MIB: u64 = 1 << 20;
/// What may wait for the receiver.
const QUEUE: u64 = 4 * MIB;
/// What else the program takes under load, an outage or not: 26 MiB were seen, for its rings and the
/// batches between them and the queue; with nothing to bound the queue, 80 MiB.
const BESIDE: u64 = 40 * MIB;

/// A port that is taken and on which nobody listens, as long as the socket is there.
#[track_caller]
fn deaf() -> (OwnedFd, u16) {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
    (socket, address.port())
}

/// The daemon on everything below `pid`, sending to `port`.
fn configuration(pid: u32, port: u16) -> String {
    format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ open: {{}} }}, filter: {{ pid_tree: [{pid}] }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
  otlp:
    endpoint: http://127.0.0.1:{port}
    max_request_bytes: 64KiB
    retry: {{ max: 1s }}
    queue: {{ max_bytes: {QUEUE}, when_full: drop_oldest }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [otlp] }}
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

/// A flood of many times what may wait: memory grows by no more than is configured, and every event
/// is counted, those that had no room and in the end those that waited.
#[test]
fn an_outage_takes_the_memory_that_is_configured() {
    let workload = Workload::start(&["flood", "call=open", "threads=2", "count=200000"]).unwrap();
    let (_deaf, port) = deaf();
    let configuration = configuration(workload.pid(), port);
    let pipeline = Pipeline::start(&configuration, &["--drain-timeout", "1s"]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    let before = memory(pipeline.pid(), "VmRSS");
    workload.finish().unwrap();
    let grown = memory(pipeline.pid(), "VmHWM") - before;
    let finished = pipeline.stop().unwrap();
    assert!(grown < QUEUE + BESIDE, "{grown} bytes more");
    assert_eq!(finished.status.code(), Some(75), "{:?}", finished.stderr);
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let (accepted, delivered, dropped_by, queued) = exported(&accounts);
    assert_eq!((delivered, queued), (0, 0));
    assert_eq!(dropped_by.values().sum::<u64>(), accepted);
    assert!(dropped_by["queue_full"] > accepted / 2, "{dropped_by:?}");
}
