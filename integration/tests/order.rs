//! Order and identity: no flood pushes out the life of processes, what a process did comes out in
//! the order in which it did it, and what the program does itself neither shows nor stays.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::thread;

use eunomia_integration::{
    Account, Cgroup, End, Event, Pipeline, Record, Scratch, Watched, Workload, pipeline_binary,
    until, workload_binary,
};
use rustix::process::Signal;

/// A filter of everything below `pids`.
fn below(pids: &[u32]) -> String {
    format!("pid_tree: {pids:?}")
}

/// A daemon with this filter.
fn configuration(filter: &str, settings: &str, output: &str) -> String {
    format!(
        "version: 1
receivers:
  ebpf:
    probes: {{ process: {{}}, open: {{}}, tcp: {{}} }}
    filter: {{ {filter} }}
{settings}
processors: {{ process: {{}}, container: {{}} }}
exporters: {{ json: {{ path: \"{output}\" }} }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [json] }}
"
    )
}

#[track_caller]
fn started(configuration: &str) -> Pipeline {
    let pipeline = Pipeline::start(configuration, &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    pipeline
}

fn pid_of(event: &Event) -> Option<u32> {
    u32::try_from(event.integer("process.pid")?).ok()
}

/// The processes that events of this kind are about, in their order.
fn pids_of(events: &[Event], kind: &str) -> Vec<u32> {
    let of_kind = events.iter().filter(|event| event.kind() == kind);
    of_kind.filter_map(pid_of).collect()
}

/// The events of each process stand in the order of their time, none before its exec, none behind
/// its exit.
#[track_caller]
fn in_order(events: &[Event], execs: &[u32]) {
    let mut of_process = BTreeMap::<_, Vec<&Event>>::new();
    for event in events {
        if let Some(pid) = pid_of(event) {
            of_process.entry(pid).or_default().push(event);
        }
    }
    for (pid, events) in of_process {
        let times: Vec<_> = events.iter().map(|event| event.time().unwrap()).collect();
        assert!(times.is_sorted(), "of process {pid}: {times:?}");
        assert_eq!(events.last().unwrap().kind(), "process.exit", "of {pid}");
        if execs.contains(&pid) {
            assert_eq!(events.first().unwrap().kind(), "process.exec", "of {pid}");
        }
    }
}

/// Four threads make 400,000 opens beside a process that runs one program after another.
#[test]
fn flood_of_opens_pushes_out_no_exec_and_no_exit() {
    let scratch = Scratch::new("order").unwrap();
    let output = scratch.path().join("events.jsonl");
    let flood = ["flood", "call=open", "threads=4", "count=100000"];
    let (flood, other) = (
        Workload::start(&flood).unwrap(),
        Workload::start(&["execs", "count=150"]).unwrap(),
    );
    let pids = [flood.pid(), other.pid()];
    let output = output.display().to_string();
    let pipeline = started(&configuration(&below(&pids), "", &output));
    let flooding = thread::spawn(move || flood.finish().unwrap());
    let records = other.finish().unwrap();
    flooding.join().unwrap();
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    for account in finished.accounts() {
        assert!(account.holds(), "{account:?}");
        match account {
            Account::Probe {
                event,
                seen,
                filtered,
                ..
            } if event == "file.open" => {
                assert!(seen - filtered >= 400_000, "{seen} - {filtered}");
            }
            Account::Probe { event, lost, .. } => assert_eq!(lost, 0, "{event}"),
            Account::Processor { .. } | Account::Exporter { .. } => {}
        }
    }
    let events = Event::read_all(&fs::read_to_string(&output).unwrap()).unwrap();
    let execs: Vec<_> = records
        .iter()
        .filter_map(Record::as_exec)
        .map(|i| i.pid)
        .collect();
    assert_eq!(execs.len(), 150);
    assert_eq!(pids_of(&events, "process.exec"), execs);
    let mut exits: Vec<_> = execs.iter().copied().chain(pids).collect();
    let mut seen = pids_of(&events, "process.exit");
    exits.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, exits);
    in_order(&events, &execs);
}

/// Two programs under one process id within a moment are two: each with its own arguments, its own
/// exec id and its own end. The id is that of a pid namespace, in which nobody else takes one; the
/// host's is used twice in the machines.
#[test]
fn reused_pid_is_told_apart() {
    const PAIRS: usize = 10;
    let workload = workload_binary().unwrap();
    let count = format!("count={PAIRS}");
    let mut command: Vec<_> = ["unshare", "-f", "-p", "--mount-proc", "setsid"]
        .map(Into::into)
        .to_vec();
    command.extend([workload.into_os_string(), "pid-reuse".into(), count.into()]);
    let watched = Watched::command(&["process"], &command).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    let said: Vec<_> = watched.said.iter().map(|said| &said.record).collect();
    let mut ends = Vec::new();
    for record in &said {
        if let Record::Exit { pid, end } = record {
            ends.push((*pid, *end));
        }
    }
    let images: Vec<_> = said.iter().filter_map(|record| record.as_exec()).collect();
    assert_eq!((images.len(), ends.len()), (2 * PAIRS, 2 * PAIRS));
    let (mut ids, mut reused) = (BTreeSet::new(), 0);
    for (image, (pid, end)) in images.iter().zip(&ends) {
        assert_eq!(image.pid, *pid);
        let texts: Vec<_> = image.args.iter().map(|text| text.0.clone()).collect();
        let find = |kind: &str, fits: &dyn Fn(&Event) -> bool| -> Event {
            let mut found = watched.of(kind).filter(|event| fits(event));
            let event = found
                .next()
                .unwrap_or_else(|| panic!("no {kind} of {image:?}"));
            assert!(found.next().is_none(), "two {kind} of {image:?}");
            event.clone()
        };
        let exec = find("process.exec", &|event| {
            event.list("process.command_args").as_ref() == Some(&texts)
        });
        assert_eq!(exec.integer("process.vpid"), Some((*pid).into()));
        let id = exec.text("eunomia.process.exec_id").unwrap().to_owned();
        let exit = find("process.exit", &|event| {
            event.text("eunomia.process.exec_id") == Some(&id)
        });
        let code = exit
            .integer("process.exit.code")
            .and_then(|code| i32::try_from(code).ok());
        assert_eq!(code.map(End::Code), Some(*end));
        assert_eq!(exit.get("process.pid"), exec.get("process.pid"));
        assert!(ids.insert(id), "{exec:?}");
    }
    for pair in images.chunks(2) {
        reused += usize::from(pair[0].pid == pair[1].pid);
    }
    assert_eq!(reused, PAIRS);
}

/// The ids under `kind` in what the kernel tells of a process's descriptors.
fn held_by(pid: u32, kind: &str) -> BTreeSet<u32> {
    // A program array must not be opened by its id while the kernel empties it, which it does when
    // its owner is gone: closed again it is never freed (seen on 6.18). Its programs tell instead.
    const PROGRAM_ARRAY: &str = "map_type:\t3";
    let folder = format!("/proc/{pid}/fdinfo");
    let files = fs::read_dir(folder).unwrap().flatten();
    let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    let id = |text: String| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(kind)?.strip_prefix(":"));
        line?.trim().parse().ok()
    };
    texts
        .filter(|text| text.lines().all(|line| line != PROGRAM_ARRAY))
        .filter_map(id)
        .collect()
}

/// Whether the kernel still has the program or map with this id.
#[track_caller]
fn exists(what: &str, id: u32) -> bool {
    let output = Command::new("bpftool")
        .args([what, "show", "id", &id.to_string()])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    output.status.success()
}

/// Killed without a chance to clean up it leaves no program, no map, no mount and no pin.
#[test]
fn killed_daemon_leaves_nothing() {
    let workload = Workload::start(&["idle"]).unwrap();
    let pipeline = started(&configuration(&below(&[workload.pid()]), "", "-"));
    let pid = pipeline.pid();
    let (programs, maps) = (held_by(pid, "prog_id"), held_by(pid, "map_id"));
    assert!(
        programs.len() > 10 && maps.len() > 5,
        "{programs:?} {maps:?}"
    );
    assert!(programs.iter().all(|id| exists("prog", *id)));
    let mounts = |pid: &str| fs::read_to_string(format!("/proc/{pid}/mounts")).unwrap();
    let of_kind = |text: String| {
        let kinds = [" bpf ", " tracefs "];
        text.lines()
            .filter(|line| kinds.iter().any(|kind| line.contains(kind)))
            .count()
    };
    assert_eq!(of_kind(mounts(&pid.to_string())), of_kind(mounts("self")));
    pipeline.signal(Signal::KILL).unwrap();
    assert!(!pipeline.finish().unwrap().status.success());
    until("the kernel has let go of everything", || {
        let programs = programs.iter().any(|id| exists("prog", *id));
        let maps = maps.iter().any(|id| exists("map", *id));
        Ok((!programs && !maps).then_some(()))
    })
    .unwrap();
    let pins = fs::read_dir("/sys/fs/bpf").into_iter().flatten().flatten();
    let own = format!("eunomia-{pid}");
    assert!(pins.into_iter().all(|pin| pin.file_name() != own.as_str()));
}

/// What the program itself does in a cgroup that it belongs to shows only when it is asked for.
#[test]
fn program_does_not_watch_itself() {
    for observes in [false, true] {
        let cgroup = Cgroup::create("watched").unwrap();
        let mut workload = cgroup.entering();
        workload.arg(workload_binary().unwrap());
        workload.args(["flood", "call=open", "count=1", "path=/etc/hostname"]);
        let workload = Workload::held(workload).unwrap();
        let filter = format!("cgroup: [{}]", cgroup.path().display());
        let settings = format!("    observe_self: {observes}");
        let scratch = Scratch::new("order").unwrap();
        let file = scratch.write("pipeline.yaml", configuration(&filter, &settings, "-"));
        let mut program = cgroup.entering();
        program.arg(pipeline_binary().unwrap());
        program.arg("--config").arg(file.unwrap());
        program.args(["--log-format", "json"]);
        let mut pipeline = Pipeline::command(program).unwrap();
        pipeline.wait_for_log("\"started\"").unwrap();
        let (own, pid) = (pipeline.pid(), workload.pid());
        // Writing the account it reads files.
        pipeline.signal(Signal::USR2).unwrap();
        pipeline.wait_for_log("\"account\":\"exporter\"").unwrap();
        workload.finish().unwrap();
        pipeline
            .wait_for("the workload's exit", |events| {
                let is_its_exit =
                    |event: &Event| event.kind() == "process.exit" && pid_of(event) == Some(pid);
                events.iter().any(is_its_exit)
            })
            .unwrap();
        let events = pipeline.stop().unwrap().events().unwrap();
        let of = |wanted: u32| {
            events
                .iter()
                .filter(|event| pid_of(event) == Some(wanted))
                .count()
        };
        assert!(of(pid) >= 2);
        assert_eq!(of(own) > 0, observes, "{} events", of(own));
    }
}
