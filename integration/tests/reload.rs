//! SIGHUP: another configuration while events flow. What does not change goes on without a break,
//! what is wrong changes nothing.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread;

use eunomia_integration::{
    Account, Event, Finished, Pipeline, Record, Scratch, Workload, free_port, get, object,
    pipeline_binary,
};
use rustix::process::Signal;

const OPEN: &str = "file.open";
const DONE: &str = "the configuration was reloaded";
const CALLS: u64 = 40_000;

/// A configuration that watches these trees and has these exporters, one a line. The ring holds all
/// that a flood makes, so that nothing is lost there.
fn configuration(roots: &[u32], exporters: &str) -> String {
    let names: Vec<_> = exporters
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(name, _)| name)
        .collect();
    format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ open: {{}} }}, filter: {{ pid_tree: {roots:?} }}, ring: 64MiB }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
{exporters}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [{}] }}
",
        names.join(", ")
    )
}

#[track_caller]
fn started(configuration: &str) -> Pipeline {
    let pipeline = Pipeline::start(configuration, &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    pipeline
}

/// A held flood of opens on one thread.
#[track_caller]
fn flood() -> Workload {
    let count = format!("count={CALLS}");
    Workload::start(&["flood", "call=open", "threads=1", &count]).unwrap()
}

/// Waits for the end of a flood; the opens that are its own beside the calls are those of its start,
/// before it was watched.
#[track_caller]
fn calls(workload: Workload) -> u64 {
    let records = workload.finish().unwrap();
    let flood = |record: &Record| {
        if let Record::Flood { calls, .. } = record {
            Some(*calls)
        } else {
            None
        }
    };
    records.iter().find_map(flood).unwrap()
}

fn opens(events: &[Event]) -> impl Iterator<Item = &Event> {
    events.iter().filter(|event| event.kind() == OPEN)
}

/// What the accounts say of opens: those that were seen and wanted, those received.
fn probe(accounts: &[Account]) -> (u64, u64) {
    let counts = accounts.iter().map(|account| match account {
        Account::Probe {
            event,
            seen,
            filtered,
            received,
            ..
        } if event == OPEN => (seen - filtered, *received),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => (0, 0),
    });
    counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// What all accounts of an exporter say was accepted and delivered.
fn exporter(accounts: &[Account], name: &str) -> (u64, u64) {
    let counts = accounts.iter().map(|account| match account {
        Account::Exporter {
            exporter,
            accepted,
            delivered,
            ..
        } if exporter == name => (*accepted, *delivered),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => (0, 0),
    });
    counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// It ended well, and every line of the account adds up.
#[track_caller]
fn balanced(finished: &Finished) -> Vec<Account> {
    assert!(finished.status.success(), "{:?}", finished.stderr);
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    accounts
}

#[track_caller]
fn read(path: &Path) -> Vec<Event> {
    Event::read_all(&fs::read_to_string(path).unwrap()).unwrap()
}

/// An exporter comes in while opens flow: the one that was there has each of them once, in order,
/// and the new one has all from the change on.
#[test]
fn an_exporter_is_added_while_events_flow() {
    let scratch = Scratch::new("reload").unwrap();
    let file = scratch.path().join("added.jsonl");
    let mut workload = flood();
    let before = "  json: { path: \"-\" }";
    let mut pipeline = started(&configuration(&[workload.pid()], before));
    workload.go().unwrap();
    pipeline
        .wait_for("the flood has begun", |events| opens(events).count() > 1000)
        .unwrap();
    let after = format!("{before}\n  json/added: {{ path: {} }}", file.display());
    let after = configuration(&[workload.pid()], &after);
    pipeline.reconfigure(&after).unwrap();
    pipeline.wait_for_log(DONE).unwrap();
    let did = calls(workload);
    let finished = pipeline.stop().unwrap();
    let accounts = balanced(&finished);
    assert_eq!(probe(&accounts), (did, did));
    assert_eq!(exporter(&accounts, "json"), (did, did));
    let (events, added) = (finished.events().unwrap(), read(&file));
    assert_eq!(opens(&events).count() as u64, did);
    assert!(events.is_sorted_by_key(Event::time));
    assert!(
        added.len() < events.len(),
        "{} {}",
        added.len(),
        events.len()
    );
    assert!(events.ends_with(&added));
}

/// Opens of a few files again and again until its input ends, and of many once each, held.
#[track_caller]
fn named_opens(folder: &Scratch) -> Workload {
    let folder = format!("dir={}", folder.path().display());
    Workload::start(&["opens", "count=20000", "until-end=yes", &folder]).unwrap()
}

/// What a workload asked to be opened.
fn asked(workload: Workload) -> BTreeSet<Vec<u8>> {
    let records = workload.finish().unwrap();
    let opens = records.iter().filter_map(Record::as_open);
    opens.map(|open| open.argument.0.clone()).collect()
}

/// What events of a process say was to be opened.
fn told(events: &[Event], pid: i64) -> BTreeSet<Vec<u8>> {
    let own = opens(events).filter(|event| event.integer("process.pid") == Some(pid));
    let names = ["file.path", "eunomia.file.raw_path"];
    own.filter_map(|event| names.iter().find_map(|name| event.bytes(name)))
        .collect()
}

/// Another filter is another receiver: it sees before the old one ends, so nobody is missed. What
/// happens in the moment of the change both may see, each by its own reading of the clocks.
#[test]
fn a_changed_filter_replaces_the_receiver() {
    let folders = [(); 2].map(|()| Scratch::new("reload").unwrap());
    let [mut first, second] = folders.each_ref().map(named_opens);
    let (one, both) = ([first.pid()], [first.pid(), second.pid()]);
    let exporters = "  json: { path: \"-\" }";
    let mut pipeline = started(&configuration(&one, exporters));
    let going_on = first.begin().unwrap();
    let first = thread::spawn(|| asked(first));
    pipeline
        .wait_for("the first has begun", |events| opens(events).count() > 1000)
        .unwrap();
    pipeline
        .reconfigure(&configuration(&both, exporters))
        .unwrap();
    pipeline.wait_for_log(DONE).unwrap();
    drop(going_on);
    let pids = both.map(i64::from);
    let asked = [first.join().unwrap(), asked(second)];
    let finished = pipeline.stop().unwrap();
    let accounts = balanced(&finished);
    let events = finished.events().unwrap();
    let (_, received) = probe(&accounts);
    assert_eq!(opens(&events).count() as u64, received);
    for (pid, asked) in pids.into_iter().zip(asked) {
        assert!(asked.len() > 7_000);
        assert!(told(&events, pid) == asked, "{pid}");
    }
}

/// An object that was compiled anew is another probe, though the configuration is the same.
#[test]
fn a_changed_object_is_loaded() {
    let scratch = Scratch::new("object").unwrap();
    let path = scratch.write("own.bpf.o", object("slots", &[]).unwrap());
    let workload = Workload::start(&["flood", "call=open", "count=1"]).unwrap();
    let configuration = format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ own: {{ object: {} }} }}, filter: {{ pid_tree: [{}] }} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json] }} }} }}
