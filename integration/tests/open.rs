//! Opens of files: each event whole, against what the process says of itself.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeSet;
use std::fs::create_dir;
use std::path::Path;

use eunomia_integration::{
    Access, Account, Bytes, Expected, Image, Place, Record, Rootfs, Scratch, Watched,
    workload_binary,
};

/// Names of flags; those of several bits stand before those that they contain.
const FLAGS: [(u32, &str); 20] = [
    (0o4_010_000, "O_SYNC"),
    (0o20_200_000, "O_TMPFILE"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (0o40_000, "O_DIRECT"),
    (0o100_000, "O_LARGEFILE"),
    (0o200_000, "O_DIRECTORY"),
    (0o400_000, "O_NOFOLLOW"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (0o10_000_000, "O_PATH"),
    (0, "O_RDONLY"),
    (1, "O_WRONLY"),
    (2, "O_RDWR"),
];

/// The names of the flags, the access mode first; bits without a name in hexadecimal at the end.
fn flag_names(flags: u32) -> Vec<String> {
    let access = FLAGS.iter().find(|(bits, _)| *bits == flags & 3);
    let mut left = if access.is_some() { flags & !3 } else { flags };
    let mut names = Vec::from_iter(access.map(|(_, name)| (*name).to_owned()));
    for (bits, name) in FLAGS.iter().filter(|(bits, _)| *bits > 3) {
        if left & bits == *bits {
            names.push((*name).to_owned());
            left &= !bits;
        }
    }
    names.extend((left != 0).then(|| format!("{left:#x}")));
    names
}

/// The path as an event has it, and whether it was cut: the last 64 whole parts within 4,096 bytes.
fn cut(path: &Bytes) -> (Bytes, bool) {
    let mut parts: Vec<_> = path.0.split(|byte| *byte == b'/').skip(1).collect();
    let count = parts.len();
    while parts.len() > 64 || parts.iter().map(|part| part.len() + 1).sum::<usize>() > 4096 {
        parts.remove(0);
    }
    let is_cut = parts.len() < count;
    let joined = parts.join(&b'/');
    let start: &[u8] = if is_cut { b"" } else { b"/" };
    (Bytes([start, &joined].concat()), is_cut)
}

/// What the kernel's link says, as a path: files that are gone have theirs all the same, and a
/// pipe has none.
fn path_of(access: &Access) -> Option<Bytes> {
    let link = &access.path.as_ref()?.0;
    let path = link.strip_suffix(b" (deleted)").unwrap_or(link);
    path.starts_with(b"/").then(|| Bytes(path.to_vec()))
}

fn with_outcome(expected: Expected, access: &Access) -> Expected {
    let expected = expected
        .with("eunomia.file.flags", flag_names(access.flags))
        .with_some("eunomia.file.fd", access.fd)
        .with_some("error.type", access.error.as_deref());
    match (&access.error, path_of(access)) {
        (None, Some(path)) => match cut(&path) {
            (text, false) => expected.text("file.path", &text),
            (text, true) => expected
                .text("file.path", &text)
                .with("file.path_truncated", true),
        },
        (Some(error), _) if error != "EFAULT" => {
            expected.text("eunomia.file.raw_path", &access.argument)
        }
        _ => expected,
    }
}

/// Whether the call made the file, which the case says.
fn has_created(access: &Access) -> bool {
    let made = ["created", "unnamed", "by number"].contains(&access.case.as_str());
    made && access.mode.is_some() && access.fd.is_some()
}

/// Each attempt that the workload told of has exactly one event in its moment, and that one is
/// whole. Returns how many there were.
#[track_caller]
fn each_is_told_whole(watched: &Watched) -> usize {
    assert_eq!(watched.status.code(), Some(0));
    assert!(watched.accounts.iter().all(Account::holds));
    let image = watched.image().unwrap();
    let mut count = 0;
    for (after, access, before) in watched
        .steps()
        .filter_map(|(after, record, before)| Some((after, record.as_open()?, before)))
    {
        let expected = with_outcome(actor(watched, image, access.pid), access);
        // The umask of the test has been taken off by the kernel.
        let expected = expected.with_some("file.mode", has_created(access).then_some("0640"));
        let in_its_moment: Vec<_> = watched
            .of("file.open")
            .filter(|event| event.integer("process.pid") == Some(access.pid.into()))
            .filter(|event| {
                event
                    .time()
                    .is_some_and(|time| after <= time && time <= before)
            })
            .filter(|event| !is_helper(event.text("file.path")))
            .collect();
        let [event] = in_its_moment.as_slice() else {
            unreachable!("{} events of {access:?}", in_its_moment.len())
        };
        let differences = expected.differences(event);
        assert!(
            differences.is_empty(),
            "{}\n{access:?}\n{event:?}",
            differences.join("\n")
        );
        count += 1;
    }
    count
}

/// The workload unpacks a helper between two attempts.
fn is_helper(path: Option<&str>) -> bool {
    path.is_some_and(|path| Path::new(path).ends_with("rawcall"))
}

fn actor(watched: &Watched, image: &Image, pid: u32) -> Expected {
    if pid == image.pid {
        let ids = watched.ids(pid).unwrap();
        return Expected::of("file.open", image, &Place::here().unwrap(), ids);
    }
    Expected::like(watched.only("process.exec", pid).unwrap(), "file.open")
}

#[track_caller]
fn opens(arguments: &[&str]) -> (Scratch, Watched) {
    let scratch = Scratch::new("open").unwrap();
    let folder = format!("dir={}", scratch.path().display());
    let arguments: Vec<_> = arguments.iter().copied().chain([folder.as_str()]).collect();
    let watched = Watched::workload(&["process", "open"], &arguments).unwrap();
    (scratch, watched)
}

/// Odd names, relative ones, links, failures, deleted files, limits, and every system call.
#[test]
fn odd_opens_are_told_whole() {
    let (_scratch, watched) = opens(&["odd-opens"]);
    assert_eq!(each_is_told_whole(&watched), 53);
}

/// Every flag, files that are created and files that were there, and files without a path.
#[test]
fn flags_and_files_without_a_path_are_told_whole() {
    let (_scratch, watched) = opens(&["flag-opens"]);
    assert_eq!(each_is_told_whole(&watched), 26);
}

/// Paths go up across a mount, whatever is mounted, to the root of the process's own namespace.
#[test]
fn opens_below_mounts_are_told_whole() {
    for mount in [
        "mount --bind from at",
        "mount -t tmpfs none at",
        "mount -t overlay -o lowerdir=from,upperdir=up,workdir=work none at",
    ] {
        let scratch = Scratch::new("mounts").unwrap();
        for folder in ["from", "up", "work", "at"] {
            create_dir(scratch.path().join(folder)).unwrap();
        }
        // Whoever mounts is another process, so that nothing but the workload opens.
        let script = format!(
            "cd \"$1\" && mount -t tmpfs none up && mkdir up/up up/work && {} && exec \"$2\" odd-opens dir=\"$1\"/at image=yes",
            mount.replace("=up", "=up/up").replace("=work", "=up/work"),
        );
        let (folder, workload) = (scratch.path().as_os_str(), workload_binary().unwrap());
        let command = ["unshare", "--mount", "sh", "-c", &script, "sh"].map(AsRef::as_ref);
        let command: Vec<_> = command
            .into_iter()
            .chain([folder, workload.as_os_str()])
            .collect();
        let watched = Watched::command(&["process", "open"], &command).unwrap();
        assert_eq!(each_is_told_whole(&watched), 53, "{mount}");
    }
}

/// Paths end at the root that the process has set itself.
#[test]
fn opens_below_another_root_are_told_whole() {
    let root = Rootfs::new("inside").unwrap();
    let argument = format!("root={}", root.path().display());
    let watched = Watched::workload(&["process", "open"], &["chrooted-opens", &argument]).unwrap();
    assert_eq!(each_is_told_whole(&watched), 5);
}

/// Each thread opens under its own id and its process's.
#[test]
fn threads_open_under_their_own_ids() {
    let watched = Watched::workload(
        &["process", "open"],
        &["flood", "call=open", "threads=4", "count=50"],
    )
    .unwrap();
    let image = watched.image().unwrap();
    let mut threads = BTreeSet::new();
    let mut count = 0;
    for event in watched
        .of("file.open")
        .filter(|event| event.text("file.path") == Some("/dev/null"))
    {
        let tid = event.integer("eunomia.process.tid").unwrap();
        let expected = actor(&watched, image, image.pid)
            .with("eunomia.process.tid", tid)
            .with("file.path", "/dev/null")
            .with("eunomia.file.flags", ["O_RDONLY", "O_CLOEXEC"].as_slice())
            .with("eunomia.file.fd", event.integer("eunomia.file.fd"));
        assert_eq!(expected.differences(event), Vec::<String>::new());
        threads.insert(tid);
        count += 1;
    }
    assert_eq!((count, threads.len()), (200, 4));
    assert!(!threads.contains(&image.pid.into()));
}

/// Without the probe nobody hears of an open, though it happened.
#[test]
fn opens_are_not_told_without_the_probe() {
    let scratch = Scratch::new("open").unwrap();
    let folder = format!("dir={}", scratch.path().display());
    let watched = Watched::workload(&["process"], &["opens", "count=8", &folder]).unwrap();
    assert_eq!(
        watched
            .said
            .iter()
            .filter(|said| matches!(said.record, Record::Open(_)))
            .count(),
        8
    );
    assert_eq!(watched.of("file.open").count(), 0);
}
