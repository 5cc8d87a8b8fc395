//! The command line as a user meets it: exit codes, streams, signals, and the commands that answer.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use eunomia_integration::{
    Account, Error, Event, Finished, Pipeline, Scratch, Workload, pipeline_binary, until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(pipeline_binary().unwrap());
    command.args(arguments).stdin(Stdio::null());
    command
}

#[track_caller]
fn output<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The exit code of the watched command is the program's own.
#[test]
fn exit_code_is_that_of_the_command() {
    let scratch = Scratch::new("commands").unwrap();
    let plain = scratch.write("plain", "no program").unwrap();
    let plain = plain.to_str().unwrap();
    let rows: [(&[&str], i32); 9] = [
        (&["true"], 0),
        (&["sh", "-c", "exit 1"], 1),
        (&["sh", "-c", "exit 75"], 75),
        (&["sh", "-c", "exit 255"], 255),
        (&["sh", "-c", "kill -KILL $$"], 128 + 9),
        (&["sh", "-c", "kill -TERM $$"], 128 + 15),
        (&["/nonexistent/program"], 127),
        (&["no-such-program-anywhere"], 127),
        (&[plain], 126),
    ];
    for (program, code) in rows {
        let arguments = ["run", "process", "--"].iter().chain(program);
        let output = output(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{program:?}: {}",
            text(&output.stderr)
        );
    }
}

/// The command keeps its streams: what it is given and says passes unchanged, and with `-o` nothing
/// is mixed in.
#[test]
fn command_keeps_its_streams() {
    let scratch = Scratch::new("commands").unwrap();
    let file = scratch.path().join("events.jsonl");
    let arguments = ["run", "process", "--format", "ndjson", "-o"].map(OsStr::new);
    let arguments = arguments.into_iter().chain([file.as_os_str()]);
    let rest = ["--", "sh", "-c", "cat; echo complaint >&2"].map(OsStr::new);
    let mut child = command(arguments.chain(rest));
    child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"two\nlines \xff")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"two\nlines \xff");
    assert!(text(&output.stderr).contains("complaint\n"));
    let events = Event::read_all(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind() == "process.exec")
            .count(),
        2
    );
}

/// The command has the descriptors that it would have without being watched, none of the pipeline's.
#[test]
fn command_inherits_no_descriptors() {
    let scratch = Scratch::new("commands").unwrap();
    let file = scratch.path().join("events.jsonl");
    let list = ["ls", "/proc/self/fd"].map(OsStr::new);
    let arguments = ["run", "process", "-o"].map(OsStr::new);
    let arguments = arguments
        .into_iter()
        .chain([file.as_os_str(), "--".as_ref()]);
    let watched = output(arguments.chain(list));
    let mut alone = Command::new(list[0]);
    let alone = alone.arg(list[1]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(text(&watched.stdout), text(&alone.stdout));
}

/// Without `-o` events stand beside what the command says, for programs and for people.
#[test]
fn events_go_to_stdout_otherwise() {
    let output = output([
        "run",
        "process",
        "--format",
        "ndjson",
        "--",
        "sh",
        "-c",
        "echo said",
    ]);
    let lines = text(&output.stdout);
    let (said, events): (Vec<_>, Vec<_>) = lines.lines().partition(|line| *line == "said");
    assert_eq!(said.len(), 1);
    let kinds: Vec<_> = events
        .iter()
        .map(|line| Event::read(line).unwrap().kind().to_owned())
        .collect();
    assert_eq!(kinds, ["process.exec", "process.exit"]);
    let table = text(&self::output(["run", "process", "--", "true"]).stdout);
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(
        rows[0].contains("EVENT")
            && rows[1].contains("process.exec")
            && rows[2].contains("process.exit"),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "plain in a pipe");
}

/// Nobody reads any more: the command goes on to its end all the same, and ends as it wants.
#[test]
fn command_goes_on_when_nobody_reads() {
    let scratch = Scratch::new("commands").unwrap();
    let mark = scratch.path().join("mark");
    let script = format!(
        "read go; i=0; while [ $i -lt 500 ]; do : </dev/null; i=$((i+1)); done; cat; : >{}; exit 9",
        mark.display()
    );
    let mut child = command([
        "run", "open", "--format", "ndjson", "--", "sh", "-c", &script,
    ]);
    child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
    assert!(mark.exists());
}

/// Told to end before the command was started, the code is not that of a command that went well.
#[test]
fn a_command_that_never_began_has_the_code_of_the_signal() {
    let scratch = Scratch::new("never-begun").unwrap();
    let pipe = scratch.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // It waits for a reader of the pipe.
    let mut child = command(["run", "process", "-o"])
        .arg(&pipe)
        .args(["--", "true"])
        .spawn()
        .unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    until("SIGTERM is taken over", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        Ok((caught & 1 << (Signal::TERM.as_raw() - 1) != 0).then_some(()))
    })
    .unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
}

