//! Objects that a user brings: with our headers and tags, without tags, written for plain libbpf,
//! and one of which only a `layout` tells what its records are. All are compiled here and named in
//! the configuration; those that nobody can narrow run in the machines alone.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test bed that fails ends the test"
)]

use eunomia_integration::{
    Account, Call, Event, Kernel, Machine, Pipeline, Record, Scratch, Shell, object,
    pipeline_binary, workload_binary,
};
use serde_json::{Value, json};

/// The probes of our own headers; `FILTER` is the receiver's.
const OWN: &str = "version: 1
receivers:
  ebpf:
    filter: FILTER
    probes:
      mine: { object: DIR/tagged.bpf.o, level_step: 3 }
      bare: { object: DIR/untagged.bpf.o, globals: { word: other } }
FOREIGN
processors: { process: {}, container: {} }
exporters:
  json: { path: \"-\" }
service:
  pipelines:
    events: { receivers: [NAMES], processors: [process, container], exporters: [json] }
";

const FOREIGN: &str = "
  ebpf/foreign:
    probes:
      plain: { object: DIR/plain.bpf.o, globals: { only: 54321 } }
      old: { object: DIR/old_tool.bpf.o, layout: { event: open, size: 168, fields: { pid: u32@0, filename: \"char[127]@40\" } } }
";

/// Six changes of directory, of which the second fails; two are made by a child.
const CHANGES: &str = "cd /; cd /nowhere; cd /tmp; (cd /proc; cd /dev); cd /";

/// Narrowed to a process of the test's own, which is held until the probes are attached.
#[test]
fn objects_with_our_headers_are_probes_like_ours() {
    let scratch = Scratch::new("foreign").unwrap();
    for name in ["tagged", "untagged"] {
        let file = format!("{name}.bpf.o");
        scratch.write(&file, object(name, &[]).unwrap()).unwrap();
    }
    let shell = Shell::held(CHANGES).unwrap();
    let configuration = OWN
        .replace("FILTER", &format!("{{ pid_tree: [{}] }}", shell.pid()))
        .replace("DIR", &scratch.path().display().to_string())
        .replace("FOREIGN", "")
        .replace("NAMES", "ebpf");
    let pipeline = Pipeline::start(&configuration, &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    assert!(shell.finish().unwrap().success());
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    all_balance(&finished.accounts());
    let events = finished.events().unwrap();
    own_probes_tell(&events, &events);
}

#[track_caller]
fn all_balance(accounts: &[Account]) {
    assert!(!accounts.is_empty());
    for account in accounts {
        assert!(account.holds(), "{account:?}");
    }
}

/// What the two probes with our headers tell of [`CHANGES`]: events with their actor, and, among
/// `all`, metrics.
#[track_caller]
fn own_probes_tell(events: &[Event], all: &[Event]) {
    let of = |kind: &str| -> Vec<_> { events.iter().filter(|e| e.kind() == kind).collect() };
    let tagged = of("test.chdir");
    let errors: Vec<_> = tagged.iter().map(|e| e.text("error.type")).collect();
    assert_eq!(errors, [None, Some("ENOENT"), None, None, None, None]);
    let is_chdir = |event: &&Event| event.integer("test.number") == Some(80);
    assert!(tagged.iter().all(is_chdir), "{tagged:?}");
    let bare = of("eunomia.bare");
    let results: Vec<_> = bare
        .iter()
        .map(|e| e.integer("eunomia.bare.result"))
        .collect();
    assert_eq!(results, [0, -2, 0, 0, 0, 0].map(Some));
    for (one, other) in tagged.iter().zip(&bare) {
        assert_eq!(other.text("eunomia.bare.word"), Some("other"));
        assert_eq!(other.integer("eunomia.bare.number"), Some(80));
        for actor in [
            "process.pid",
            "process.executable.path",
            "eunomia.process.exec_id",
        ] {
            assert!(
                one.get(actor).is_some() && one.get(actor) == other.get(actor),
                "{one:?}"
            );
        }
    }
    metrics_tell(
        all,
        [tagged[0], tagged[3]].map(|e| e.get("process.pid").unwrap()),
    );
}

/// The last points: who called how often, a level, and how errors are distributed.
#[track_caller]
fn metrics_tell(events: &[Event], [parent, child]: [&Value; 2]) {
    let last = |metric: &str, labels: &[(&str, &Value)]| {
        let found = events.iter().rev().find(|point| {
            point.text("metric") == Some(metric)
                && labels
                    .iter()
                    .all(|(name, value)| point.get(name) == Some(*value))
        });
        found.unwrap_or_else(|| panic!("no {metric} {labels:?}"))
    };
    for (pid, failed, count) in [(parent, 0, 3), (parent, 1, 1), (child, 0, 2)] {
        let labels = [("process.pid", pid), ("test.failed", &json!(failed))];
        let point = last("test.chdir.calls", &labels);
        assert_eq!(point.get("value"), Some(&json!(count)), "{point:?}");
        assert_eq!(
            (point.text("type"), point.text("unit")),
            (Some("sum"), Some("{call}"))
        );
    }
    // These are of everybody who was seen.
    let errors: Vec<_> = events
        .iter()
        .filter(|event| event.kind() == "test.chdir")
        .map(|event| event.text("error.type"))
        .collect();
    let level = last("test.chdir.level", &[]);
    let expected = -3 * i64::try_from(errors.len()).unwrap();
    assert_eq!(level.get("value"), Some(&json!(expected)), "{level:?}");
    assert_eq!(level.text("type"), Some("gauge"));
    let point = last("test.chdir.errors", &[]);
    assert_eq!(point.text("type"), Some("histogram"));
    assert_eq!(point.get("count"), Some(&json!(errors.len())));
    let buckets = point.get("buckets").and_then(Value::as_array).unwrap();
    let of_slot = |slot: usize| usize::try_from(buckets[slot][1].as_u64().unwrap()).unwrap();
    let with = |error| errors.iter().filter(|one| **one == error).count();
    // No error is 0, and ENOENT 2.
    assert_eq!((of_slot(0), of_slot(1)), (with(None), with(Some("ENOENT"))));
    assert_eq!((0..buckets.len()).map(of_slot).sum::<usize>(), errors.len());
}

/// Refused before anything is loaded, with the place in the file and the reason.
#[track_caller]
fn is_refused(file: (&str, Vec<u8>), filter: &str, reason: &str) {
    let (name, bytes) = file;
    let scratch = Scratch::new("refused").unwrap();
    let object = scratch.write(name, bytes).unwrap();
    let configuration = format!(
        "version: 1
receivers:
  ebpf:
    filter: {filter}
    probes:
      mine: {{ object: {} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json] }} }} }}
",
        object.display()
    );
    let finished = Pipeline::start(&configuration, &[])
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(finished.status.code(), Some(78), "{:?}", finished.stderr);
    let messages = finished.stderr.join("\n");
    assert!(messages.contains("pipeline.yaml:6:"), "{messages}");
    assert!(messages.contains(reason), "{messages}");
}

