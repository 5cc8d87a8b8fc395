//! What exporters leave in files, read by others: Python's csv module, zcat, zstdcat.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test bed that fails ends the test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eunomia_integration::{Account, Event, Pipeline, Scratch, Workload, pipeline_binary, until};
use rustix::process::Signal;
use serde_json::{Map, Value};

/// Reads the CSV files it is given and prints each record as a line of JSON.
const READER: &str = "
import csv, json, sys
for path in sys.argv[1:]:
    with open(path, newline='', encoding='utf-8') as file:
        for row in csv.DictReader(file, strict=True):
            print(json.dumps(row))
";

/// The configuration of a pipeline that watches one tree, with these exporters.
fn configuration(root: u32, exporters: &str) -> String {
    let names = exporters.lines().filter_map(|line| line.split_once(": {"));
    let names: Vec<_> = names.map(|(name, _)| name.trim()).collect();
    format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ process: {{}}, open: {{}} }}, filter: {{ pid_tree: [{root}] }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
{exporters}
service:
  pipelines:
    events:
      receivers: [ebpf]
      processors: [process, container]
      exporters: [{}]
",
        names.join(", ")
    )
}

/// What a program prints.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    str::from_utf8(&output.stdout).unwrap().to_owned()
}

/// The files in a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A field as the attribute that it was: numbers, lists and truth are what JSON
/// says they are, in text one `'` is taken away.
fn attribute(field: &str, like: &Value) -> Value {
    match like {
        Value::String(_) => field.strip_prefix('\'').unwrap_or(field).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            serde_json::from_str(field).unwrap_or(Value::Null)
        }
    }
}

/// What identifies an event among those of one run.
fn key(event: &Map<String, Value>) -> String {
    ["time", "event"]
        .map(|name| event[name].to_string())
        .concat()
}

/// A CSV that Python reads has every event of the NDJSON, and every attribute of each,
/// names that no text should have included.
#[test]
fn csv_is_what_ndjson_is() {
    let scratch = Scratch::new("csv").unwrap();
    let folder = scratch.path().join("out");
    let odd = scratch.path().join("=odd");
    fs::create_dir(&odd).unwrap();
    let odd = format!("dir={}", odd.display());
    let workload = Workload::start(&["odd-opens", &odd]).unwrap();
    let exporters = format!(
        "  csv: {{ path: \"{}/{{event}}.csv\" }}\n  json: {{ path: \"-\" }}",
        folder.display()
    );
    let pipeline = Pipeline::start(&configuration(workload.pid(), &exporters), &[]);
    let mut pipeline = pipeline.unwrap();
    pipeline.wait_for_log("started").unwrap();
    workload.finish().unwrap();
    let has_ended = |events: &[Event]| events.iter().any(|event| event.kind() == "process.exit");
    pipeline.wait_for("its exit", has_ended).unwrap();
    let events = pipeline.stop().unwrap().events().unwrap();
    let mut reader = Command::new("python3");
    let rows = printed(reader.args(["-c", READER]).args(files(&folder)));
    let rows = Event::read_all(&rows).unwrap();
    let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (key(&row.0), row.0)).collect();
    assert_eq!(rows.len(), events.len());
    let mut compared = 0;
    for Event(event) in &events {
        let row = &rows[&key(event)];
        for (name, value) in event {
            let field = row[name].as_str().unwrap();
            assert_eq!(&attribute(field, value), value, "{name} of {event:?}");
            compared += 1;
        }
        let empty = row.iter().filter(|(_, field)| *field == "");
        for (name, _) in empty {
            assert!(
                !event.contains_key(name) || event[name] == "",
                "{name} of {event:?}"
            );
        }
    }
    assert!(compared > 10 * events.len());
}

