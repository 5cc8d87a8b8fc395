//! Metric maps of a user's object: whom their points are about, and that nothing waits for them.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _, read_to_string};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use eunomia_integration::{
    Account, Cgroup, Event, Naming, Pipeline, Scratch, Workload, object, until,
};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;

/// Changes its folder three times, then to one that there is none.
const SCRIPT: &str = "echo here; read go; cd /; cd /tmp; cd /; cd /nowhere; true";

/// A shell in a cgroup that waits for a line before it does what it is there for.
#[track_caller]
fn shell(cgroup: &Cgroup) -> Child {
    let mut shell = cgroup
        .entering()
        .args(["sh", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(shell.stdout.as_mut().unwrap());
    stdout.read_line(&mut line).unwrap();
    shell
}

/// The object, compiled and where a configuration can name it.
#[track_caller]
fn by_cgroup(scratch: &Scratch) -> PathBuf {
    let bytes = object("by_cgroup", &[]).unwrap();
    scratch.write("by_cgroup.bpf.o", bytes).unwrap()
}

/// The points of a map whose key has a cgroup carry its path, and where it is a container's the
/// container; the last of them are what was counted until the probes were detached.
#[test]
fn points_about_a_cgroup_name_its_container() {
    let scratch = Scratch::new("metrics").unwrap();
    let id = "c5".repeat(32);
    let cgroups = [&*Naming::Podman.cgroup(&id), "user.slice/app.scope"]
        .map(|name| Cgroup::create(name).unwrap());
    let mut shells = cgroups.each_ref().map(shell);
    let pids = shells.each_ref().map(Child::id);
    let configuration = format!(
        "version: 1
receivers:
  ebpf:
    probes: {{ mine: {{ object: {} }} }}
    filter: {{ pid_tree: {pids:?} }}
processors: {{ container: {{}} }}
exporters: {{ json: {{ path: \"-\" }} }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [container], exporters: [json] }}
",
        by_cgroup(&scratch).display()
    );
    let pipeline = Pipeline::start(&configuration, &[]).unwrap();
    pipeline.wait_for_log("started").unwrap();
    for shell in &mut shells {
        shell.stdin.take().unwrap().write_all(b"go\n").unwrap();
        assert!(shell.wait().unwrap().success());
    }
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    let points = finished.events().unwrap();
    for (cgroup, container) in cgroups.iter().zip([Some(&*id), None]) {
        for (failed, count) in [(0, 3), (1, 1)] {
            let path = cgroup.path();
            let is_it = |point: &&Event| {
                point.text("process.linux.cgroup") == path.to_str()
                    && point.integer("test.failed") == Some(failed)
            };
            let last = points.iter().rfind(is_it).unwrap();
            assert_eq!(last.text("metric"), Some("test.chdir.calls"));
            assert_eq!(last.integer("value"), Some(count));
            assert_eq!(last.text("container.id"), container);
        }
    }
}

/// Whether a process keeps a program attached.
fn is_attached(pid: u32) -> bool {
    let folder = format!("/proc/{pid}/fdinfo");
    let infos = fs::read_dir(folder).unwrap();
    infos
        .filter_map(|info| fs::read_to_string(info.ok()?.path()).ok())
        .any(|info| info.contains("link_type:"))
}

/// A pipeline that nobody empties does not keep probes attached: on SIGTERM they are gone while
/// the rest waits, and once somebody reads everything is there and every line adds up.
#[test]
fn detaching_waits_for_no_pipeline() {
    let scratch = Scratch::new("detach").unwrap();
    let path = scratch.path().join("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).unwrap();
    // Opened at both ends, so that opening it waits for nobody.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
    let reader = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(&path)
        .unwrap();
    let workload = Workload::start(&["flood", "call=open", "count=20000"]).unwrap();
    let configuration = format!(
        "version: 1
receivers:
  ebpf:
    probes: {{ open: {{}}, mine: {{ object: {} }} }}
    filter: {{ pid_tree: [{}] }}
    metrics_interval: 100ms
exporters:
  json: {{ path: {}, queue: {{ max_bytes: 64KiB, when_full: block }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json] }} }} }}
",
        by_cgroup(&scratch).display(),
        workload.pid(),
        path.display()
    );
    let pipeline = Pipeline::start(&configuration, &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    workload.finish().unwrap();
    assert!(is_attached(pipeline.pid()));
    pipeline.signal(Signal::TERM).unwrap();
    until("the probes are detached", || {
        Ok((!is_attached(pipeline.pid())).then_some(()))
    })
    .unwrap();
    // A second descriptor that waits; what it reads ends with the daemon.
    let waiting = File::open(&path).unwrap();
    drop(reader);
    let reading = std::thread::spawn(move || read_to_string(waiting).unwrap());
    let finished = pipeline.finish().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    let lines = Event::read_all(&reading.join().unwrap()).unwrap();
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let opens = lines.iter().filter(|line| line.kind() == "file.open");
    let received = accounts.iter().find_map(|account| match account {
        Account::Probe {
            event, received, ..
        } if event == "file.open" => Some(*received),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => None,
    });
    assert_eq!(Some(opens.count() as u64), received);
}
