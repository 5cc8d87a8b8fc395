//! The account: whatever becomes of an event, it is counted once, and the lines add up, while
//! everything runs and at the end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test bed that fails ends the test"
)]

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use eunomia_integration::{Account, Event, Pipeline, Record, Scratch, Workload, object, until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};

const OPEN: &str = "file.open";

/// What the account says of one kind of event.
#[derive(Clone, Debug, Default, PartialEq)]
struct Line {
    seen: u64,
    filtered: u64,
    lost_by: BTreeMap<String, u64>,
    in_ring: u64,
    received: u64,
}

impl Line {
    fn lost(&self) -> u64 {
        self.lost_by.values().sum()
    }
}

/// The last line about `kind`.
#[track_caller]
fn line(accounts: &[Account], kind: &str) -> Line {
    let of_kind = accounts.iter().rev().find_map(|account| match account {
        Account::Probe {
            event,
            seen,
            filtered,
            lost_by,
            in_ring,
            received,
            ..
        } if event == kind => Some(Line {
            seen: *seen,
            filtered: *filtered,
            lost_by: lost_by.clone(),
            in_ring: *in_ring,
            received: *received,
        }),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => None,
    });
    of_kind.unwrap_or_else(|| panic!("no line about {kind} in {accounts:?}"))
}

/// What the last line about the exporter says was accepted, delivered and dropped.
#[track_caller]
fn exported(accounts: &[Account], name: &str) -> (u64, u64, BTreeMap<String, u64>) {
    let of_exporter = accounts.iter().rev().find_map(|account| match account {
        Account::Exporter {
            exporter,
            accepted,
            delivered,
            dropped_by,
            ..
        } if exporter == name => Some((*accepted, *delivered, dropped_by.clone())),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => None,
    });
    of_exporter.unwrap()
}

/// Every line adds up, and nothing is left in the rings and queues.
#[track_caller]
fn balanced(accounts: &[Account]) {
    for account in accounts {
        assert!(account.holds(), "{account:?}");
    }
}