/// What was written until the program is killed is read by zcat and zstdcat, after a
/// restart as well.
#[test]
fn compressed_files_survive_a_kill() {
    for (compression, reader) in [("gzip", "zcat"), ("zstd", "zstdcat")] {
        let scratch = Scratch::new("compressed").unwrap();
        let file = scratch.path().join("events");
        let exporters = format!(
            "  json/file: {{ path: {}, compression: {compression} }}\n  json: {{ path: \"-\" }}",
            file.display()
        );
        // What others read of the file, which may be in the middle of a write.
        let count = || {
            let copy = scratch.write("copy", fs::read(&file).unwrap()).unwrap();
            let output = Command::new(reader).arg("-f").arg(copy).output().unwrap();
            let text = str::from_utf8(&output.stdout).unwrap();
            output.status.success().then(|| text.lines().count())
        };
        for run in 1..=2 {
            let workload = Workload::start(&["execs", "count=20"]).unwrap();
            let pid = i64::from(workload.pid());
            let pipeline = Pipeline::start(&configuration(workload.pid(), &exporters), &[]);
            let mut pipeline = pipeline.unwrap();
            pipeline.wait_for_log("started").unwrap();
            workload.finish().unwrap();
            let is_end = |event: &Event| {
                event.kind() == "process.exit" && event.integer("process.pid") == Some(pid)
            };
            let has_ended = |events: &[Event]| events.iter().any(is_end);
            let events = pipeline.wait_for("its exit", has_ended).unwrap().len();
            let all = || Ok((count() == Some(events)).then_some(()));
            until("all is in the file", all).unwrap();
            pipeline.signal(Signal::KILL).unwrap();
            drop(pipeline.finish().unwrap());
            assert_eq!(count(), Some(events));
            // The file of a run that was killed is set aside: its end may be torn.
            let named = |path: &PathBuf| path.to_string_lossy().contains("events");
            let kept = files(scratch.path()).into_iter().filter(named).count();
            assert_eq!(kept, run);
        }
    }
}

/// The descriptors of the program that are this file.
fn descriptors(pid: u32, file: &Path) -> usize {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    targets.filter(|target| target == file).count()
}

/// Whoever moves a file away and says so finds it closed, and a new one where it was.
#[test]
fn a_moved_file_is_let_go_of() {
    let scratch = Scratch::new("reopen").unwrap();
    let (file, moved) = (scratch.path().join("events"), scratch.path().join("old"));
    let workload = Workload::start(&["execs", "count=1"]).unwrap();
    let exporters = format!("  json: {{ path: {} }}", file.display());
    let pipeline = Pipeline::start(&configuration(workload.pid(), &exporters), &[]).unwrap();
    pipeline.wait_for_log("started").unwrap();
    assert_eq!(descriptors(pipeline.pid(), &file), 1);
    fs::rename(&file, &moved).unwrap();
    assert_eq!(descriptors(pipeline.pid(), &moved), 1);
    pipeline.signal(Signal::USR1).unwrap();
    let is_closed = || Ok((descriptors(pipeline.pid(), &moved) == 0).then_some(()));
    until("the file is closed", is_closed).unwrap();
    workload.finish().unwrap();
    assert!(pipeline.stop().unwrap().status.success());
    assert_eq!(fs::read_to_string(&moved).unwrap(), "");
    let events = Event::read_all(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(events.iter().any(|event| event.kind() == "process.exec"));
}

/// Accepted, delivered and dropped, as the last line about the exporter says.
#[track_caller]
fn exported(accounts: &[Account]) -> (u64, u64, BTreeMap<String, u64>) {
    let of_exporter = accounts.iter().rev().find_map(|account| match account {
        Account::Exporter {
            accepted,
            delivered,
            dropped_by,
            ..
        } => Some((*accepted, *delivered, dropped_by.clone())),
        Account::Probe { .. } | Account::Processor { .. } => None,
    });
    of_exporter.unwrap_or_else(|| panic!("no line about the exporter in {accounts:?}"))
}

/// A pipeline that writes to a disk of one megabyte, in a mount namespace of its own, where so
/// many bytes are in the way; beside it the disk, seen from here.
#[track_caller]
fn on_a_full_disk(
    scratch: &Scratch,
    root: u32,
    [exporter, settings]: [&str; 2],
    ballast: u32,
) -> (Pipeline, PathBuf) {
    let disk = scratch.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let path = disk.display();
    let exporters = format!("  {exporter}: {{ path: {path}/events, {settings} }}");
    let file = scratch.write("pipeline.yaml", configuration(root, &exporters));
    let script = "mount -t tmpfs -o size=1m none \"$1\" && \
        head -c \"$4\" /dev/zero > \"$1\"/ballast && \
        exec \"$2\" --config \"$3\" --log-format json";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]);
    command
        .arg(&disk)
        .arg(pipeline_binary().unwrap())
        .arg(file.unwrap())
        .arg(ballast.to_string());
    let pipeline = Pipeline::command(command).unwrap();
    pipeline.wait_for_log("started").unwrap();
    let inside = format!("/proc/{}/root{}", pipeline.pid(), disk.display());
    (pipeline, inside.into())
}

