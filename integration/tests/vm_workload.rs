//! The workload in the virtual machines: it does the same on every kernel.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use eunomia_integration::{Kernel, Machine, Record, workload_binary};

const SCRIPT: &str = "
cd /tmp && mkdir odd root
workload execs count=50 >/out/execs || exit 1
workload odd-opens dir=/tmp/odd >/out/opens || exit 2
workload chrooted-opens root=/tmp/root >/out/chrooted || exit 3
workload tcp count=66 >/out/tcp || exit 4
workload pid-reuse count=10 >/out/reuse || exit 5
container /sys/fs/cgroup/docker/abc box / workload execs count=1 >/out/inside || exit 6
";

#[track_caller]
fn records(text: Vec<u8>) -> Vec<Record> {
    Record::read_all(&String::from_utf8_lossy(&text)).unwrap()
}

#[track_caller]
fn works(kernel: Kernel) {
    let machine = Machine::new().program(workload_binary().unwrap(), "/bin/workload");
    let outcome = machine.run(kernel, SCRIPT).unwrap();
    assert_eq!(outcome.status, 0, "{}", outcome.output);
    let of = |name: &str| records(outcome.file(name).unwrap());
    assert_eq!(of("execs").iter().filter_map(Record::as_exec).count(), 50);
    let opens = of("opens");
    let opens: Vec<_> = opens.iter().filter_map(Record::as_open).collect();
    assert!(
        opens
            .iter()
            .all(|open| open.case != "by number" || open.path.is_some())
    );
    assert!(
        of("chrooted")
            .iter()
            .filter_map(Record::as_open)
            .any(|open| open.path.is_some())
    );
    let closed = of("tcp")
        .iter()
        .filter(|r| matches!(r, Record::Close { .. }))
        .count();
    assert_eq!(closed, 66 / 11 * 8 * 2);
    let reuse = of("reuse");
    let pids: Vec<_> = reuse
        .iter()
        .filter_map(Record::as_exec)
        .map(|image| image.pid)
        .collect();
    assert_eq!(pids.len(), 20);
    // A thread of the kernel may take an id in between.
    assert!(pids.chunks(2).any(|pair| pair[0] == pair[1]), "{pids:?}");
    let inside = of("inside");
    assert_eq!(
        inside
            .iter()
            .filter_map(Record::as_exec)
            .next()
            .unwrap()
            .parent_pid,
        1
    );
}

/// The oldest kernel supported.
#[test]
fn workload_works_on_5_10() {
    works(Kernel::V5_10);
}

/// Debian 12's.
#[test]
fn workload_works_on_6_1() {
    works(Kernel::V6_1);
}

/// Debian 13's.
#[test]
fn workload_works_on_6_12() {
    works(Kernel::V6_12);
}

/// The newest one.
#[test]
fn workload_works_on_the_newest() {
    works(Kernel::V7);
}