",
        path.unwrap().display(),
        workload.pid()
    );
    let pipeline = started(&configuration);
    let sixteen = object("slots", &["-DSIXTEEN"]).unwrap();
    scratch.write("own.bpf.o", sixteen).unwrap();
    pipeline.reconfigure(&configuration).unwrap();
    pipeline.wait_for_log(DONE).unwrap();
    workload.finish().unwrap();
    let events = pipeline.stop().unwrap().events().unwrap();
    let functions: BTreeSet<_> = events
        .iter()
        .filter_map(|event| event.integer("test.function"))
        .collect();
    assert_eq!(functions, (0..16).collect());
}

/// Settings of an exporter change while it goes on writing to the same file: the new one begins
/// where the old one ends.
#[test]
fn a_file_is_handed_over() {
    let scratch = Scratch::new("reload").unwrap();
    let file = scratch.path().join("events.jsonl");
    let mut workload = flood();
    let exporters = |queue: &str| {
        format!(
            "  json: {{ path: {}, queue: {{ max_bytes: {queue} }} }}
  prometheus: {{ endpoint: \"127.0.0.1:0\" }}",
            file.display()
        )
    };
    let pipeline = started(&configuration(&[workload.pid()], &exporters("1MiB")));
    workload.go().unwrap();
    for queue in ["2MiB", "3MiB"] {
        let after = configuration(&[workload.pid()], &exporters(queue));
        pipeline.reconfigure(&after).unwrap();
        let count = if queue == "2MiB" { 1 } else { 2 };
        pipeline.wait_for_logs(DONE, count).unwrap();
    }
    let did = calls(workload);
    let accounts = balanced(&pipeline.stop().unwrap());
    assert_eq!(probe(&accounts), (did, did));
    assert_eq!(exporter(&accounts, "json"), (did, did));
    assert_eq!(exporter(&accounts, "prometheus"), (did, did));
    let events = read(&file);
    assert_eq!(events.len() as u64, did);
    assert!(events.is_sorted_by_key(Event::time));
}

#[track_caller]
fn shows(port: u16, line: &str) {
    let page = get(port, "/metrics").unwrap();
    assert!(page.lines().any(|shown| shown == line), "{line}\n{page}");
}

/// A wrong file, and a port that somebody else has: the old configuration stays in force, and it is
/// said and counted.
#[test]
fn what_is_wrong_changes_nothing() {
    let workload = flood();
    let port = free_port().unwrap();
    let with_port = |port: u16| {
        let exporters = format!(
            "  json: {{ path: \"-\" }}\n  prometheus: {{ endpoint: \"127.0.0.1:{port}\" }}"
        );
        configuration(&[workload.pid()], &exporters)
    };
    let before = with_port(port);
    let pipeline = started(&before);

    let wrong = before.replace("probes:", "probe:");
    pipeline.reconfigure(&wrong).unwrap();
    pipeline.wait_for_log("pipeline.yaml:3:").unwrap();
    pipeline.wait_for_logs("reload failed", 1).unwrap();
    shows(port, "eunomia_config_reloads_total{result=\"failure\"} 1");

    let somebody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = somebody.local_addr().unwrap().port();
    pipeline.reconfigure(&with_port(taken)).unwrap();
    pipeline.wait_for_logs("reload failed", 2).unwrap();
    pipeline.wait_for_log("in use").unwrap();
    shows(port, "eunomia_config_reloads_total{result=\"failure\"} 2");

    pipeline.reconfigure(&before).unwrap();
    pipeline.wait_for_log(DONE).unwrap();
    shows(port, "eunomia_config_reloads_total{result=\"success\"} 1");

    let did = calls(workload);
    let finished = pipeline.stop().unwrap();
    let accounts = balanced(&finished);
    assert_eq!(exporter(&accounts, "json"), (did, did));
    assert_eq!(finished.events().unwrap().len() as u64, did);
}

/// Without a file there is nothing to read: a hang-up drains and ends. The ring of `run` holds all
/// that is done, whenever somebody reads it.
#[test]
fn a_hang_up_ends_run() {
    let workload = Workload::start(&["flood", "call=open", "count=1000"]).unwrap();
    let root = workload.pid().to_string();
    // Whoever runs the tests under nohup has hang-ups ignored from the beginning.
    let mut command = Command::new("env");
    command
        .arg("--default-signal=HUP")
        .arg(pipeline_binary().unwrap())
        .args(["run", "open", "--pid-tree", &root])
        .args(["--format", "ndjson", "--log-format", "json"]);
    let pipeline = Pipeline::command(command).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    let did = calls(workload);
    pipeline.signal(Signal::HUP).unwrap();
    let finished = pipeline.finish().unwrap();
    assert_eq!(exporter(&balanced(&finished), "json"), (did, did));
}