/// A flood of opens into a disk that is nearly full. What is in its way is removed once the
/// program has said that the disk is full.
#[track_caller]
fn flood_into_a_full_disk(when_full: &str, said: &str) -> (Vec<Account>, Vec<Event>) {
    let scratch = Scratch::new("full").unwrap();
    let workload = Workload::start(&["flood", "call=open", "count=1000"]).unwrap();
    let queue = format!("queue: {{ when_full: {when_full} }}");
    let exporter = ["json", &*queue];
    let (pipeline, inside) = on_a_full_disk(&scratch, workload.pid(), exporter, 900_000);
    let workload = std::thread::spawn(move || workload.finish().unwrap());
    pipeline.wait_for_log(said).unwrap();
    workload.join().unwrap();
    // An open handle on the disk: it is there when the program has ended.
    let events = fs::File::open(inside.join("events")).unwrap();
    fs::remove_file(inside.join("ballast")).unwrap();
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    let text = std::io::read_to_string(events).unwrap();
    (finished.accounts(), Event::read_all(&text).unwrap())
}

/// With `block` events wait until there is room, and not one is lost.
#[test]
fn a_full_disk_is_waited_for() {
    let (accounts, events) = flood_into_a_full_disk("block", "wait until there is room");
    let (accepted, delivered, dropped) = exported(&accounts);
    assert_eq!((delivered, dropped.len()), (accepted, 0));
    assert_eq!(events.len() as u64, delivered);
}

/// With the others it costs events, counted; the file has whole lines, and writing goes
/// on.
#[test]
fn a_full_disk_is_counted() {
    let (accounts, events) = flood_into_a_full_disk("drop_newest", "are dropped");
    let (accepted, delivered, dropped) = exported(&accounts);
    assert_eq!(dropped.keys().collect::<Vec<_>>(), ["disk_full"]);
    assert_eq!(delivered + dropped["disk_full"], accepted);
    assert_eq!(events.len() as u64, delivered);
}

/// A recording that is begun where there is no room has its beginning all the same: what is
/// written once there is room can be played.
#[test]
fn a_recording_begun_on_a_full_disk_can_be_played() {
    let scratch = Scratch::new("full-record").unwrap();
    let workload = Workload::start(&["flood", "call=open", "count=10"]).unwrap();
    let exporter = ["record", "queue: {}"];
    let (pipeline, disk) = on_a_full_disk(&scratch, workload.pid(), exporter, 1 << 20);
    pipeline
        .wait_for_log("begins with could not be written")
        .unwrap();
    let mut recording = fs::File::open(disk.join("events")).unwrap();
    fs::remove_file(disk.join("ballast")).unwrap();
    workload.finish().unwrap();
    let (accepted, delivered, _) = exported(&pipeline.stop().unwrap().accounts());
    assert!(delivered >= 10 && delivered == accepted, "{delivered}");
    let copy = scratch.path().join("events.rec");
    std::io::copy(&mut recording, &mut fs::File::create(&copy).unwrap()).unwrap();
    let replay = format!(
        "version: 1
receivers: {{ replay: {{ path: {} }} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [replay], exporters: [json] }} }} }}
",
        copy.display()
    );
    let file = scratch.write("replay.yaml", replay).unwrap();
    let mut program = Command::new(pipeline_binary().unwrap());
    let played = printed(program.arg("--config").arg(file));
    assert_eq!(played.lines().count() as u64, delivered);
}
