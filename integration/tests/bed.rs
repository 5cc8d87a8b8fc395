//! The test bed itself, natively: containers that are what they say and leave nothing behind, and
//! a workload that waits for its word.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eunomia_integration::{Call, Container, Naming, Record, Runc, Scratch, Workload};

/// Output of a command that must succeed.
#[track_caller]
fn said(mut command: Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every folder of a cgroup of this test process that is left in any hierarchy. Others come and go
/// meanwhile, those of tests beside this one among them.
fn left_over(name: &Path) -> Vec<PathBuf> {
    let name = name.components().next().unwrap();
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let is_folder = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        folders.extend(entries.filter(is_folder).map(|entry| entry.path()));
        if folder.file_name() == Some(name.as_os_str()) {
            found.push(folder);
        }
    }
    found
}

/// Whatever the naming, the process is in the cgroup of that name and in a root of its own.
#[test]
fn command_runs_inside_its_container() {
    for naming in Naming::ALL {
        let container = Container::new(naming).unwrap();
        let mut command = container.command("sh");
        command.args([
            "-c",
            "cat /etc/hostname /proc/self/cgroup; hostname; echo $$",
        ]);
        let text = said(command);
        let path = container.cgroup().path();
        assert!(
            path.to_string_lossy()
                .contains(&naming.cgroup(container.id()))
        );
        assert!(text.contains(&format!(":{}\n", path.display())), "{text}");
        assert!(text.starts_with("eunomia-box\n"), "{text}");
        assert!(text.ends_with("eunomia-box\n1\n"), "{text}");
    }
}

/// A container ends with its owner, and what still runs in it too.
#[test]
fn dropped_container_leaves_nothing() {
    let container = Container::new(Naming::Docker).unwrap();
    let mut command = container.command("sh");
    command
        .args(["-c", "sleep 1000 & echo up; exec sleep 1000"])
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = [0; 3];
    child.stdout.take().unwrap().read_exact(&mut line).unwrap();
    let (name, root) = (container.cgroup().below_own(), container.root().to_owned());
    assert!(!left_over(&name).is_empty());
    drop(container);
    assert_eq!(left_over(&name), Vec::<PathBuf>::new());
    assert!(!root.exists());
    assert!(!child.wait().unwrap().success());
}

/// The same for runc, which makes its cgroup in every hierarchy there is.
#[test]
fn runc_runs_and_leaves_nothing() {
    let runc = Runc::new(Naming::Docker).unwrap();
    let script = "cat /etc/hostname /proc/self/cgroup; echo $$";
    let text = said(runc.command(&["/bin/sh", "-c", script]).unwrap());
    assert!(text.starts_with("eunomia-runc\n"), "{text}");
    assert!(text.ends_with("\n1\n"), "{text}");
    assert!(
        text.contains(&format!(":{}\n", runc.cgroup().path().display())),
        "{text}"
    );
    let name = runc.cgroup().below_own();
    drop(runc);
    assert_eq!(left_over(&name), Vec::<PathBuf>::new());
}

/// Counts records of one kind.
fn count(records: &[Record], kind: impl Fn(&Record) -> bool) -> usize {
    records.iter().filter(|record| kind(record)).count()
}

/// A held workload is a child of the test that has done nothing yet.
#[test]
fn workload_says_each_program_it_ran() {
    let workload = Workload::start(&["execs", "count=20"]).unwrap();
    let pid = workload.pid();
    let records = workload.finish().unwrap();
    assert_eq!(
        count(
            &records,
            |r| matches!(r, Record::Exec(i) if i.parent_pid == pid)
        ),
        20
    );
    assert_eq!(count(&records, |r| matches!(r, Record::Exit { .. })), 20);
}

/// What the client handed over is what the server took, and the other way round, except where
/// nobody read.
#[test]
fn both_ends_of_each_connection_agree() {
    let records = Workload::start(&["tcp", "count=66"])
        .unwrap()
        .finish()
        .unwrap();
    let mut ends = BTreeMap::new();
    for record in &records {
        if let Record::Close {
            local,
            peer,
            sent,
            received,
            ..
        } = record
        {
            let plain = |a: &SocketAddr| (a.ip().to_canonical(), a.port());
            ends.insert((plain(local), plain(peer)), (*sent, *received));
        }
    }
    // 8 of 11 cases arrive.
    assert_eq!(ends.len(), 66 / 11 * 8 * 2);
    let disagreeing = ends.iter().filter(|((local, peer), (sent, _))| {
        let (_, received) = ends.get(&(*peer, *local)).unwrap();
        sent != received
    });
    // One case in eleven leaves the answer unread.
    assert_eq!(disagreeing.count(), 66 / 11);
    assert_eq!(
        count(&records, |r| matches!(
            r,
            Record::Connect { error: Some(_), .. }
        )),
        66 / 11 * 3
    );
}

/// Every odd open that should succeed does, by each system call, and the paths at the limits
/// have the length they claim.
#[test]
fn odd_opens_are_what_they_claim() {
    let scratch = Scratch::new("odd").unwrap();
    let folder = format!("dir={}", scratch.path().display());
    let records = Workload::start(&["odd-opens", &folder])
        .unwrap()
        .finish()
        .unwrap();
    let opens: Vec<_> = records.iter().filter_map(Record::as_open).collect();
    for bytes in [4095, 4096, 4097] {
        let case = format!("path of {bytes} bytes");
        let open = opens.iter().find(|open| open.case == case).unwrap();
        assert_eq!(open.path.as_ref().unwrap().0.len(), bytes);
    }
    for parts in [64, 65] {
        let case = format!("{parts} parts");
        let open = opens.iter().find(|open| open.case == case).unwrap();
        assert_eq!(
            open.path.as_ref().unwrap().as_path().components().count() - 1,
            parts
        );
    }
    for call in [Call::Open, Call::Int80Open, Call::Int80Openat] {
        let of_call: Vec<_> = opens.iter().filter(|open| open.call == call).collect();
        assert!(
            of_call[0].fd.is_some() && of_call[0].path.is_some(),
            "{call:?}"
        );
        assert_eq!(of_call[1].error.as_deref(), Some("ENOENT"), "{call:?}");
    }
}
