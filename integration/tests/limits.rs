//! Numbers that the documentation names: at the limit all is there, one beyond it is counted or
//! refused.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use eunomia_integration::{
    Account, Cgroup, Event, Finished, Pipeline, Scratch, Watched, Workload, object, workload_binary,
};

/// Sockets of TCP that are followed at a time.
const SOCKETS: u64 = 16_384;
/// Attempts beyond them that are remembered until they have an outcome.
const REMEMBERED: u64 = 4096;
/// Places among those for what others on this machine attempt meanwhile.
const SPARE: u64 = 96;
/// Cgroups of which the kernel remembers whether a filter wants them.
const VERDICTS: usize = 8192;
/// Cgroups that are made at a time: a ring holds their paths.
const AT_A_TIME: usize = 1000;
/// Probes in one receiver, the base among them.
const PROBES: usize = 31;

/// The daemon on the tree of `pid`, writing to standard output.
fn configuration(probes: &str, pid: u32) -> String {
    format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ {probes} }}, filter: {{ pid_tree: [{pid}] }}, ring: 16MiB }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [json] }} }} }}
"
    )
}

/// Lets the workload go under these probes.
#[track_caller]
fn watched(probes: &str, workload: Workload) -> Finished {
    let pipeline = Pipeline::start(&configuration(probes, workload.pid()), &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    workload.finish().unwrap();
    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    finished
}

/// What was received and lost of a kind.
#[track_caller]
fn line(accounts: &[Account], kind: &str) -> (u64, BTreeMap<String, u64>) {
    let found = accounts.iter().find_map(|account| match account {
        Account::Probe {
            event,
            received,
            lost_by,
            ..
        } if event == kind => Some((*received, lost_by.clone())),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => None,
    });
    found.unwrap()
}

/// Both ends of so many connections fill the table, and each is told whole; of one more the attempt
/// and both ends are lost and counted, as it is accepted all the same.
#[test]
fn sockets_beyond_the_table_are_counted() {
    let connections = SOCKETS / 2 + 1;
    let count = format!("count={connections}");
    let workload = Workload::start(&["connections", &count]).unwrap();
    let finished = watched("tcp: {}", workload);
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let full = |count| BTreeMap::from([("table_full".to_owned(), count)]);
    for (kind, received, lost) in [
        ("network.connect", connections - 1, full(1)),
        ("network.accept", connections, BTreeMap::new()),
        ("network.close", SOCKETS, full(2)),
    ] {
        assert_eq!(line(&accounts, kind), (received, lost), "{kind}");
    }
}

/// An attempt that fails is told while there is room in the table, and counted once as lost when there is
/// none; when no more of those are remembered either, its failure counts as one more, and is told.
#[test]
fn failures_beyond_the_table_are_counted() {
    let options = [
        format!("sockets={SOCKETS}"),
        format!("waiting={REMEMBERED}"),
        format!("spare={SPARE}"),
    ];
    let [sockets, waiting, spare] = &options;
    let workload = Workload::start(&["tcp-beyond", sockets, waiting, spare]).unwrap();
    let finished = watched("tcp: {}", workload);
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let connected = SOCKETS / 2;
    // One in the listener's queue, with one end; one that waits, and is given up at the end.
    let (refused, given_up) = (4, 1);
    let full = BTreeMap::from([("table_full".to_owned(), REMEMBERED + refused - 1)]);
    for (kind, received, lost) in [
        ("network.connect", connected + given_up + 2, full.clone()),
        ("network.accept", connected - 1, BTreeMap::new()),
        ("network.close", SOCKETS - 1, full),
    ] {
        assert_eq!(line(&accounts, kind), (received, lost), "{kind}");
    }
    let mut errors = BTreeMap::new();
    for event in finished.events().unwrap() {
        if let ("network.connect", Some(error)) = (event.kind(), event.text("error.type")) {
            *errors.entry(error.to_owned()).or_insert(0) += 1;
        }
    }
    let told = [("ECONNABORTED", given_up), ("ECONNREFUSED", 2)];
    assert_eq!(
        errors,
        BTreeMap::from(told.map(|(error, count)| (error.to_owned(), count)))
    );
}

/// Eight opens in a cgroup, held.
#[track_caller]
fn opens_in(cgroup: &Cgroup, folder: &Scratch) -> Workload {
    let mut command = cgroup.entering();
    command.arg(workload_binary().unwrap());
    command.args(["opens", "count=8"]);
    command.arg(format!("dir={}", folder.path().display()));
    Workload::held(command).unwrap()
}

/// Makes more cgroups than there are verdicts below a folder, and waits until the pipeline has heard
/// of them: what ends in `wanted` behind them in the ring is told when they are.
#[track_caller]
fn crowd(folder: &Path, wanted: &Cgroup, pipeline: &mut Pipeline) {
    for number in 1..=VERDICTS + AT_A_TIME {
        fs::create_dir(folder.join(number.to_string())).unwrap();
        if number % AT_A_TIME == 0 {
            assert!(wanted.entering().arg("true").status().unwrap().success());
            let ends = number / AT_A_TIME;
            let ended = |events: &[Event]| of_kind(events, "process.exit").count() == ends;
            pipeline.wait_for("the end of a process", ended).unwrap();
        }
    }
}

/// Beyond so many cgroups the kernel forgets of one after the other whether it is wanted. Those are
/// judged again, and one that is made after all others is known as the first was.
#[test]
fn cgroups_beyond_the_verdicts_are_known_too() {
    let [wanted, others] = ["wanted", "others"].map(|name| Cgroup::create(name).unwrap());
    let folders = ["late", "other"].map(|name| Scratch::new(name).unwrap());
    let late = opens_in(&wanted, &folders[0]);
    let other = opens_in(&others, &folders[1]);
    let own = format!("cgroup: [\"{}\"]", wanted.path().display());
    let configuration = Watched::configuration("process: {}, open: {}", 1);
    let configuration = configuration.replace("pid_tree: [1]", &own);
    let mut pipeline = Pipeline::start(&configuration, &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    let counting = &others.folders()[0];
    crowd(counting, &wanted, &mut pipeline);
    let pids = [&late, &other].map(|workload| i64::from(workload.pid()));
    for folder in wanted.folders() {
        let folder = folder.join("late");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("cgroup.procs"), pids[0].to_string()).unwrap();
    }
    for workload in [late, other] {
        workload.finish().unwrap();
    }
    let finished = pipeline.stop().unwrap();
    // Nobody is in them: that is sooner done here than by looking.
    for number in 1..=VERDICTS + AT_A_TIME {
        fs::remove_dir(counting.join(number.to_string())).unwrap();
    }
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let is_refused = |line: &&String| line.contains("could not be stored");
    assert_eq!(finished.stderr.iter().find(is_refused), None);
    let events = finished.events().unwrap();
    let path = wanted.path().join("late");
    let opens = of_kind(&events, "file.open").filter_map(|event| {
        let pid = event.integer("process.pid")?;
        let place = event.text("process.linux.cgroup").map(PathBuf::from);
        pids.contains(&pid).then_some((pid, place))
    });
    assert_eq!(opens.collect::<Vec<_>>(), vec![(pids[0], Some(path)); 8]);
}

fn of_kind<'e>(events: &'e [Event], kind: &'e str) -> impl Iterator<Item = &'e Event> {
    events.iter().filter(move |event| event.kind() == kind)
}

/// So many copies of an object as probes, the first one called `probe0`.
#[track_caller]
fn copies(count: usize, scratch: &Scratch) -> String {
    let bytes = object("slots", &[]).unwrap();
    let path = scratch.write("slots.bpf.o", bytes).unwrap();
    let mut probes = String::new();
    for number in 0..count {
        write!(probes, "probe{number}: {{ object: {} }}, ", path.display()).unwrap();
    }
    probes
}

/// What `validate` answers about these probes.
#[track_caller]
fn refusal(probes: &str, scratch: &Scratch) -> String {
    let file = scratch.write("refused.yaml", configuration(probes, 1));
    let output = Command::new(eunomia_integration::pipeline_binary().unwrap())
        .args(["validate", "--config"])
        .arg(file.unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// How often each function of each probe was called, by what it told.
fn calls(finished: &Finished) -> BTreeMap<i64, usize> {
    let mut calls = BTreeMap::new();
    for event in finished.events().unwrap() {
        let function = |event: &Event| event.integer("test.function");
        *calls.entry(function(&event).unwrap()).or_default() += 1;
    }
    calls
}

/// As many probes as there are numbers for all see the same calls; one more is refused at its place.
#[test]
fn probes_beyond_their_numbers_are_refused() {
    let scratch = Scratch::new("probes").unwrap();
    let workload = Workload::start(&["flood", "call=open", "count=100"]).unwrap();
    // The base is one, whether it is named or not.
    let finished = watched(&copies(PROBES - 1, &scratch), workload);
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let received: Vec<_> = accounts
        .iter()
        .filter_map(|account| match account {
            Account::Probe {
                event, received, ..
            } if event == "test.call" => Some(*received),
            Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => None,
        })
        .collect();
    assert_eq!(received.len(), PROBES - 1);
    assert!(received[0] >= 100, "{received:?}");
    assert!(
        received.iter().all(|one| *one == received[0]),
        "{received:?}"
    );
    let refused = refusal(&copies(PROBES, &scratch), &scratch);
    assert!(
        refused.contains(":3:19: receivers.ebpf.probes: 32 probes (the base counts as one) in one receiver, and it has room for 31"),
        "{refused}"
    );
}

/// As many functions on system calls as the dispatcher has slots are all called, one after the
/// other; one more is refused.
#[test]
fn functions_beyond_the_slots_are_refused() {
    let scratch = Scratch::new("slots").unwrap();
    let bytes = object("slots", &["-DSIXTEEN"]).unwrap();
    let sixteen = scratch.write("sixteen.bpf.o", bytes).unwrap();
    let sixteen = sixteen.display();
    let probes = format!("one: {{ object: {sixteen} }}, two: {{ object: {sixteen} }}, ");
    let workload = Workload::start(&["flood", "call=open", "count=100"]).unwrap();
    let calls = calls(&watched(&probes, workload));
    assert_eq!(
        calls.keys().copied().collect::<Vec<_>>(),
        Vec::from_iter(0..16)
    );
    assert!(calls[&0] >= 200, "{calls:?}");
    assert!(calls.values().all(|count| *count == calls[&0]), "{calls:?}");
    let refused = refusal(&(probes + &copies(1, &scratch)), &scratch);
    assert!(
        refused.contains(":3:19: receivers.ebpf.probes: 33 functions on system calls in one receiver, and it has room for 32"),
        "{refused}"
    );
}
