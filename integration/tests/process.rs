//! The life of processes: each event whole, against what the process says of itself.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use eunomia_integration::{Bytes, End, Event, Expected, Image, Place, Record, Watched};

/// The watched workload, whose own exec, exit and account are as they must be.
#[track_caller]
fn watched(probes: &[&str], arguments: &[&str]) -> Watched {
    let watched = Watched::workload(probes, arguments).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    assert!(watched.accounts.iter().all(|line| line.holds()));
    watched
}

#[track_caller]
fn is(event: &Event, expected: &Expected, after: u64, before: u64) {
    let differences = expected.differences(event);
    assert!(
        differences.is_empty(),
        "{}\n{event:?}",
        differences.join("\n")
    );
    let time = event.time().unwrap();
    assert!(
        after <= time && time <= before,
        "{after} <= {time} <= {before}: {event:?}"
    );
}

/// An event of `kind` by a process that runs `image`.
#[track_caller]
fn by(watched: &Watched, kind: &str, image: &Image) -> Expected {
    let ids = watched.ids(image.pid).unwrap();
    Expected::of(kind, image, &Place::here().unwrap(), ids)
}

/// An exec of `image`, asked for by `exec_path`.
#[track_caller]
fn exec(watched: &Watched, image: &Image, exec_path: &Bytes) -> Expected {
    let parts: Vec<_> = image.args.iter().map(|part| part.0.as_slice()).collect();
    by(watched, "process.exec", image)
        .text("process.command", image.args.first().unwrap())
        .texts("process.command_args", &image.args)
        .text("process.command_line", &Bytes(parts.join(&b' ')))
        .with("process.args_count", image.args.len())
        .with("eunomia.process.environment_bytes", image.environment_bytes)
        .text("process.working_directory", &image.directory)
        .text("eunomia.process.exec_path", exec_path)
}

/// An exit of a process that ran `image`, as its parent saw it.
#[track_caller]
fn exit(watched: &Watched, image: &Image, end: End) -> Expected {
    let names = [
        (9, "SIGKILL"),
        (10, "SIGUSR1"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
    ];
    let exit = by(watched, "process.exit", image);
    match end {
        End::Code(code) => exit.with("process.exit.code", code),
        End::Signal(number) => {
            let (_, name) = names.iter().find(|(known, _)| *known == number).unwrap();
            exit.with("eunomia.process.exit_signal", *name)
        }
    }
}

/// An exit lasted as long as from a start between the two times until the event.
#[track_caller]
fn lasted(event: &Event, expected: Expected, after: u64, before: u64) -> Expected {
    const DURATION: &str = "eunomia.process.duration_ns";
    let duration = event.integer(DURATION).unwrap();
    let start = event.time().unwrap() - u64::try_from(duration).unwrap();
    assert!(
        after <= start && start <= before,
        "{after} <= {start} <= {before}"
    );
    expected.with(DURATION, duration)
}

/// Ids are those of one image: 64 bits in hexadecimal, no two the same, the parent's in the child.
#[track_caller]
fn ids_are_a_lineage(watched: &Watched) {
    let mut ids = Vec::new();
    for exec in watched.of("process.exec") {
        let id = exec.text("eunomia.process.exec_id").unwrap();
        assert!(
            id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{id}"
        );
        let parent = exec.integer("process.parent_pid").unwrap();
        if let Ok((parent, _)) = watched.ids(u32::try_from(parent).unwrap()) {
            assert_eq!(
                exec.text("eunomia.process.parent_exec_id"),
                Some(parent),
                "{exec:?}"
            );
        }
        ids.push(id);
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// Forty programs with odd names, arguments and ends: fork, exec and exit of each, whole, within
/// the moments between which they must have happened, and no event more.
#[test]
fn fork_exec_and_exit_are_told_whole() {
    const COUNT: usize = 40;
    let watched = watched(&["process"], &["execs", &format!("count={COUNT}")]);
    let workload = watched.image().unwrap();
    assert_eq!(workload.parent_pid, watched.watcher);
    let mut child = None;
    for (before, record, after) in watched.steps() {
        match record {
            Record::Exec(image) => {
                let fork = watched.of("process.fork").find(|fork| {
                    fork.integer("eunomia.process.child_pid") == Some(image.pid.into())
                });
                let (fork, event) = (
                    fork.unwrap(),
                    watched.only("process.exec", image.pid).unwrap(),
                );
                let expected = by(&watched, "process.fork", workload);
                is(
                    fork,
                    &expected.with("eunomia.process.child_pid", image.pid),
                    before,
                    event.time().unwrap(),
                );
                is(
                    event,
                    &exec(&watched, image, &image.executable),
                    fork.time().unwrap(),
                    after,
                );
                child = Some((image, before, event.time().unwrap(), after));
            }
            Record::Exit { pid, end } => {
                let (image, start, exec, said) = child.take().unwrap();
                let event = watched.only("process.exit", *pid).unwrap();
                let expected = exit(&watched, image, *end);
                is(event, &lasted(event, expected, start, exec), said, after);
            }
            other => unreachable!("{other:?}"),
        }
    }
    for (kind, count) in [
        ("process.fork", COUNT),
        ("process.exec", COUNT + 1),
        ("process.exit", COUNT + 1),
    ] {
        assert_eq!(watched.of(kind).count(), count, "{kind}");
    }
    assert_eq!(watched.events.len(), 3 * COUNT + 2);
    ids_are_a_lineage(&watched);
}

/// The command itself: its first exec is seen and its exit is the last event.
#[test]
fn command_is_seen_from_its_first_exec_to_its_exit() {
    let watched = watched(&["process"], &["execs", "count=0"]);
    let (image, said) = (watched.image().unwrap(), watched.said.first().unwrap().at);
    let [first, last] = watched.events.as_slice() else {
        unreachable!("{:?}", watched.events)
    };
    is(
        first,
        &exec(&watched, image, &image.executable),
        watched.before,
        said,
    );
    let expected = lasted(
        last,
        exit(&watched, image, End::Code(0)),
        watched.before,
        first.time().unwrap(),
    );
    is(last, &expected, said, watched.after);
}