/// The daemon on everything below `pids`, with a ring of this size, writing to `exporters`.
fn configuration(pids: &[u32], ring: &str, exporters: &str) -> String {
    let names: Vec<_> = exporters
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .map(|(name, _)| name)
        .collect();
    format!(
        "version: 1
receivers:
  ebpf:
    probes: {{ process: {{}}, open: {{}} }}
    filter: {{ pid_tree: {pids:?} }}
    ring: {ring}
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

/// A started daemon whose probes are attached.
#[track_caller]
fn started(configuration: &str, arguments: &[&str]) -> Pipeline {
    let pipeline = Pipeline::start(configuration, arguments).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    pipeline
}

/// A held flood of opens.
#[track_caller]
fn flood(threads: u64, count: u64) -> Workload {
    let (threads, count) = (format!("threads={threads}"), format!("count={count}"));
    Workload::start(&["flood", "call=open", &threads, &count]).unwrap()
}

/// What a flood that has ended says it did.
#[track_caller]
fn calls(records: &[Record]) -> u64 {
    let flood = |record: &Record| {
        if let Record::Flood { calls, .. } = record {
            Some(*calls)
        } else {
            None
        }
    };
    records.iter().find_map(flood).unwrap()
}

/// The events of a kind.
fn of<'e>(events: &'e [Event], kind: &'e str) -> impl Iterator<Item = &'e Event> {
    events.iter().filter(move |event| event.kind() == kind)
}

/// What the loss events of the stream tell, by kind and reason.
fn told(events: &[Event]) -> BTreeMap<(String, String), u64> {
    let mut told = BTreeMap::new();
    for event in of(events, "eunomia.loss") {
        let text = |name| event.text(name).unwrap().to_owned();
        let key = (text("eunomia.loss.event_kind"), text("eunomia.loss.reason"));
        let count = event.integer("eunomia.loss.count").unwrap();
        *told.entry(key).or_default() += u64::try_from(count).unwrap();
    }
    told
}

/// The losses of the account, in the same form.
fn booked(accounts: &[Account], kinds: &[&str]) -> BTreeMap<(String, String), u64> {
    let of_kind = |kind: &&str| {
        let lost = line(accounts, kind).lost_by;
        let kind = (*kind).to_owned();
        lost.into_iter()
            .map(move |(reason, count)| ((kind.clone(), reason), count))
    };
    kinds.iter().flat_map(of_kind).collect()
}

const KINDS: [&str; 4] = ["process.fork", "process.exec", "process.exit", OPEN];

/// Asks for the account and waits until it has been written once more.
#[track_caller]
fn ask(pipeline: &Pipeline, times: usize) {
    pipeline.signal(Signal::USR2).unwrap();
    pipeline
        .wait_for_logs("\"account\":\"exporter\"", times)
        .unwrap();
}

/// Four threads flood a ring that is far too small: what was lost and what came out are together
/// what the workload did, at the end and whenever somebody asks.
#[test]
fn ring_too_small_loses_and_counts() {
    let workload = flood(4, 10_000);
    let pid = workload.pid();
    let pipeline = started(
        &configuration(&[pid], "64KiB", "  json: { path: \"-\" }"),
        &[],
    );
    let working = std::thread::spawn(move || workload.finish().unwrap());
    let mut times = 0;
    while !working.is_finished() {
        times += 1;
        ask(&pipeline, times);
    }
    let did = calls(&working.join().unwrap());
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    let accounts = finished.accounts();
    balanced(&accounts);
    let opens = line(&accounts, OPEN);
    assert_eq!(opens.seen - opens.filtered, did);
    assert!(opens.lost() > 0, "{opens:?}");
    assert_eq!(opens.in_ring, 0);
    let events = finished.events().unwrap();
    assert_eq!(of(&events, OPEN).count() as u64, opens.received);
    assert_eq!(told(&events), booked(&accounts, &KINDS));
    let exit = of(&events, "process.exit").map(|event| event.integer("process.pid"));
    assert_eq!(exit.collect::<Vec<_>>(), [Some(i64::from(pid))]);
}

/// While the daemon stands still the ring overflows; afterwards every line still adds up.
#[test]
fn stopped_reader_loses_and_counts() {
    let mut workload = flood(4, 10_000);
    let pid = workload.pid();
    let pipeline = started(
        &configuration(&[pid], "64KiB", "  json: { path: \"-\" }"),
        &[],
    );
    pipeline.signal(Signal::STOP).unwrap();
    until("the daemon stands still", || {
        Ok((state_of(pipeline.pid()) == Some('T')).then_some(()))
    })
    .unwrap();
    workload.go().unwrap();
    // Everything it does falls into the time in which nobody reads.
    let did = calls(&workload.finish().unwrap());
    pipeline.signal(Signal::CONT).unwrap();
    let finished = pipeline.stop().unwrap();
    let accounts = finished.accounts();
    balanced(&accounts);
    let opens = line(&accounts, OPEN);
    assert_eq!(opens.seen - opens.filtered, did);
    assert_eq!(opens.lost_by.keys().collect::<Vec<_>>(), ["ring_full"]);
    assert_eq!(opens.in_ring, 0);
    let events = finished.events().unwrap();
    assert_eq!(of(&events, OPEN).count() as u64, opens.received);
    assert_eq!(told(&events), booked(&accounts, &KINDS));
    assert_eq!(of(&events, "process.exit").count(), 1);
}

/// Whether there are so many events of a kind. Asked again it looks at what has come since: a flood
/// is not looked at from its beginning for each of its lines.
fn so_many(kind: &'static str, count: usize) -> impl FnMut(&[Event]) -> bool {
    let (mut looked, mut found) = (0, 0);
    move |events| {
        found += of(&events[looked..], kind).count();
        looked = events.len();
        found >= count
    }
}

/// A process that is killed in the middle of a system call does not leave it uncounted.
#[test]
fn killed_workload_is_counted() {
    let mut workload = flood(4, 100_000_000);
    let pid = workload.pid();
    let mut pipeline = started(
        &configuration(&[pid], "64KiB", "  json: { path: \"-\" }"),
        &[],
    );
    workload.go().unwrap();
    pipeline
        .wait_for("the flood has begun", so_many(OPEN, 5_000))
        .unwrap();
    kill_process(
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
    pipeline
        .wait_for("its exit", so_many("process.exit", 1))
        .unwrap();
    drop(workload);
    let finished = pipeline.stop().unwrap();
    let accounts = finished.accounts();
    balanced(&accounts);
    let opens = line(&accounts, OPEN);
    let events = finished.events().unwrap();
    assert_eq!(of(&events, OPEN).count() as u64, opens.received);
    assert_eq!(opens.in_ring, 0);
    assert_eq!(told(&events), booked(&accounts, &KINDS));
    let exit = of(&events, "process.exit").next().unwrap();
    assert_eq!(exit.text("eunomia.process.exit_signal"), Some("SIGKILL"));
}

/// A pipe that both sides have open, so that opening it waits for nobody.
#[track_caller]
fn pipe(folder: &Scratch) -> (PathBuf, File) {
    let path = folder.path().join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
    let reader = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap())
        .open(&path)
        .unwrap();
    (path, reader)
}

/// Reads everything that comes through the pipe until nobody writes any more.
fn read_late(reader: File, path: &Path) -> std::thread::JoinHandle<Vec<Event>> {
    // A second descriptor that waits; the first one is closed with the thread.
    let waiting = File::open(path).unwrap();
    drop(reader);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(waiting);
        let mut text = String::new();
        lines.read_to_string(&mut text).unwrap();
        Event::read_all(&text).unwrap()
    })
}