/// Told to end, it tells the command, and ends as that does.
#[test]
fn command_is_told_to_end_too() {
    let arguments = [
        "run",
        "process",
        "--format",
        "ndjson",
        "--",
        "tail",
        "-f",
        "/dev/null",
    ];
    let mut pipeline = Pipeline::with_arguments(arguments).unwrap();
    let runs = |events: &[Event]| {
        events
            .iter()
            .any(|event| event.text("process.command") == Some("tail"))
    };
    pipeline.wait_for("the command's exec", runs).unwrap();
    let finished = pipeline.stop().unwrap();
    assert_eq!(
        finished.status.code(),
        Some(128 + 15),
        "{:?}",
        finished.stderr
    );
}

/// What is wrong with the command line is 2, before the command is started.
#[test]
fn usage_errors_are_2() {
    let scratch = Scratch::new("commands").unwrap();
    let mark = scratch.path().join("mark");
    let mark = mark.to_str().unwrap();
    let rows: [&[&str]; 14] = [
        &[],
        &["run"],
        &["run", "nonsense", "--", "touch", mark],
        &["run", "open", "--nonsense", "--", "touch", mark],
        &["run", "open", "--pid", "x", "--duration", "1ms"],
        &["run", "open", "--pid", "-1", "--duration", "1ms"],
        &["run", "open", "--uid", "nobody", "--", "touch", mark],
        &[
            "run",
            "open",
            "--comm",
            "sixteen-letters!",
            "--",
            "touch",
            mark,
        ],
        &["run", "open", "--container", "abc", "--", "touch", mark],
        &["run", "open", "--cgroup", "relative", "--", "touch", mark],
        &["run", "open", "--pid-tree", "1", "--", "touch", mark],
        &["run", "open", "--duration", "soon", "--", "touch", mark],
        &["run", "open", "--format", "xml", "--", "touch", mark],
        &["nonsense"],
    ];
    for arguments in rows {
        let output = output(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    assert!(!scratch.path().join("mark").exists());
}

/// What is wrong with a configuration is 78, each error with its place.
#[test]
fn configuration_errors_are_78() {
    let scratch = Scratch::new("commands").unwrap();
    let good = "version: 1\nreceivers: { ebpf: { probes: { open: {} }, filter: { pid: [1] } } }\n\
        exporters: { json: { path: \"-\" } }\n\
        service: { pipelines: { events: { receivers: [ebpf], exporters: [json] } } }\n";
    let bad = good.replace("open: {}", "opne: {}");
    let [good, bad] = [("good.yaml", good), ("bad.yaml", &bad)].map(|(name, content)| {
        scratch
            .write(name, content)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    let missing = format!("{good}.missing");
    let rows: [(&[&str], &str); 6] = [
        (&["--config", &missing], &missing),
        (&["--config", &bad], &format!("{bad}:2:")),
        (&["validate", "--config", &bad], &format!("{bad}:2:")),
        (&["print-config", "--config", &bad], &format!("{bad}:2:")),
        (
            &["--config", &good, "--set", "receivers.ebpf.rign=1MiB"],
            "rign",
        ),
        (
            &[
                "validate",
                "--config",
                &good,
                "--set",
                "receivers.ebpf.ring=much",
            ],
            "ring",
        ),
    ];
    for (arguments, named) in rows {
        let output = output(arguments);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {complaint}");
        assert!(complaint.contains(named), "{arguments:?}: {complaint}");
    }
    let output = output(["validate", "--config", &good]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// A daemon that watches `root` and writes to its stdout.
#[track_caller]
fn daemon(root: u32) -> Pipeline {
    let configuration = format!(
        "version: 1
receivers: {{ ebpf: {{ probes: {{ open: {{}} }}, filter: {{ pid: [{root}] }} }} }}
processors: {{ process: {{}} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], processors: [process], exporters: [json] }} }} }}
"
    );
    let pipeline = Pipeline::start(&configuration, &[]).unwrap();
    pipeline.wait_for_log("started").unwrap();
    pipeline
}

/// The account adds up, and everything that was received was delivered.
#[track_caller]
fn is_balanced(accounts: &[Account]) {
    let mut counts = Vec::new();
    for line in accounts {
        assert!(line.holds(), "{line:?}");
        match line {
            Account::Probe {
                event,
                received,
                in_ring,
                ..
            } if event == "file.open" => {
                assert_eq!(*in_ring, 0);
                counts.push(*received);
            }
            Account::Probe { .. } => {}
            Account::Processor { incoming, out, .. } => counts.extend([*incoming, *out]),
            Account::Exporter {
                accepted,
                delivered,
                ..
            } => counts.extend([*accepted, *delivered]),
        }
    }
    assert_eq!(counts.len(), 5, "{accounts:?}");
    assert!(
        counts.windows(2).all(|pair| pair[0] == pair[1]),
        "{accounts:?}"
    );
}

/// SIGTERM and Ctrl-C end it with 0 once everything that happened before is out, and the account;
/// so do two at once, as timeout(1) sends them.
#[test]
fn told_to_end_it_drains_and_accounts() {
    for signals in [
        &[Signal::TERM][..],
        &[Signal::INT],
        &[Signal::TERM, Signal::INT],
    ] {
        let scratch = Scratch::new("commands").unwrap();
        let folder = format!("dir={}", scratch.path().display());
        let workload = Workload::start(&["opens", "count=3000", &folder]).unwrap();
        let pipeline = daemon(workload.pid());
        workload.finish().unwrap();
        for signal in signals {
            pipeline.signal(*signal).unwrap();
        }
        let finished: Finished = pipeline.finish().unwrap();
        assert_eq!(finished.status.code(), Some(0));
        assert_eq!(finished.events().unwrap().len(), 3000);
        is_balanced(&finished.accounts());
    }
}

/// SIGUSR2 asks for the account, and it goes on.
#[test]
fn account_is_given_when_asked_for() {
    let workload = Workload::start(&["flood", "call=open", "count=5"]).unwrap();
    let mut pipeline = daemon(workload.pid());
    workload.finish().unwrap();
    pipeline
        .wait_for("five opens", |events| events.len() == 5)
        .unwrap();
    pipeline.signal(Signal::USR2).unwrap();
    // What is written is counted as delivered after that; accepted it was before.
    pipeline
        .wait_for_log("{\"account\":\"exporter\",\"exporter\":\"json\",\"accepted\":5,")
        .unwrap();
    let finished = pipeline.stop().unwrap();
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let probes = accounts
        .iter()
        .filter(|line| matches!(line, Account::Probe { .. }));
    assert_eq!(
        probes.count(),
        2,
        "once when asked, once at the end: {accounts:?}"
    );
}

/// A closed pipe ends the daemon quietly.
#[test]
fn closed_pipe_ends_the_daemon_quietly() {
    let workload = Workload::start(&["flood", "call=open", "count=5000"]).unwrap();
    let pid = workload.pid().to_string();
    let mut child = command([
        "run",
        "open",
        "--pid",
        &pid,
        "--format",
        "ndjson",
        "--log-format",
        "json",
    ]);
    child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    drop(child.stdout.take());
    let stderr = child.stderr.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr)).map(Result::unwrap);
    let started = lines.by_ref().find(|line| line.contains("started"));
    assert!(started.is_some());
    workload.finish().unwrap();
    let ended = || {
        child
            .try_wait()
            .map_err(Error::io("wait for", "eunomia-pipeline"))
    };
    let status = until("it ends by itself", ended).unwrap();
    assert_eq!(status.code(), Some(0));
    let rest: Vec<_> = lines.collect();
    let complaints: Vec<_> = rest
        .iter()
        .filter(|line| line.contains("ERROR") || line.contains("panic"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[track_caller]
fn json<const N: usize>(arguments: [&str; N]) -> Value {
    let output = output(arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every component is listed, in both forms.
#[test]
fn components_lists_each_of_them() {
    let list = json(["components", "--format", "json"]);
    let readable = text(&output(["components"]).stdout);
    for (kind, names) in [
        ("receiver", ["ebpf", "replay"].as_slice()),
        ("processor", &["process", "container", "filter"]),
        (
            "exporter",
            &["console", "json", "otlp", "prometheus", "record"],
        ),
    ] {
        for name in names {
            let is_it = |one: &&Value| one["kind"] == kind && one["name"] == **name;
            let about = list.as_array().unwrap().iter().find(is_it).unwrap()["about"]
                .as_str()
                .unwrap();
            assert!(!about.is_empty());
            let is_told =
                |line: &str| line.starts_with(kind) && line.contains(name) && line.ends_with(about);
            assert!(readable.lines().any(is_told), "{name} in {readable}");
        }
    }
}

/// The schema is one of JSON and knows the sections of a configuration.
#[test]
fn schema_describes_the_configuration() {
    let schema = json(["schema"]);
    assert_eq!(schema, json(["schema", "--format", "json"]));
    assert!(
        schema["$schema"]
            .as_str()
            .unwrap()
            .contains("json-schema.org")
    );
    for section in ["version", "receivers", "processors", "exporters", "service"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
    // The generator tells types of one name apart by a number.
    for name in schema["$defs"].as_object().unwrap().keys() {
        assert!(
            !name.ends_with(|last: char| last.is_ascii_digit()),
            "{name}"
        );
    }
}

/// The version, in three ways.
#[test]
fn version_is_told() {
    let report = json(["version", "--format", "json"]);
    let line = format!(
        "{} {}\n",
        report["name"].as_str().unwrap(),
        report["version"].as_str().unwrap()
    );
    assert!(line.starts_with("eunomia-pipeline "));
    assert_eq!(text(&output(["version"]).stdout), line);
    assert_eq!(text(&output(["--version"]).stdout), line);
}

/// In another pid namespace the numbers are not the kernel's: filtering by them is refused, with
/// the remedy, and what else there is goes on with a warning.
#[test]
fn pids_are_not_filtered_from_another_pid_namespace() {
    let in_namespace = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc"]);
        command.arg(pipeline_binary().unwrap()).args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let refused = in_namespace(&["run", "open", "--", "true"]);
    assert_eq!(refused.status.code(), Some(77));
    assert!(text(&refused.stderr).contains("--pid=host"));
    let warned = in_namespace(&["run", "open", "--uid", "4294967294", "--duration", "1ms"]);
    assert_eq!(warned.status.code(), Some(0));
    assert!(text(&warned.stderr).contains("not the host's pid namespace"));
}