/// What cannot be used is refused with the reason.
#[test]
fn objects_that_do_not_fit_are_refused_with_the_reason() {
    let refused = |define: &[&str]| object("refused", define).unwrap();
    is_refused(("abi.bpf.o", refused(&["-DOTHER_ABI"])), "{}", "99");
    is_refused(("section.bpf.o", refused(&[])), "{}", "sk_nobody_knows");
    let plain = || object("plain", &[]).unwrap();
    is_refused(
        ("plain.bpf.o", plain()),
        "{ pid: [1] }",
        "can't be filtered",
    );
    let old = object("old_tool", &[]).unwrap();
    is_refused(("old_tool.bpf.o", old), "{}", "layout");
    is_refused(("text.bpf.o", b"no object".to_vec()), "{}", "text.bpf.o");
}

const SCRIPT: &str = "
[ -e /sys/kernel/tracing/events ] && exit 6
mkfifo /tmp/log
eunomia-pipeline --config /etc/pipeline.yaml --log-format json --drain-timeout 2m >/out/events.jsonl 2>/tmp/log &
daemon=$!
# The shell sleeps while probes are attached: emulated kernels lock up or die now and then when their
# code is changed, as attaching does, while another CPU runs it.
exec 3</tmp/log
while read -r line; do
    echo \"$line\" >>/out/log
    case $line in *started*) break ;; esac
done <&3
[ -e /sys/kernel/tracing/events ] && exit 8
sh -c 'CHANGES' 2>/dev/null
mkdir odd
workload odd-opens dir=/tmp/odd >/out/opens || exit 9
kill -TERM $daemon || exit 5
cat <&3 >>/out/log
wait $daemon || { cat /out/log; exit 10; }
ls /sys/fs/bpf >/out/pins
grep -c trac /proc/mounts >/out/mounts
true
";

