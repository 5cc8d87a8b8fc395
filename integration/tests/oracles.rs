//! Others that look at the same thing: what strace saw by stopping each process at each call is
//! what came out of the kernel's own mouth, event for event and byte for byte.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use eunomia_integration::{Account, Event, Rootfs, Scratch, Watched, workload_binary};

/// What a process did, as either of them tells it.
#[derive(Debug, PartialEq, Eq)]
enum Did {
    Exec {
        path: Vec<u8>,
        args: Vec<Vec<u8>>,
        is_cut: bool,
    },
    Opened {
        path: Option<Vec<u8>>,
        fd: i64,
        flags: BTreeSet<String>,
    },
    Failed {
        argument: Vec<u8>,
        error: String,
        flags: BTreeSet<String>,
    },
}

/// The longest path that strace asks the kernel for.
const STRACE_PATH: usize = 4095;
/// The bytes of arguments, their zeros included, of which an event tells.
const ARGUMENTS: usize = 32_768;

/// Runs the workload under strace, and strace under Eunomia; returns what either saw of each
/// process that strace traced.
#[track_caller]
fn seen_by_both(arguments: &[&str]) -> BTreeMap<u32, [Vec<Did>; 2]> {
    let scratch = Scratch::new("strace").unwrap();
    let trace = scratch.path().join("trace");
    let workload = workload_binary().unwrap();
    let strace = [
        "strace",
        "--follow-forks",
        "--output-separately",
        "--seccomp-bpf",
        "--decode-fds=path",
        // All text in hexadecimal, and whole.
        "-xx",
        "--string-limit=1000000",
        "--quiet=all",
        "--signal=none",
        "--trace=execve,execveat,open,openat,openat2,creat,chroot",
        "--output",
    ];
    let strace = strace
        .map(OsStr::new)
        .into_iter()
        .chain([trace.as_os_str(), workload.as_os_str()]);
    let command: Vec<_> = strace.chain(arguments.iter().map(OsStr::new)).collect();
    let watched = Watched::command(&["process", "open"], &command).unwrap();
    assert_eq!(watched.status.code(), Some(0));
    assert!(watched.accounts.iter().all(Account::holds));
    let mut seen = traced(scratch.path());
    let strace = watched.events.first().unwrap().integer("process.pid");
    for event in &watched.events {
        let pid = event.integer("process.pid");
        let Some(did) = told(event).filter(|_| pid != strace) else {
            continue;
        };
        let both = seen.get_mut(&u32::try_from(pid.unwrap()).unwrap());
        let [_, told] = both.unwrap_or_else(|| unreachable!("not seen by strace: {event:?}"));
        told.push(did);
    }
    seen
}

/// What strace wrote, one file for each process.
fn traced(folder: &Path) -> BTreeMap<u32, [Vec<Did>; 2]> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let each = files.map(|file| {
        let pid = file.extension().unwrap().to_str().unwrap().parse().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let mut root = Vec::new();
        let lines = text
            .lines()
            .filter_map(|line| line_of_strace(line, &mut root));
        (pid, [lines.collect(), Vec::new()])
    });
    each.collect()
}

/// Reads `NAME(ARGUMENTS) = RESULT`; a failed exec is nothing. Of opened files strace tells where they are below its
/// own root, and the process's may be another.
#[track_caller]
fn line_of_strace(line: &str, root: &mut Vec<u8>) -> Option<Did> {
    let (call, result) = line.rsplit_once(" = ").unwrap();
    let (name, arguments) = call.split_once('(').unwrap();
    // Between the quotes is every other part.
    let mut texts: Vec<_> = arguments
        .split('"')
        .skip(1)
        .step_by(2)
        .map(from_hex)
        .collect();
    let end = result.find(|c: char| !"-0123456789".contains(c));
    let (number, rest) = result.split_at(end.unwrap_or(result.len()));
    let number: i64 = number.parse().unwrap();
    if name == "chroot" {
        assert_eq!(number, 0, "{line}");
        *root = texts.remove(0);
        return None;
    }
    if name.starts_with("exec") {
        let (args, is_cut) = cut(texts.split_off(1));
        let path = texts.remove(0);
        return (number == 0).then_some(Did::Exec { path, args, is_cut });
    }
    let flags = if name == "creat" {
        "O_WRONLY|O_CREAT|O_TRUNC"
    } else {
        flags_of(arguments)
    };
    let flags = flags.split('|').map(str::to_owned).collect();
    Some(if number < 0 {
        Did::Failed {
            argument: texts.remove(0),
            error: rest.split(' ').nth(1).unwrap().to_owned(),
            flags,
        }
    } else {
        Did::Opened {
            path: path_of(rest, root),
            fd: number,
            flags,
        }
    })
}

/// The path behind a descriptor, as whoever has this root sees it.
#[track_caller]
fn path_of(result: &str, root: &[u8]) -> Option<Vec<u8>> {
    let (path, _) = result.strip_prefix('<')?.split_once('>')?;
    Some(from_hex(path).strip_prefix(root).unwrap().to_owned())
}

/// The arguments that an event tells of, and whether there are more.
fn cut(args: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, bool) {
    let mut whole: Vec<u8> = args
        .iter()
        .flat_map(|arg| [arg, &b"\0"[..]].concat())
        .collect();
    if whole.len() <= ARGUMENTS {
        return (args, false);
    }
    whole.truncate(ARGUMENTS);
    let kept = whole.strip_suffix(b"\0").unwrap_or(&whole);
    let args = kept.split(|byte| *byte == 0).map(<[u8]>::to_owned);
    (args.collect(), true)
}