/// Nobody reads the output: the bulk is lost in its ring, what tells of the life of processes waits
/// and is all there when somebody reads at last, in order.
#[test]
fn blocked_exporter_keeps_the_life_of_processes() {
    let scratch = Scratch::new("blocked").unwrap();
    let (path, reader) = pipe(&scratch);
    let exporter = format!(
        "  json: {{ path: {}, queue: {{ max_bytes: 64KiB, when_full: block }} }}",
        path.display()
    );
    let (flood, other) = (
        flood(4, 15_000),
        Workload::start(&["execs", "count=50"]).unwrap(),
    );
    let pids = [flood.pid(), other.pid()];
    let pipeline = started(&configuration(&pids, "64KiB", &exporter), &[]);
    let flooding = std::thread::spawn(move || flood.finish().unwrap());
    let records = other.finish().unwrap();
    let did = calls(&flooding.join().unwrap());
    let execs: Vec<_> = records
        .iter()
        .filter_map(Record::as_exec)
        .map(|image| image.pid)
        .collect();
    assert_eq!(execs.len(), 50);
    let reading = read_late(reader, &path);
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    let events = reading.join().unwrap();
    let accounts = finished.accounts();
    balanced(&accounts);
    let opens = line(&accounts, OPEN);
    assert!(opens.seen - opens.filtered >= did, "{opens:?} {did}");
    assert!(opens.lost_by["ring_full"] > 0, "{opens:?}");
    assert_eq!(of(&events, OPEN).count() as u64, opens.received);
    assert_eq!(told(&events), booked(&accounts, &KINDS));
    let of_others = |kind| -> Vec<_> {
        of(&events, kind)
            .map(|event| u32::try_from(event.integer("process.pid").unwrap()).unwrap())
            .filter(|pid| *pid != pids[0])
            .collect()
    };
    assert_eq!(of_others("process.exec"), execs);
    let ended: Vec<_> = execs.into_iter().chain([pids[1]]).collect();
    assert_eq!(of_others("process.exit"), ended);
    in_order(&events);
}

/// The events of each process stand in the order of their time.
#[track_caller]
fn in_order(events: &[Event]) {
    let mut last = BTreeMap::new();
    for event in events {
        let Some(pid) = event.integer("process.pid") else {
            continue;
        };
        let time = event.text("time").unwrap();
        let before = last.insert(pid, time);
        assert!(
            before.is_none_or(|before| before <= time),
            "{before:?} before {event:?}"
        );
    }
}

/// Nobody ever reads: after the time for draining the rest is given up, and every line still holds.
#[test]
fn output_that_nobody_reads_is_given_up() {
    let scratch = Scratch::new("unread").unwrap();
    let (path, _reader) = pipe(&scratch);
    let exporter = format!(
        "  json: {{ path: {}, queue: {{ max_bytes: 64KiB, when_full: block }} }}",
        path.display()
    );
    let workload = flood(2, 10_000);
    let configuration = configuration(&[workload.pid()], "64KiB", &exporter);
    let pipeline = started(&configuration, &["--drain-timeout", "1s"]);
    let did = calls(&workload.finish().unwrap());
    let finished = pipeline.stop().unwrap();
    assert_eq!(finished.status.code(), Some(75), "{:?}", finished.stderr);
    let accounts = finished.accounts();
    balanced(&accounts);
    let opens = line(&accounts, OPEN);
    assert_eq!(opens.seen - opens.filtered, did);
    let (accepted, delivered, dropped_by) = exported(&accounts, "json");
    assert!(
        accepted > delivered,
        "{accepted} {delivered} {dropped_by:?}"
    );
}