/// All four objects at once, unfiltered.
#[track_caller]
fn foreign_objects_work(kernel: Kernel) {
    let configuration = OWN
        .replace("FILTER", "{}")
        .replace("FOREIGN", FOREIGN)
        .replace("DIR", "/etc/objects")
        .replace("NAMES", "ebpf, ebpf/foreign");
    let mut machine = Machine::new()
        .program(workload_binary().unwrap(), "/bin/workload")
        .program(pipeline_binary().unwrap(), "/bin/eunomia-pipeline")
        .file("/etc/pipeline.yaml", configuration);
    for name in ["tagged", "untagged", "plain", "old_tool"] {
        let file = format!("/etc/objects/{name}.bpf.o");
        machine = machine.file(file, object(name, &[]).unwrap());
    }
    let outcome = machine
        .run(kernel, &SCRIPT.replace("CHANGES", CHANGES))
        .unwrap();
    assert_eq!(outcome.status, 0, "{}\n{}", outcome.output, outcome.console);
    let text = |name: &str| String::from_utf8_lossy(&outcome.file(name).unwrap()).into_owned();
    assert_eq!((text("pins").as_str(), text("mounts").trim()), ("", "0"));
    let log = text("log");
    let accounts: Vec<_> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    all_balance(&accounts);
    let events = Event::read_all(&text("events.jsonl")).unwrap();
    own_probes_tell(&by_the_shell(&events), &events);
    plain_object_tells(&events);
    described_object_tells(&events, &Record::read_all(&text("opens")).unwrap());
}

/// What is no event, and the events of the two processes that changed directories as the script says.
fn by_the_shell(events: &[Event]) -> Vec<Event> {
    let failed = events
        .iter()
        .find(|e| e.kind() == "test.chdir" && e.get("error.type").is_some());
    let shell = failed.and_then(|e| e.integer("process.pid"));
    let is_of_it = |event: &&Event| {
        let of_event = |name| event.kind().is_empty() || event.integer(name) == shell;
        of_event("process.pid") || of_event("process.parent_pid")
    };
    events.iter().filter(is_of_it).cloned().collect()
}

/// The plain object tells each change, by its own fields.
#[track_caller]
fn plain_object_tells(events: &[Event]) {
    let visits: Vec<_> = events
        .iter()
        .filter(|e| e.kind() == "eunomia.plain")
        .collect();
    let at = visits
        .iter()
        .position(|visit| visit.text("eunomia.plain.where") == Some("/nowhere"));
    let changes = &visits[at.unwrap() - 1..];
    let places: Vec<_> = changes
        .iter()
        .map(|e| e.text("eunomia.plain.where").unwrap())
        .collect();
    assert_eq!(places[..6], ["/", "/nowhere", "/tmp", "/proc", "/dev", "/"]);
    for event in &changes[..6] {
        assert_eq!(
            event.integer("eunomia.plain.answer"),
            Some(-54321),
            "{event:?}"
        );
        assert!(event.integer("eunomia.plain.pid").is_some(), "{event:?}");
        assert!(event.text("eunomia.plain.comm").is_some(), "{event:?}");
    }
}

/// Each `open` of the workload is told under the name and with the fields of the layout.
#[track_caller]
fn described_object_tells(events: &[Event], records: &[Record]) {
    let opens: Vec<_> = events.iter().filter(|e| e.kind() == "open").collect();
    let mut count = 0;
    for access in records.iter().filter_map(Record::as_open) {
        // Longer names are cut by the record, and EFAULT has none.
        if access.call != Call::Open || access.argument.0.len() > 126 {
            continue;
        }
        let is_it = |event: &&&Event| {
            event.bytes("eunomia.old.filename").as_ref() == Some(&access.argument.0)
                && event.integer("eunomia.old.pid") == Some(access.pid.into())
        };
        assert!(
            opens.iter().any(|event| is_it(&event)),
            "{access:?} of {opens:?}"
        );
        count += 1;
    }
    assert!(count >= 2, "{records:?}");
}

/// The oldest kernel supported.
#[test]
fn foreign_objects_work_on_5_10() {
    foreign_objects_work(Kernel::V5_10);
}

/// Debian 12's.
#[test]
fn foreign_objects_work_on_6_1() {
    foreign_objects_work(Kernel::V6_1);
}

/// Debian 13's.
#[test]
fn foreign_objects_work_on_6_12() {
    foreign_objects_work(Kernel::V6_12);
}

/// The newest one.
#[test]
fn foreign_objects_work_on_the_newest() {
    foreign_objects_work(Kernel::V7);
}
