//! TCP connections: each event whole, at both ends, against what the processes say of themselves.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use eunomia_integration::{Event, Expected, Place, Record, Watched, Workload};

/// Connections to be made, of every case and over every family.
const COUNT: u64 = 400;

/// A record that belongs to an event, and the moment in which it happened.
#[derive(Clone, Copy, Debug)]
struct Told<'a> {
    after: u64,
    record: &'a Record,
    before: u64,
}

/// The records of each process, each between the one before of the same process and itself.
fn told(watched: &Watched) -> Vec<(u32, Told<'_>)> {
    let mut last = BTreeMap::new();
    let mut told = Vec::new();
    for said in &watched.said {
        let pid = match &said.record {
            Record::Connect { pid, .. }
            | Record::Accept { pid, .. }
            | Record::Close { pid, .. } => *pid,
            _ => continue,
        };
        let after = last.insert(pid, said.at).unwrap_or(watched.before);
        told.push((
            pid,
            Told {
                after,
                record: &said.record,
                before: said.at,
            },
        ));
    }
    told
}

fn of_kind<'a>(told: &[(u32, Told<'a>)], pid: u32, kind: &str) -> Vec<Told<'a>> {
    let is_of_kind = |record: &Record| match record {
        Record::Connect { .. } => kind == "network.connect",
        Record::Accept { .. } => kind == "network.accept",
        _ => kind == "network.close",
    };
    let wanted = told
        .iter()
        .filter(|(of, told)| *of == pid && is_of_kind(told.record));
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
    match record {
        Record::Connect {
            local, peer, error, ..
        } => {
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
        Record::Accept { local, peer, .. } => between(actor, Some(*local), *peer),
        Record::Close {
            local,
            peer,
            sent,
            received,
            reset,
            ..
        } => between(actor, Some(*local), *peer)
            .with("eunomia.network.bytes_sent", *sent)
            .with("eunomia.network.bytes_received", *received)
            .with(
                "eunomia.network.duration_ns",
                event.integer("eunomia.network.duration_ns"),
            )
            .with_some("error.type", reset.then_some("ECONNRESET")),
        other => unreachable!("{other:?}"),
    }
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

/// Both ports, as the process has them: they tell the connections of one process apart.
fn ports(record: &Record) -> Option<(i64, i64)> {
    let Record::Close { local, peer, .. } = record else {
        return None;
    };
    Some((local.port().into(), peer.port().into()))
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
    assert!(watched.accounts.iter().all(|line| line.holds()));
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
                let event = match ports(told.record) {
                    None => in_order,
                    Some((local, peer)) => events
                        .iter()
                        .find(|event| {
                            event.integer("network.local.port") == Some(local)
                                && event.integer("network.peer.port") == Some(peer)
                        })
                        .unwrap(),
                };
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