/// A command that could not be started has its code in time too, though nobody reads what else
/// happened: that is given up.
#[test]
fn a_command_that_never_began_is_not_waited_for() {
    let scratch = Scratch::new("never").unwrap();
    let (path, _reader) = pipe(&scratch);
    fill(&path);
    let output = path.to_str().unwrap();
    let rest = ["--drain-timeout", "5s", "--", "/nonexistent/program"];
    let arguments = ["run", "process", "--log-format", "json", "-o", output];
    let arguments = arguments.into_iter().chain(rest);
    let finished = Pipeline::with_arguments(arguments).unwrap().finish();
    let finished = finished.unwrap();
    assert_eq!(finished.status.code(), Some(127), "{:?}", finished.stderr);
    let accounts = finished.accounts();
    balanced(&accounts);
    // The child that found no program to become.
    assert_eq!(line(&accounts, "process.exit").received, 1);
    let (accepted, delivered, dropped_by) = exported(&accounts, "console");
    assert!(
        accepted > delivered,
        "{accepted} {delivered} {dropped_by:?}"
    );
}

/// Leaves no room in a pipe.
#[track_caller]
fn fill(path: &Path) {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let writer = OpenOptions::new()
        .write(true)
        .custom_flags(flags)
        .open(path);
    let full = writer.unwrap().write_all(&[b'\n'; 2 << 20]);
    assert_eq!(full.unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// A queue that drops counts what it dropped, and holds up nobody else.
#[track_caller]
fn drops(when_full: &str) {
    let scratch = Scratch::new("drops").unwrap();
    let (path, reader) = pipe(&scratch);
    let file = scratch.path().join("all.jsonl");
    let exporters = format!(
        "  json/late: {{ path: {}, queue: {{ max_bytes: 4MiB, when_full: {when_full} }} }}
  json/all: {{ path: {} }}",
        path.display(),
        file.display()
    );
    let workload = flood(2, 40_000);
    let pid = workload.pid();
    let pipeline = started(&configuration(&[pid], "2MiB", &exporters), &[]);
    let did = calls(&workload.finish().unwrap());
    let all = || std::fs::read_to_string(&file).unwrap();
    until("the other exporter has the exit", || {
        Ok(all().contains("process.exit").then_some(()))
    })
    .unwrap();
    let reading = read_late(reader, &path);
    let finished = pipeline.stop().unwrap();
    let late = reading.join().unwrap();
    let accounts = finished.accounts();
    balanced(&accounts);
    let opens = line(&accounts, OPEN);
    assert_eq!(opens.received + opens.lost(), did);
    let (accepted, delivered, dropped_by) = exported(&accounts, "json/late");
    assert_eq!(delivered, late.len() as u64);
    assert_eq!(dropped_by.keys().collect::<Vec<_>>(), ["queue_full"]);
    let (accepted_all, delivered_all, dropped_all) = exported(&accounts, "json/all");
    assert_eq!((accepted_all, delivered_all), (accepted, accepted));
    assert!(dropped_all.is_empty());
    assert_eq!(all().lines().count() as u64, delivered_all);
    // Which end of the stream was kept.
    let all = Event::read_all(&all()).unwrap();
    let alike = |pairs: &mut dyn Iterator<Item = (&Event, &Event)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let first = alike(&mut late.iter().zip(&all));
    let last = alike(&mut late.iter().rev().zip(all.iter().rev()));
    assert_eq!(last > first, when_full == "drop_oldest", "{first} {last}");
}

/// What waited longest goes.
#[test]
fn oldest_are_dropped_and_counted() {
    drops("drop_oldest");
}

/// What comes last does not get in.
#[test]
fn newest_are_dropped_and_counted() {
    drops("drop_newest");
}

/// A probe that counts what it sees wrongly is found out: its line does not add up, for what is in
/// the ring is counted by itself at the end and not what is left over.
#[test]
fn miscounted_events_are_found_out() {
    let scratch = Scratch::new("miscount").unwrap();
    let object = scratch
        .write("miscount.bpf.o", object("miscount", &[]).unwrap())
        .unwrap();
    let workload = flood(1, 1_000);
    let configuration = configuration(&[workload.pid()], "2MiB", "  json: { path: \"-\" }");
    let probe = format!("miscount: {{ object: {} }}, open: {{}}", object.display());
    let pipeline = started(&configuration.replace("open: {}", &probe), &[]);
    let did = calls(&workload.finish().unwrap());
    let accounts = pipeline.stop().unwrap().accounts();
    let (wrong, right): (Vec<_>, Vec<_>) = accounts.iter().cloned().partition(
        |account| matches!(account, Account::Probe { probe, .. } if probe == "miscount"),
    );
    balanced(&right);
    assert_eq!(line(&right, OPEN).received, did);
    assert!(!wrong[0].holds(), "{wrong:?}");
    let wrong = line(&wrong, "test.miscount");
    assert_eq!(
        (wrong.seen - wrong.filtered, wrong.received),
        (2 * did, did)
    );
}

/// The state letter of a process.
fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
