//! Numbers that the documentation names: at the limit all is there, one beyond it is counted or
//! refused.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use eunomia_integration::{Account, Event, Finished, Pipeline, Scratch, Workload, object};

/// Sockets of TCP that are followed at a time.
const SOCKETS: u64 = 16_384;
/// Attempts beyond them that are remembered until they have an outcome.
const REMEMBERED: u64 = 4096;
/// Places among those for what others on this machine attempt meanwhile.
const SPARE: u64 = 96;
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
