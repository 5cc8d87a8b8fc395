//! Filters in the kernel: each key lets its own out, and nothing of whoever does the same beside it.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, read_link};
use std::os::unix::fs::{chown, symlink};
use std::process::{Command, id};

use eunomia_integration::{
    Account, Cgroup, Container, Event, Finished, Naming, Pipeline, Record, Said, Scratch, Watched,
    Workload, free_port, get, workload_binary,
};

/// A process id that nobody has: beyond what the kernel gives out.
const NOBODY: u32 = 4_194_304;
/// A user that nobody is.
const USER: u32 = 54_321;

/// What two workloads did, and what came out.
struct Seen {
    /// Process ids of the first and the second one.
    pids: [i64; 2],
    said: [Vec<Said>; 2],
    events: Vec<Event>,
}

impl Seen {
    /// Lets both go under a daemon with these settings of its receiver.
    #[track_caller]
    fn under(receiver: &str, workloads: [Workload; 2]) -> Self {
        Self::after(receiver, workloads, || ())
    }

    /// The same, once the daemon runs and `change` is done.
    #[track_caller]
    fn after(receiver: &str, workloads: [Workload; 2], change: impl FnOnce()) -> Self {
        let pipeline = Pipeline::start(
            &format!(
                "version: 1
receivers: {{ ebpf: {{ {receiver} }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters: {{ json: {{ path: \"-\" }} }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [json] }}
"
            ),
            &[],
        );
        let pipeline = pipeline.unwrap();
        pipeline.wait_for_log("started").unwrap();
        change();
        let pids = workloads.each_ref().map(|workload| workload.pid().into());
        let said = workloads.map(|workload| workload.finish_said().unwrap());
        let finished: Finished = pipeline.stop().unwrap();
        assert_eq!(finished.status.code(), Some(0), "{:?}", finished.stderr);
        let accounts = finished.accounts();
        assert!(
            !accounts.is_empty() && accounts.iter().all(Account::holds),
            "{accounts:?}"
        );
        Self {
            pids,
            said,
            events: finished.events().unwrap(),
        }
    }

    /// The processes that caused events.
    fn actors(&self) -> BTreeSet<i64> {
        self.events
            .iter()
            .filter_map(|event| event.integer("process.pid"))
            .collect()
    }

    /// The processes of a workload, itself among them.
    fn family(&self, which: usize) -> BTreeSet<i64> {
        let said = self.said.get(which).unwrap().iter();
        let pids = said.filter_map(|said| {
            let told = said.record.as_exec().map(|image| image.pid);
            told.or_else(|| Some(said.record.as_open()?.pid))
        });
        pids.map(i64::from)
            .chain(self.pids.get(which).copied())
            .collect()
    }

    /// Only the first workload's opens came out: every one that it told of, and none of the other.
    #[track_caller]
    fn only_the_first_opens(&self) {
        let [first, second] = self.pids;
        assert_eq!(self.actors(), [first].into(), "not {second}");
        assert_eq!(self.opens_of(first), told_opens(&self.said[0]));
        assert_eq!(told_opens(&self.said[1]), 8);
    }

    fn opens_of(&self, pid: i64) -> usize {
        let opens = self
            .events
            .iter()
            .filter(|event| event.kind() == "file.open");
        opens
            .filter(|event| event.integer("process.pid") == Some(pid))
            .count()
    }
}

fn told_opens(said: &[Said]) -> usize {
    said.iter()
        .filter(|said| matches!(said.record, Record::Open(_)))
        .count()
}

/// A folder to open files in, as an argument of the workload.
fn folder() -> (Scratch, String) {
    let scratch = Scratch::new("filters").unwrap();
    let argument = format!("dir={}", scratch.path().display());
    (scratch, argument)
}

/// Eight opens, held.
fn opens(argument: &str) -> Workload {
    Workload::start(&["opens", "count=8", argument]).unwrap()
}

/// Eight opens by way of a command that becomes the workload, held.
#[track_caller]
fn opens_by(command: &[&str], argument: &str) -> Workload {
    let (program, arguments) = command.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments);
    held_opens(command, argument)
}

#[track_caller]
fn held_opens(mut command: Command, argument: &str) -> Workload {
    command.arg(workload_binary().unwrap());
    command.args(["opens", "count=8", argument]);
    Workload::held(command).unwrap()
}

/// A process id is that process alone, without what it starts.
#[test]
fn pid() {
    let workloads = [(); 2].map(|()| Workload::start(&["execs", "count=3"]).unwrap());
    let filter = format!(
        "probes: {{ process: {{}} }}, filter: {{ pid: [{NOBODY}, {}] }}",
        workloads[0].pid()
    );
    let seen = Seen::under(&filter, workloads);
    assert_eq!(seen.actors(), [seen.pids[0]].into());
    let kinds: Vec<_> = seen.events.iter().map(Event::kind).collect();
    assert_eq!(
        kinds,
        [
            "process.fork",
            "process.fork",
            "process.fork",
            "process.exit"
        ]
    );
}

/// A process id and everything that descends from it.
#[test]
fn pid_tree() {
    let workloads = [(); 2].map(|()| Workload::start(&["execs", "count=3"]).unwrap());
    let filter = format!(
        "probes: {{ process: {{}} }}, filter: {{ pid_tree: [{NOBODY}, {}] }}",
        workloads[0].pid()
    );
    let seen = Seen::under(&filter, workloads);
    assert_eq!(seen.actors(), seen.family(0));
    assert_eq!((seen.family(0).len(), seen.family(1).len()), (4, 4));
    assert_eq!(seen.events.len(), 3 * 3 + 1);
}

/// A process that doesn't exist matches nothing and is no error.
#[test]
fn pid_of_nobody() {
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let filter =
        format!("probes: {{ process: {{}}, open: {{}} }}, filter: {{ pid_tree: [{NOBODY}] }}");
    let seen = Seen::under(&filter, [opens(&argument), opens(&other)]);
    assert_eq!(seen.events, []);
    assert_eq!(told_opens(&seen.said[0]), 8);
}

/// Several values of a key are alternatives.
#[test]
fn values_are_alternatives() {
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let workloads = [opens(&argument), opens(&other)];
    let [first, second] = workloads.each_ref().map(Workload::pid);
    let filter = format!("probes: {{ open: {{}} }}, filter: {{ pid: [{first}, {second}] }}");
    let seen = Seen::under(&filter, workloads);
    assert_eq!(seen.pids.map(|pid| seen.opens_of(pid)), [8, 8]);
}

/// Several keys must all match.
#[test]
fn keys_must_all_match() {
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let workloads = [opens(&argument), opens(&other)];
    let pid = workloads[0].pid();
    let filter = format!("probes: {{ open: {{}} }}, filter: {{ pid: [{pid}], comm: [somebody] }}");
    let seen = Seen::under(&filter, workloads);
    assert_eq!(seen.events, []);
}

/// Eight opens in a cgroup, held.
#[track_caller]
fn opens_in(cgroup: &Cgroup, argument: &str) -> Workload {
    held_opens(cgroup.entering(), argument)
}

/// A cgroup and those below it, and not one whose name begins alike.
#[test]
fn cgroup() {
    let inner = Cgroup::create("outer/inner").unwrap();
    let alike = Cgroup::create("outer-other").unwrap();
    let outer = inner.path().parent().unwrap().to_owned();
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let filter = format!(
        "probes: {{ open: {{}} }}, filter: {{ cgroup: [/nowhere, \"{}\"] }}",
        outer.display()
    );
    let seen = Seen::under(
        &filter,
        [opens_in(&inner, &argument), opens_in(&alike, &other)],
    );
    seen.only_the_first_opens();
    assert_eq!(
        seen.events[0].text("process.linux.cgroup").map(OsStr::new),
        Some(inner.path().as_os_str())
    );
}

/// Who enters a cgroup later is in it from then on, and who leaves it is not.
#[test]
fn cgroup_entered_and_left() {
    let cgroup = Cgroup::create("later").unwrap();
    let elsewhere = Cgroup::create("elsewhere").unwrap();
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let workloads = [opens_in(&elsewhere, &argument), opens_in(&cgroup, &other)];
    let filter = format!(
        "probes: {{ open: {{}} }}, filter: {{ cgroup: [\"{}\"] }}",
        cgroup.path().display()
    );
    let [entering, leaving] = workloads.each_ref().map(Workload::pid);
    let seen = Seen::after(&filter, workloads, || {
        for (pid, cgroup) in [(entering, &cgroup), (leaving, &elsewhere)] {
            for folder in cgroup.folders() {
                fs::write(folder.join("cgroup.procs"), pid.to_string()).unwrap();
            }
        }
    });
    seen.only_the_first_opens();
}

/// The first twelve digits of a container's id, and not those of another one.
#[test]
fn container() {
    let ids = ["a5", "b5"].map(|pair| pair.repeat(32));
    let [first, second] = ids
        .each_ref()
        .map(|id| Cgroup::create(&Naming::Crio.cgroup(id)).unwrap());
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let filter = format!(
        "probes: {{ open: {{}} }}, filter: {{ container: [{}] }}",
        ids[0].get(..12).unwrap()
    );
    let seen = Seen::under(
        &filter,
        [opens_in(&first, &argument), opens_in(&second, &other)],
    );
    seen.only_the_first_opens();
    assert_eq!(seen.events[0].text("container.id"), Some(&*ids[0]));
}

/// Processes in containers, and not those beside them, among these two: other tests have containers
/// of their own at the same time.
#[test]
fn containers_only() {
    let container = Container::new(Naming::Podman).unwrap();
    let plain = Cgroup::create("user.slice/app.scope").unwrap();
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let workloads = [
        opens_in(container.cgroup(), &argument),
        opens_in(&plain, &other),
    ];
    let pids = workloads.each_ref().map(Workload::pid);
    let filter = format!(
        "probes: {{ open: {{}} }}, filter: {{ containers_only: true, pid_tree: {pids:?} }}"
    );
    Seen::under(&filter, workloads).only_the_first_opens();
}

/// The effective user, whoever the real one is.
#[test]
fn uid() {
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    // The real user is another one, and the other way round beside it.
    let as_user = |real: &str, effective: &str| {
        let (real, effective) = (format!("--ruid={real}"), format!("--euid={effective}"));
        opens_by(
            &[
                "setpriv",
                "--inh-caps=-all",
                &real,
                &effective,
                "--clear-groups",
            ],
            if effective == "--euid=0" {
                &other
            } else {
                &argument
            },
        )
    };
    let user = USER.to_string();
    for folder in [&argument, &other] {
        let path = folder.trim_start_matches("dir=");
        chown(path, Some(USER), None).unwrap();
    }
    let filter = format!(
        "probes: {{ open: {{}} }}, filter: {{ uid: [{USER}], pid_tree: [{}] }}",
        id()
    );
    let seen = Seen::under(&filter, [as_user("0", &user), as_user(&user, "0")]);
    seen.only_the_first_opens();
    assert_eq!(seen.events[0].integer("process.user.id"), Some(USER.into()));
}

/// The name of the thread that acts, whole.
#[test]
fn comm() {
    let (scratch, argument) = folder();
    let (_other, other) = folder();
    let [first, second] = ["fifteen-letters", "fifteen-letter"].map(|name| {
        let link = scratch.path().join(name);
        symlink(workload_binary().unwrap(), &link).unwrap();
        link
    });
    let opens_as = |program: &OsStr, argument: &str| {
        let mut command = Command::new(program);
        command.args(["opens", "count=8", argument]);
        Workload::held(command).unwrap()
    };
    let filter = format!(
        "probes: {{ open: {{}} }}, filter: {{ comm: [nobody, fifteen-letters], pid_tree: [{}] }}",
        id()
    );
    let seen = Seen::under(
        &filter,
        [
            opens_as(first.as_os_str(), &argument),
            opens_as(second.as_os_str(), &other),
        ],
    );
    seen.only_the_first_opens();
}

/// A pid namespace by the number of its file, and not the one around it.
#[test]
fn pid_namespace() {
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let inside = opens_by(&["unshare", "--pid", "--fork"], &argument);
    let children = format!("/proc/{0}/task/{0}/children", inside.pid());
    let child: i64 = fs::read_to_string(children)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let link = read_link(format!("/proc/{child}/ns/pid")).unwrap();
    let number = link
        .to_str()
        .unwrap()
        .trim_start_matches("pid:[")
        .trim_end_matches(']')
        .to_owned();
    let filter = format!("probes: {{ open: {{}} }}, filter: {{ pid_namespace: [{number}] }}");
    let seen = Seen::under(&filter, [inside, opens(&other)]);
    assert_eq!(seen.actors(), [child].into());
    assert_eq!(seen.opens_of(child), 8);
    assert_eq!(seen.events[0].integer("process.vpid"), Some(1));
}

/// A probe narrows further for itself alone.
#[test]
fn a_probe_of_its_own() {
    let (_scratch, argument) = folder();
    let (_other, other) = folder();
    let workloads = [opens(&argument), opens(&other)];
    let [first, second] = workloads.each_ref().map(Workload::pid);
    let filter = format!(
        "probes: {{ process: {{}}, open: {{ filter: {{ pid: [{first}] }} }} }}, filter: {{ pid: [{first}, {second}] }}"
    );
    let seen = Seen::under(&filter, workloads);
    assert_eq!(seen.pids.map(|pid| seen.opens_of(pid)), [8, 0]);
    let exits = seen
        .events
        .iter()
        .filter(|event| event.kind() == "process.exit");
    assert_eq!(exits.count(), 2);
}

/// The daemon is in the tree that it watches, and is not told of unless that is asked for: it
/// accepts a connection, whose other end is ours.
#[test]
fn observe_self() {
    for (setting, count) in [("", 0), ("observe_self: true, ", 1)] {
        let page = free_port().unwrap();
        let configuration = format!(
            "version: 1
receivers:
  ebpf: {{ {setting}probes: {{ tcp: {{}} }}, filter: {{ pid_tree: [{}] }} }}
exporters: {{ json: {{ path: \"-\" }}, prometheus: {{ endpoint: \"127.0.0.1:{page}\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json, prometheus] }} }} }}
",
            id()
        );
        let pipeline = Pipeline::start(&configuration, &[]).unwrap();
        pipeline.wait_for_log("started").unwrap();
        get(page, "/metrics").unwrap();
        let daemon = i64::from(pipeline.pid());
        let events = pipeline.stop().unwrap().events().unwrap();
        let of = |pid: i64, kind: &str, port: &str| {
            let of_kind = events.iter().filter(|event| event.kind() == kind);
            let of_pid = of_kind.filter(|event| event.integer("process.pid") == Some(pid));
            of_pid
                .filter(|event| event.integer(port) == Some(page.into()))
                .count()
        };
        assert_eq!(of(id().into(), "network.connect", "network.peer.port"), 1);
        assert_eq!(
            of(daemon, "network.accept", "network.local.port"),
            count,
            "{setting}"
        );
    }
}

/// What a probe filtered of one kind, and what it saw.
#[track_caller]
fn filtered(accounts: &[Account], kind: &str) -> (u64, u64) {
    let found = accounts.iter().find_map(|line| {
        let Account::Probe {
            event,
            filtered,
            seen,
            ..
        } = line
        else {
            return None;
        };
        (event == kind).then_some((*filtered, *seen))
    });
    found.unwrap()
}

/// Opens that failed, counted as seen with the others.
#[test]
fn failed_only() {
    let (_scratch, argument) = folder();
    let watched = Watched::workload(
        &["process", "open", "--failed-only"],
        &["opens", "count=64", &argument],
    )
    .unwrap();
    let pid = watched.image().unwrap().pid;
    let of_pid = |event: &&Event| event.integer("process.pid") == Some(pid.into());
    let opens: Vec<_> = watched.of("file.open").filter(of_pid).collect();
    assert!(opens.iter().all(|event| event.text("error.type").is_some()));
    let named = |event: &&&Event| {
        event
            .text("eunomia.file.raw_path")
            .is_some_and(|path| path.contains("missing"))
    };
    assert_eq!(opens.iter().filter(named).count(), 16);
    let (filtered, seen) = filtered(&watched.accounts, "file.open");
    assert!(filtered >= 48 && seen >= 64, "{filtered} of {seen}");
}

/// Exits of lives that were shorter are filtered, and those of longer ones are not.
#[test]
fn min_duration() {
    let watched =
        Watched::workload(&["process", "--min-duration", "1h"], &["execs", "count=3"]).unwrap();
    assert_eq!(watched.of("process.exec").count(), 4);
    assert_eq!(watched.of("process.exit").count(), 0);
    assert!(filtered(&watched.accounts, "process.exit").0 >= 4);
    let watched =
        Watched::workload(&["process", "--min-duration", "1ns"], &["execs", "count=3"]).unwrap();
    assert_eq!(watched.of("process.exit").count(), 4);
}

/// The command line narrows the command's own tree further.
#[test]
fn filters_on_the_command_line() {
    let (_scratch, argument) = folder();
    let script = format!("\"$0\" opens count=8 {argument}; : </dev/null");
    let workload = workload_binary().unwrap();
    let command = [
        "sh".as_ref(),
        "-c".as_ref(),
        OsStr::new(&script),
        workload.as_os_str(),
    ];
    for (option, opens, null) in [("workload", true, false), ("sh", false, true)] {
        let watched = Watched::command(&["open", "--comm", option], &command).unwrap();
        let path = |path: &str| {
            watched.of("file.open").any(|event| {
                event
                    .text("file.path")
                    .is_some_and(|found| found.contains(path))
            })
        };
        assert_eq!(
            (path("/file 0"), path("/dev/null")),
            (opens, null),
            "{option}"
        );
        assert!(
            watched
                .events
                .iter()
                .all(|event| event.text("eunomia.process.comm") == Some(option))
        );
        fs::read_dir(argument.trim_start_matches("dir="))
            .unwrap()
            .for_each(|entry| fs::remove_file(entry.unwrap().path()).unwrap());
    }
}
