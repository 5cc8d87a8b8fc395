//! TCP connections: each event whole, at both ends, against what the processes say of themselves.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use eunomia_integration::{
    APART, Account, Event, Expected, Pipeline, Place, Record, Watched, Workload, workload_binary,
};

/// Connections to be made, of every case and over every family.
const COUNT: u64 = 400;

/// A record that belongs to an event, and the moment in which it happened.
#[derive(Clone, Copy, Debug)]
struct Told<'a> {
    after: u64,
    record: &'a Record,
    before: u64,
}

/// Who did what a record tells, if it is of a connection, and the kind of event that tells it too.
fn deed(record: &Record) -> Option<(u32, &'static str)> {
    if let Record::Connect { pid, .. } = record {
        Some((*pid, "network.connect"))
    } else if let Record::Accept { pid, .. } = record {
        Some((*pid, "network.accept"))
    } else if let Record::Close { pid, .. } = record {
        Some((*pid, "network.close"))
    } else {
        None
    }
}

/// The records of each process, each between the one before of the same process and itself.
fn told(watched: &Watched) -> Vec<(u32, Told<'_>)> {
    let mut last = BTreeMap::new();
    let mut told = Vec::new();
    for said in &watched.said {
        if let Some((pid, _)) = deed(&said.record) {
            let after = last.insert(pid, said.at).unwrap_or(watched.before);
            let (record, before) = (&said.record, said.at);
            told.push((
                pid,
                Told {
                    after,
                    record,
                    before,
                },
            ));
        }
    }
    told
}

fn of_kind<'a>(told: &[(u32, Told<'a>)], pid: u32, kind: &str) -> Vec<Told<'a>> {
    let wanted = told
        .iter()
        .filter(|(_, told)| deed(told.record) == Some((pid, kind)));
    wanted.map(|(_, told)| *told).collect()
}

/// An event of `kind` by the process, whose image is known from its own exec or from what it said.
fn by(watched: &Watched, kind: &str, pid: u32) -> Expected {
    let image = watched.image().unwrap();
    if pid == image.pid {
        let ids = watched.ids(pid).unwrap();
        return Expected::of(kind, image, &Place::here().unwrap(), ids);
    }
    Expected::like(watched.only("process.exec", pid).unwrap(), kind)
}

/// The ends of a connection; an IPv6 socket that speaks IPv4 speaks IPv4.
fn between(expected: Expected, local: Option<SocketAddr>, peer: SocketAddr) -> Expected {
    let address = |end: SocketAddr| end.ip().to_canonical();
    let kind = if address(peer).is_ipv4() {
        "ipv4"
    } else {
        "ipv6"
    };
    expected
        .with("network.transport", "tcp")
        .with("network.type", kind)
        .with_some(
            "network.local.address",
            local.map(|local| address(local).to_string()),
        )
        .with_some("network.local.port", local.map(|local| local.port()))
        .with("network.peer.address", address(peer).to_string())
        .with("network.peer.port", peer.port())
}

fn expected(actor: Expected, record: &Record, event: &Event) -> Expected {
    const DURATION: &str = "eunomia.network.duration_ns";
    if let Record::Accept { local, peer, .. } = record {
        return between(actor, Some(*local), *peer);
    }
    if let Record::Close {
        local,
        peer,
        sent,
        received,
        reset,
        ..
    } = record
    {
        return between(actor, Some(*local), *peer)
            .with("eunomia.network.bytes_sent", *sent)
            .with("eunomia.network.bytes_received", *received)
            .with(DURATION, event.integer(DURATION))
            .with_some("error.type", reset.then_some("ECONNRESET"));
    }
    let Record::Connect {
        local, peer, error, ..
    } = record
    else {
        unreachable!("{record:?}")
    };
    // What had an address of its own has lost it by the time the process can ask.
    let refused = error.as_deref() == Some("ECONNREFUSED");
    let lost = own_end(event).filter(|_| refused);
    let local = match local {
        Some(local) if refused => lost.map(|end| SocketAddr::new(end.ip(), local.port())),
        Some(local) => Some(*local),
        None => lost,
    };
    between(actor, local, *peer).with_some("error.type", error.as_deref())
}

/// The event's own end, of a loopback address with a port.
fn own_end(event: &Event) -> Option<SocketAddr> {
    let address = event.text("network.local.address")?.parse().ok()?;
    let port = u16::try_from(event.integer("network.local.port")?).ok()?;
    let end = SocketAddr::new(address, port);
    (end.ip().is_loopback() && port > 0).then_some(end)
}