/// The flags: the first word that begins as one, after the path.
fn flags_of(arguments: &str) -> &str {
    let after = arguments.rsplit_once('"').unwrap().1;
    let start = after.find("O_").unwrap();
    let flags = after.get(start..).unwrap();
    let end = flags.find(|c: char| !(c.is_ascii_uppercase() || "_|".contains(c)));
    flags.get(..end.unwrap_or(flags.len())).unwrap()
}

/// Bytes as strace writes them with `-xx`.
fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// The same of an event; what strace was not asked for is nothing.
fn told(event: &Event) -> Option<Did> {
    let flags = || {
        let names = event.get("eunomia.file.flags").unwrap().as_array().unwrap();
        names
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    match (event.kind(), event.text("error.type")) {
        ("process.exec", _) => Some(Did::Exec {
            path: event.bytes("eunomia.process.exec_path").unwrap(),
            args: event.list("process.command_args").unwrap(),
            is_cut: event.get("process.command_args_truncated").is_some(),
        }),
        ("file.open", None) => Some(Did::Opened {
            path: event.bytes("file.path"),
            fd: event.integer("eunomia.file.fd").unwrap(),
            flags: flags(),
        }),
        ("file.open", Some(error)) => Some(Did::Failed {
            argument: event.bytes("eunomia.file.raw_path").unwrap(),
            error: error.to_owned(),
            flags: flags(),
        }),
        _ => None,
    }
}

/// Both saw the same of each process in the same order; returns how many programs were run, and
/// how many opens there were.
#[track_caller]
fn same(seen: &BTreeMap<u32, [Vec<Did>; 2]>) -> (usize, usize) {
    let mut counts = (0, 0);
    for (pid, [traced, told]) in seen {
        for (traced, told) in traced.iter().zip(told) {
            assert!(agree(traced, told), "{pid}:\n{traced:?}\n{told:?}");
            let count = if matches!(told, Did::Exec { .. }) {
                &mut counts.0
            } else {
                &mut counts.1
            };
            *count += 1;
        }
        assert_eq!(traced.len(), told.len(), "{pid}");
    }
    counts
}

/// The same but for what strace cuts, paths and arguments of 4,096 bytes and more, and for paths of
/// more than 64 parts, which we cut.
fn agree(traced: &Did, told: &Did) -> bool {
    match (traced, told) {
        (
            Did::Opened { path, fd, flags },
            Did::Opened {
                path: Some(own),
                fd: own_fd,
                flags: own_flags,
            },
        ) => {
            let is_cut = !own.starts_with(b"/");
            let same_path = match path {
                None => is_cut || own.len() >= STRACE_PATH,
                Some(path) => path == own || (is_cut && path.ends_with(own)),
            };
            same_path && (fd, flags) == (own_fd, own_flags)
        }
        (
            Did::Failed {
                argument,
                error,
                flags,
            },
            Did::Failed {
                argument: own,
                error: own_error,
                flags: own_flags,
            },
        ) => {
            let is_cut = argument.len() == STRACE_PATH && own.starts_with(argument);
            (argument == own || is_cut) && (error, flags) == (own_error, own_flags)
        }
        (traced, told) => traced == told,
    }
}

/// A thousand programs with odd names and arguments, and all that their loaders open.
#[test]
fn strace_sees_the_same_thousand_programs() {
    let (execs, opens) = same(&seen_by_both(&["execs", "count=1000"]));
    assert_eq!(execs, 1001);
    assert!(opens > 0);
}

/// Ten thousand opens that succeed, fail and create.
#[test]
fn strace_sees_the_same_ten_thousand_opens() {
    let scratch = Scratch::new("opens").unwrap();
    let folder = format!("dir={}", scratch.path().display());
    let (execs, opens) = same(&seen_by_both(&["opens", "count=10000", &folder]));
    assert_eq!(execs, 1);
    assert!(opens >= 10_000, "{opens}");
}

/// Each odd open, by each system call, 32-bit ones too.
#[test]
fn strace_sees_the_same_odd_opens() {
    let scratch = Scratch::new("opens").unwrap();
    let folder = format!("dir={}", scratch.path().display());
    let (execs, opens) = same(&seen_by_both(&["odd-opens", &folder]));
    assert_eq!(execs, 8);
    assert!(opens >= 53, "{opens}");
}

/// Opens below a root that the process has set itself.
#[test]
fn strace_sees_the_same_opens_below_another_root() {
    let root = Rootfs::new("inside").unwrap();
    let argument = format!("root={}", root.path().display());
    let seen = seen_by_both(&["chrooted-opens", &argument]);
    let (execs, opens) = same(&seen);
    assert_eq!(execs, 1);
    assert!(opens >= 6, "{opens}");
    let [traced, _] = seen.values().next().unwrap();
    let is_inside =
        |did: &&Did| matches!(did, Did::Opened { path: Some(path), .. } if path == b"/inside");
    assert_eq!(traced.iter().filter(is_inside).count(), 3);
}

/// Arguments at the limit and one byte beyond it.
#[test]
fn strace_sees_the_same_arguments_at_the_limit() {
    for (bytes, expected) in [(ARGUMENTS, false), (ARGUMENTS + 1, true)] {
        let seen = seen_by_both(&["exec-limit", &format!("bytes={bytes}")]);
        assert_eq!(same(&seen).0, 2);
        let cuts = seen
            .values()
            .flat_map(|[_, told]| told)
            .filter_map(|did| match did {
                Did::Exec { is_cut, .. } => Some(*is_cut),
                Did::Opened { .. } | Did::Failed { .. } => None,
            });
        assert_eq!(cuts.collect::<Vec<_>>(), [false, expected]);
    }
}
