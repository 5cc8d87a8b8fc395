//! The life of processes: each event whole, against what the process says of itself.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::ffi::OsStr;
use std::fs::create_dir;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use eunomia_integration::{
    Account, Bytes, End, Event, Expected, Image, Place, Record, Scratch, Watched, workload_binary,
};

/// The watched workload, whose own exec, exit and account are as they must be.
#[track_caller]
fn watched(probes: &[&str], arguments: &[&str]) -> Watched {
    let watched = Watched::workload(probes, arguments).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    assert!(watched.accounts.iter().all(Account::holds));
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
        if let Record::Exec(image) = record {
            let fork = watched
                .of("process.fork")
                .find(|fork| fork.integer("eunomia.process.child_pid") == Some(image.pid.into()));
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
        } else if let Record::Exit { pid, end } = record {
            let (image, start, exec, said) = child.take().unwrap();
            let event = watched.only("process.exit", *pid).unwrap();
            let expected = exit(&watched, image, *end);
            is(event, &lasted(event, expected, start, exec), said, after);
        } else {
            unreachable!("{record:?}")
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

/// The image that was said last.
#[track_caller]
fn last_image(watched: &Watched) -> &Image {
    let mut images = watched.said.iter().filter_map(|said| said.record.as_exec());
    images.next_back().unwrap()
}

/// Runs `script` in a shell, in a folder with a name that is no text and no single line, where `say` is a
/// link to the workload and says what it is.
#[track_caller]
fn in_odd_folder(script: &str) -> (Scratch, Watched) {
    let scratch = Scratch::new("process").unwrap();
    let folder = scratch.path().join(OsStr::from_bytes(b"a \xff\nfolder"));
    create_dir(&folder).unwrap();
    symlink(workload_binary().unwrap(), folder.join("say")).unwrap();
    let script = format!("cd \"$1\" && export EUNOMIA_WORKLOAD_DESCRIBE=0 && {script}");
    let command = [
        OsStr::new("sh"),
        OsStr::new("-c"),
        OsStr::new(&script),
        OsStr::new("sh"),
        folder.as_os_str(),
    ];
    let watched = Watched::command(&["process"], &command).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    (scratch, watched)
}

/// A path is told as it was asked for and as what it turned out to be, in a folder of any name.
#[test]
fn relative_program_in_odd_folder_is_told_whole() {
    let (_scratch, watched) = in_odd_folder("exec ./say it");
    let image = last_image(&watched);
    assert_eq!(image.args, ["./say", "it"].map(Bytes::from));
    assert!(image.directory.0.ends_with(b"/a \xff\nfolder"));
    let event = watched.last("process.exec", image.pid).unwrap();
    let before = watched.of("process.exec").next().unwrap().time().unwrap();
    is(
        event,
        &exec(&watched, image, &Bytes::from("./say")),
        before,
        watched.said[0].at,
    );
    ids_are_a_lineage(&watched);
}

/// A program, a folder, a name and arguments that are no text: exact bytes stand beside each, and
/// beside the exit that comes later too.
#[test]
fn program_that_is_no_text_is_told_whole() {
    let script = "cp say \"$(printf 'prog\\377')\" && exec ./prog* \"$(printf 'a\\200b')\" c";
    let (_scratch, watched) = in_odd_folder(script);
    let image = last_image(&watched);
    assert_eq!(image.comm.0, b"prog\xff");
    assert!(image.executable.0.ends_with(b"/a \xff\nfolder/prog\xff"));
    let event = watched.last("process.exec", image.pid).unwrap();
    let said = watched.said.last().unwrap().at;
    let expected = exec(&watched, image, &Bytes(b"./prog\xff".into()));
    is(event, &expected, watched.before, said);
    let event = watched.last("process.exit", image.pid).unwrap();
    let expected = exit(&watched, image, End::Code(0));
    is(
        event,
        &lasted(event, expected, watched.before, said),
        said,
        watched.after,
    );
}

/// A `#!` script has the arguments that its interpreter starts with, and the script as its path.
#[test]
fn script_is_told_as_the_kernel_rewrote_it() {
    let (_scratch, watched) = in_odd_folder(
        "printf '#!%s one argument\\n' \"$(realpath say)\" >script && chmod +x script && exec ./script and another",
    );
    let image = last_image(&watched);
    let program = Bytes::from(&workload_binary().unwrap());
    let [called, rest @ ..] = image.args.as_slice() else {
        unreachable!()
    };
    assert_eq!(called, &program);
    assert_eq!(
        rest,
        ["one argument", "./script", "and", "another"].map(Bytes::from)
    );
    let event = watched.last("process.exec", image.pid).unwrap();
    is(
        event,
        &exec(&watched, image, &Bytes::from("./script")),
        watched.before,
        watched.said[0].at,
    );
}

/// A program may be given no argument at all, not even its name; kernels from 5.18 on give it an empty one.
#[test]
fn empty_arguments_are_told_as_the_program_has_them() {
    let watched = watched(&["process"], &["exec-bare"]);
    let image = last_image(&watched);
    assert!(
        image.args.iter().all(|argument| argument.0.is_empty()),
        "{:?}",
        image.args
    );
    let event = watched.last("process.exec", image.pid).unwrap();
    is(
        event,
        &exec(&watched, image, &image.executable),
        watched.before,
        watched.after,
    );
}

/// Arguments of exactly 32 KiB are whole; of what goes beyond the first 32 KiB are there and it says so.
#[test]
fn arguments_are_cut_at_32_kib() {
    const LIMIT: usize = 32_768;
    for bytes in [LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 2, 100_000] {
        let watched = watched(&["process"], &["exec-limit", &format!("bytes={bytes}")]);
        let image = last_image(&watched);
        let whole: Vec<_> = image
            .args
            .iter()
            .flat_map(|arg| [arg.0.as_slice(), b"\0"].concat())
            .collect();
        assert_eq!(whole.len(), bytes);
        let kept = whole.get(..LIMIT).unwrap_or(&whole);
        let kept = kept.strip_suffix(b"\0").unwrap_or(kept);
        let kept: Vec<_> = kept
            .split(|byte| *byte == 0)
            .map(|part| Bytes(part.to_vec()))
            .collect();
        let cut = Image {
            args: kept,
            ..image.clone()
        };
        let mut expected =
            exec(&watched, &cut, &image.executable).with("process.args_count", image.args.len());
        if bytes > LIMIT {
            expected = expected
                .with("process.command_args_truncated", true)
                .with("process.command_line_truncated", true);
        }
        let event = watched.only("process.exec", image.pid).unwrap();
        is(event, &expected, watched.before, watched.after);
    }
}

/// A thread that runs a program takes over its process: one exec with the process's own ids, and one exit.
#[test]
fn exec_by_another_thread_is_told_as_the_process() {
    let watched = Watched::workload(&["process"], &["exec-thread"]).unwrap();
    assert_eq!(watched.status.code(), Some(3));
    let [first, second] = watched.said.as_slice() else {
        unreachable!()
    };
    let (Some(_), Some(image)) = (first.record.as_exec(), second.record.as_exec()) else {
        unreachable!()
    };
    let execs: Vec<_> = watched.of("process.exec").collect();
    assert_eq!(execs.len(), 2);
    is(
        execs[1],
        &exec(&watched, image, &image.executable),
        first.at,
        second.at,
    );
    assert_ne!(
        execs[0].text("eunomia.process.exec_id"),
        execs[1].text("eunomia.process.exec_id")
    );
    assert_eq!(watched.events.len(), 3, "two execs and one exit");
    assert_eq!(
        watched
            .only("process.exit", image.pid)
            .unwrap()
            .integer("process.exit.code"),
        Some(3)
    );
}

/// A process whose first thread ends before another one exits once, when the other one goes.
#[test]
fn process_that_outlives_its_first_thread_exits_once() {
    let watched = watched(&["process"], &["threads"]);
    let (said, pid, tid) = watched
        .said
        .iter()
        .find_map(|said| {
            let Record::Thread { pid, tid } = said.record else {
                return None;
            };
            Some((said.at, pid, tid))
        })
        .unwrap();
    assert_ne!(pid, tid);
    let exec = watched.only("process.exec", pid).unwrap();
    let exit = watched.only("process.exit", pid).unwrap();
    let expected = Expected::like(exec, "process.exit")
        .with("eunomia.process.tid", tid)
        .with("process.exit.code", 7);
    let start = watched.said[0].at;
    is(
        exit,
        &lasted(exit, expected, start, exec.time().unwrap()),
        said,
        watched.after,
    );
}

/// A forked process that runs no program has an id of its own and its parent's program; a failed
/// exec is no event.
#[test]
fn fork_without_exec_and_failed_exec() {
    let command = [
        "sh",
        "-c",
        "(exit 3); exec /nonexistent/program 2>/dev/null",
    ];
    let watched = Watched::command(&["process"], &command).unwrap();
    assert_eq!(watched.status.code(), Some(127));
    let [exec, fork, child, exit] = watched.events.as_slice() else {
        unreachable!("{:?}", watched.events)
    };
    let pid = fork.integer("eunomia.process.child_pid").unwrap();
    let id = exec.text("eunomia.process.exec_id").unwrap();
    let own = child.text("eunomia.process.exec_id").unwrap();
    assert_ne!(own, id);
    let forked = Expected::like(exec, "process.fork").with("eunomia.process.child_pid", pid);
    is(fork, &forked, exec.time().unwrap(), child.time().unwrap());
    let expected = Expected::like(exec, "process.exit")
        .with("process.pid", pid)
        .with("process.vpid", pid)
        .with("eunomia.process.tid", pid)
        .with("process.parent_pid", exec.integer("process.pid"))
        .with("eunomia.process.exec_id", own)
        .with("eunomia.process.parent_exec_id", id)
        .with("process.exit.code", 3);
    is(
        child,
        &lasted(child, expected, exec.time().unwrap(), fork.time().unwrap()),
        fork.time().unwrap(),
        watched.after,
    );
    let expected = Expected::like(exec, "process.exit").with("process.exit.code", 127);
    is(
        exit,
        &lasted(exit, expected, watched.before, exec.time().unwrap()),
        child.time().unwrap(),
        watched.after,
    );
}

/// Threads come and go without an event.
#[test]
fn threads_are_no_processes() {
    let watched = watched(&["process"], &["flood", "threads=4", "count=1"]);
    let kinds: Vec<_> = watched.events.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["process.exec", "process.exit"]);
}