#[track_caller]
fn is_whole(watched: &Watched, pid: u32, event: &Event, told: Told<'_>) {
    let expected = expected(by(watched, event.kind(), pid), told.record, event);
    let differences = expected.differences(event);
    assert!(
        differences.is_empty(),
        "{}\n{told:?}\n{event:?}",
        differences.join("\n")
    );
    let time = event.time().unwrap();
    assert!(told.after <= time, "{told:?}\n{event:?}");
    if matches!(told.record, Record::Close { .. }) {
        // The kernel closes when the other end is done too.
        let duration =
            u64::try_from(event.integer("eunomia.network.duration_ns").unwrap()).unwrap();
        assert!(
            duration > 0 && duration < time - watched.before,
            "{event:?}"
        );
    } else {
        assert!(time <= told.before, "{told:?}\n{event:?}");
    }
}

/// The close of the same ports, which tell the connections of one process apart; others come in
/// the order in which they were told.
fn with_ports<'a>(events: &[&'a Event], record: &Record) -> Option<&'a Event> {
    let Record::Close { local, peer, .. } = record else {
        return None;
    };
    let at = |event: &Event, name, end: &SocketAddr| event.integer(name) == Some(end.port().into());
    let mut found = events.iter().filter(|event| {
        at(event, "network.local.port", local) && at(event, "network.peer.port", peer)
    });
    found.next().copied()
}

/// Over IPv4, IPv6 and IPv4 in IPv6; refused, unreachable, reset, half-closed, killed, silent: one
/// event for each thing that each end did, whole, with the bytes that it counted itself, and no more.
#[test]
fn four_hundred_connections_are_told_whole_at_both_ends() {
    let count = format!("count={COUNT}");
    let workload = Workload::start(&["tcp", &count, "image=yes"]).unwrap();
    let watched = Watched::held("process: {}, tcp: {}", workload, |said, events| {
        let closed = said
            .iter()
            .filter(|said| matches!(said.record, Record::Close { .. }));
        events
            .iter()
            .filter(|event| event.kind() == "network.close")
            .count()
            >= closed.count()
    });
    let watched = watched.unwrap();
    assert!(watched.accounts.iter().all(Account::holds));
    let told = told(&watched);
    let mut pids: Vec<_> = told.iter().map(|(pid, _)| *pid).collect();
    pids.sort_unstable();
    pids.dedup();
    for pid in pids {
        for kind in ["network.connect", "network.accept", "network.close"] {
            let of_pid = |event: &&Event| event.integer("process.pid") == Some(pid.into());
            let events: Vec<_> = watched.of(kind).filter(of_pid).collect();
            let told = of_kind(&told, pid, kind);
            assert_eq!(events.len(), told.len(), "{kind} of {pid}");
            for (told, in_order) in told.iter().zip(&events) {
                let event = with_ports(&events, told.record).unwrap_or(in_order);
                is_whole(&watched, pid, event, *told);
            }
        }
    }
    let network = watched
        .events
        .iter()
        .filter(|event| event.kind().starts_with("network."));
    assert_eq!(network.count(), told.len());
    let attempts = told
        .iter()
        .filter(|(_, told)| matches!(told.record, Record::Connect { .. }));
    assert_eq!(attempts.count() as u64, COUNT);
}

/// Datagrams are no TCP; nobody hears of them.
#[test]
fn datagrams_are_not_told() {
    let script = "exec 3<>/dev/udp/127.0.0.1/9 && echo datagram >&3";
    let watched = Watched::command(&["process", "tcp"], &["bash", "-c", script]).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    let kinds: Vec<_> = watched.events.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["process.exec", "process.exit"]);
}

/// Without the probe nobody hears of a connection, though there were some.
#[test]
fn connections_are_not_told_without_the_probe() {
    let watched = Watched::workload(&["process"], &["tcp", "count=11"]).unwrap();
    assert!(told(&watched).len() > 11);
    let is_of_processes = |event: &Event| event.kind().starts_with("process.");
    assert!(!watched.events.is_empty() && watched.events.iter().all(is_of_processes));
}

