//! What the program may do, and what the kernel tells of itself: two capabilities are enough, and what is missing
//! is one line with its remedy.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output, Stdio};

use eunomia_integration::{Event, Pipeline, Scratch, Shell, pipeline_binary, workload_binary};
use rustix::process::Signal;

/// What the program needs of root.
const ENOUGH: &str = ",+bpf,+perfmon";

/// A bpffs that is nobody's, who alone may write to it.
const WRITABLE: &str =
    "mount -t bpf bpf /sys/fs/bpf && chown 65534 /sys/fs/bpf && chmod 700 /sys/fs/bpf";

/// Becomes nobody with no capabilities but those of the second argument, and runs the program that
/// is the first, by an open file so that no folder above it needs to be open to everybody.
const AS_NOBODY: &str = r#"exec 9<"$1"; caps=-all$2; shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups \
    --inh-caps="$caps" --ambient-caps="$caps" --bounding-set="$caps" /proc/self/fd/9 "$@""#;

/// The program as nobody, behind a command that starts others.
fn as_nobody<A: AsRef<OsStr>>(
    mut starter: Command,
    capabilities: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    starter.args(["sh", "-c", AS_NOBODY, "sh"]);
    starter.arg(pipeline_binary().unwrap()).arg(capabilities);
    starter
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null());
    starter
}

/// Mounts that nobody else sees, there until it is dropped.
struct Mounts {
    holder: Child,
}

impl Mounts {
    /// Those that `script` makes.
    #[track_caller]
    fn made_by(script: &str) -> Self {
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c"])
            .arg(format!("{script} && echo made && read end"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(holder.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "made\n");
        Self { holder }
    }

    /// Starts the command that is added among them.
    fn entering(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()));
        command
    }

    /// The directories of pins that there are in the bpffs, with what is in them.
    fn pins(&self) -> Vec<(String, usize)> {
        let bpffs = format!("/proc/{}/root/sys/fs/bpf", self.holder.id());
        let entries = fs::read_dir(bpffs).unwrap().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        let held = folders.map(|folder| {
            let name = folder.file_name().into_string().unwrap();
            (name, fs::read_dir(folder.path()).unwrap().count())
        });
        held.collect()
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        if self.holder.kill().is_ok() && self.holder.wait().is_err() {}
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Nothing was started: 77, and one line that has all of `words`.
#[track_caller]
fn is_refused(output: &Output, words: &[&str]) {
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(77), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    for word in words {
        assert!(complaint.contains(word), "{word}: {complaint}");
    }
}

/// Events but for what each who watches reads from the clock.
fn without_clock(events: &[Event]) -> Vec<String> {
    let is_of_clock = |name: &str| name == "time" || name.ends_with("_ns");
    let without = |event: &Event| {
        let mut event = event.clone();
        event.0.retain(|name, _| !is_of_clock(name));
        event
    };
    Event::comparable(&events.iter().map(without).collect::<Vec<_>>())
}

/// Without any privilege nothing is started: one line that says what to do, and 77.
#[test]
fn missing_privilege_is_77_with_a_remedy() {
    let scratch = Scratch::new("privileges").unwrap();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o777)).unwrap();
    let mark = scratch.path().join("mark");
    let run = |arguments: &[&OsStr]| {
        as_nobody(Command::new("env"), "", arguments)
            .output()
            .unwrap()
    };
    let command = ["run", "process", "--", "touch"].map(OsStr::new);
    let command: Vec<_> = command.into_iter().chain([mark.as_os_str()]).collect();
    is_refused(&run(&command), &["CAP_BPF", "sudo"]);
    assert!(!mark.exists());
    let doctor = run(&["doctor".as_ref()]);
    assert_eq!(doctor.status.code(), Some(77));
    assert!(text(&doctor.stdout).contains("CAP_BPF"));
}