/// A connection that a child talks over is its maker's all the same, to its end.
#[test]
fn connection_is_its_makers_whoever_uses_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "read go; exec 3<>/dev/tcp/127.0.0.1/{port}; (echo child >&3; read -r line <&3; echo $BASHPID)"
    );
    let mut maker = Command::new("bash");
    maker.args(["-c", &script]);
    let mut maker = maker
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let configuration = Watched::configuration("tcp: {}", maker.id());
    let mut pipeline = Pipeline::start(&configuration, &[]).unwrap();
    pipeline.wait_for_log("started").unwrap();
    maker.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let (mut stream, peer) = listener.accept().unwrap();
    let mut request = String::new();
    BufReader::new(&stream).read_line(&mut request).unwrap();
    assert_eq!(request, "child\n");
    stream.write_all(b"answer\n").unwrap();
    drop(stream);
    let pid = i64::from(maker.id());
    let output = maker.wait_with_output().unwrap();
    let child: i64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap();
    assert_ne!(child, pid);
    let is_closed = |events: &[Event]| events.iter().any(|event| event.kind() == "network.close");
    pipeline
        .wait_for("the end of the connection", is_closed)
        .unwrap();
    let finished = pipeline.stop().unwrap();
    let events = finished.events().unwrap();
    let [connect, close] = events.as_slice() else {
        unreachable!("{events:?}")
    };
    for (event, kind) in [(connect, "network.connect"), (close, "network.close")] {
        assert_eq!(event.kind(), kind);
        assert_eq!(event.integer("process.pid"), Some(pid));
        assert_eq!(
            event.integer("network.local.port"),
            Some(peer.port().into())
        );
    }
    let bytes =
        ["sent", "received"].map(|way| close.integer(&format!("eunomia.network.bytes_{way}")));
    assert_eq!(bytes, [Some(6), Some(7)]);
}

/// A socket that was taken apart is as new: what came before had its outcome, and what comes has its
/// own.
#[test]
fn attempts_of_a_socket_that_was_taken_apart_are_told() {
    let command = [workload_binary().unwrap(), "tcp-apart".into()];
    let watched = Watched::command(&["tcp"], &command).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    let outcomes: Vec<_> = watched
        .of("network.connect")
        .map(|event| event.text("error.type"))
        .collect();
    assert_eq!(outcomes, APART);
    assert_eq!(watched.of("network.close").count(), 1);
    assert!(watched.accounts.iter().all(Account::holds));
}

/// What `network.connect` was seen and filtered while this ran with `run tcp --comm NOBODY`.
#[track_caller]
fn unwanted(script: &str) -> (u64, u64) {
    let watched =
        Watched::command(&["tcp", "--comm", "nobody"], &["python3", "-c", script]).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    assert!(watched.events.is_empty());
    assert!(watched.accounts.iter().all(Account::holds));
    let counts = watched.accounts.iter().find_map(|line| match line {
        Account::Probe {
            event,
            seen,
            filtered,
            ..
        } if event == "network.connect" => Some((*seen, *filtered)),
        Account::Probe { .. } | Account::Processor { .. } | Account::Exporter { .. } => None,
    });
    counts.unwrap()
}

/// An attempt of a process that nobody wants to hear of is one attempt, whether the socket or the
/// system call says that it failed. One kind of them counted twice were a quarter more; others on
/// this machine, tests of this file among them, are counted too and make fewer in that time.
#[test]
fn unwanted_attempts_are_counted_once() {
    const ATTEMPTS: u64 = 20_000;
    let attempts = format!("attempts = range({ATTEMPTS})\n{UNWANTED}");
    let (seen, filtered) = unwanted(&attempts);
    assert_eq!(seen, filtered);
    assert!(
        (ATTEMPTS..ATTEMPTS + ATTEMPTS / 4).contains(&seen),
        "{seen}"
    );
}

/// Of four attempts one is refused, one is refused and asked for it later, one has no way, and one
/// is given up unheard.
const UNWANTED: &str = "
import errno, select, socket
nobody, nowhere = ('127.0.0.1', 9), ('224.0.0.1', 7)
for number in attempts:
    with socket.socket() as attempt:
        waits = number % 4 in (1, 3)
        attempt.setblocking(not waits)
        expected = errno.EINPROGRESS if waits else errno.ECONNREFUSED
        if number % 4 == 2:
            assert attempt.connect_ex(nowhere) == errno.ENETUNREACH
            continue
        assert attempt.connect_ex(nobody) == expected
        if number % 4 == 1:
            select.select([], [attempt], [])
            assert attempt.connect_ex(nobody) == errno.ECONNREFUSED
";