/// Nobody with `CAP_BPF` and `CAP_PERFMON` alone sees of a tree what root sees of it, and leaves no pin, not even
/// while it runs.
#[test]
fn two_capabilities_see_what_root_sees() {
    const CONNECTIONS: usize = 4;
    let mounts = Mounts::made_by(WRITABLE);
    let workload = workload_binary().unwrap();
    let workload = workload.display();
    let script =
        format!("'{workload}' execs count=9; '{workload}' connections count={CONNECTIONS}");
    let shell = Shell::held(&script).unwrap();
    let pid = shell.pid().to_string();
    let arguments = ["run", "process", "open", "tcp", "--pid-tree", &pid];
    let format = ["--format", "ndjson", "--log-format", "json"];
    let arguments = || arguments.into_iter().chain(format);
    let of_root = Pipeline::with_arguments(arguments()).unwrap();
    let nobodys = as_nobody(mounts.entering(), ENOUGH, arguments());
    let nobodys = Pipeline::command(nobodys).unwrap();
    let mut both = [of_root, nobodys];
    for pipeline in &both {
        pipeline.wait_for_log("\"started\"").unwrap();
    }
    assert_eq!(mounts.pins(), []);
    assert!(shell.finish().unwrap().success());
    // What tells of a connection's end may come after the end of who had it.
    let of = |events: &[Event], kind| events.iter().filter(|event| event.kind() == kind).count();
    for pipeline in &mut both {
        let is_all = |events: &[Event]| {
            of(events, "network.close") == 2 * CONNECTIONS && of(events, "process.exit") == 12
        };
        pipeline.wait_for("the last event", is_all).unwrap();
    }
    let [by_root, by_nobody] = both.map(|pipeline| {
        let finished = pipeline.stop().unwrap();
        assert_eq!(finished.status.code(), Some(0), "{:?}", finished.stderr);
        finished.events().unwrap()
    });
    assert!(of(&by_root, "process.exec") == 11 && of(&by_root, "file.open") > 0);
    assert_eq!(without_clock(&by_nobody), without_clock(&by_root));
    assert_eq!(mounts.pins(), []);
}

/// Killed while its objects are being loaded nobody leaves pins, which the next start removes; killed later it leaves
/// none.
#[test]
fn pins_of_the_killed_are_gone_after_the_next_start() {
    let mounts = Mounts::made_by(WRITABLE);
    let run = ["run", "process", "open", "--log-format", "json"];
    let run = || run.into_iter().chain(["--pid", "4194304"]);
    let mut killed = mounts.entering();
    // SIGKILL comes with the first attempt to remove something: all pins are there.
    killed.args([
        "strace",
        "--follow-forks",
        "--seccomp-bpf",
        "--output=/dev/null",
    ]);
    killed.arg("--trace=unlink,unlinkat,rmdir");
    killed.arg("--inject=unlink,unlinkat,rmdir:signal=KILL");
    let bounded = run().chain(["--duration", "1ms"]);
    let killed = as_nobody(killed, ENOUGH, bounded).output().unwrap();
    let log = text(&killed.stderr);
    assert_eq!(killed.status.signal(), Some(Signal::KILL.as_raw()), "{log}");
    let left = mounts.pins();
    assert!(matches!(left[..], [(_, count)] if count > 5), "{left:?}");

    let next = as_nobody(mounts.entering(), ENOUGH, run());
    let next = Pipeline::command(next).unwrap();
    next.wait_for_log("\"started\"").unwrap();
    assert_eq!(mounts.pins(), []);
    next.signal(Signal::KILL).unwrap();
    assert!(!next.finish().unwrap().status.success());
    assert_eq!(mounts.pins(), []);
}

/// Where nobody may neither mount a bpffs nor write to one, the line has both remedies.
#[test]
fn nowhere_to_pin_is_77_with_both_remedies() {
    const REMEDIES: [&str; 2] = ["CAP_SYS_ADMIN", "`mount -t bpf bpf /sys/fs/bpf`"];
    for (mount, reason) in [
        ("mount -t tmpfs none /sys/fs/bpf", "no BPF file system"),
        ("mount -t bpf -o mode=700 bpf /sys/fs/bpf", "denied"),
    ] {
        let mounts = Mounts::made_by(mount);
        let run = ["run", "process", "--", "true"];
        let output = as_nobody(mounts.entering(), ENOUGH, run).output().unwrap();
        is_refused(&output, &[REMEDIES[0], REMEDIES[1], reason]);
    }
}

/// A kernel that tells nothing of its types: 77 with one line that says which do; `doctor` says the same of each probe.
#[test]
fn missing_btf_is_77_with_a_remedy() {
    let mounts = Mounts::made_by("mount -t tmpfs none /sys/kernel/btf");
    let run = |arguments: &[&str]| {
        let mut command = mounts.entering();
        command.arg(pipeline_binary().unwrap()).args(arguments);
        command.output().unwrap()
    };
    let words = [
        "/sys/kernel/btf/vmlinux",
        "CONFIG_DEBUG_INFO_BTF=y",
        "Debian 11",
    ];
    is_refused(&run(&["run", "process", "--", "true"]), &words);
    let doctor = run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(77));
    let findings = text(&doctor.stdout);
    let lines = findings
        .lines()
        .filter(|line| words.iter().all(|word| line.contains(word)));
    assert_eq!(lines.count(), findings.matches("does not work").count());
    assert_eq!(findings.matches("works").count(), 0);
    assert!(findings.contains("probe open: does not work"), "{findings}");
}
