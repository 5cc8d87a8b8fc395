//! The whole job on every kernel, unfiltered, in the machines: what a container does comes out
//! whole, and equal to what its processes say of themselves.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test bed that fails ends the test"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of what the workload says, a test looks at a part"
)]

mod run;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use eunomia_integration::{
    Access, Account, Bytes, Cgroups, End, Event, Expected, Image, Kernel, Machine, Outcome, Place,
    Record, Said, pipeline_binary, workload_binary,
};
use serde_json::{Map, Value};

const ID: &str = "4f0e1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7";

const CONFIGURATION: &str = "version: 1
receivers:
  ebpf: { probes: { process: {}, open: {}, tcp: {} } }
processors: { process: {}, container: {} }
exporters:
  json: { path: /out/events.jsonl }
  prometheus: { endpoint: 127.0.0.1:9464 }
service:
  pipelines:
    events: { receivers: [ebpf], processors: [process, container], exporters: [json, prometheus] }
";

const SCRIPT: &str = "
eunomia-pipeline doctor --format json >/out/doctor 2>&1 || exit 7
mkfifo /tmp/log
eunomia-pipeline --config /etc/pipeline.yaml --log-format json --drain-timeout 2m >/out/stdout 2>/tmp/log &
daemon=$!
# The shell sleeps while probes are attached: emulated kernels lock up or die now and then when their
# code is changed, as attaching does, while another CPU runs it.
exec 3</tmp/log
while read -r line; do
    echo \"$line\" >>/out/log
    case $line in *started*) break ;; esac
done <&3
cgroups=
for hierarchy in memory pids unified; do
    [ -d /sys/fs/cgroup/$hierarchy ] && cgroups=$cgroups:/sys/fs/cgroup/$hierarchy/docker/ID
done
[ $cgroups ] || cgroups=:/sys/fs/cgroup/docker/ID
container ${cgroups#:} box / sh -c '
    mkdir /tmp/opens &&
    workload opens dir=/tmp/opens count=8 image=yes >/out/opens &&
    workload tcp count=33 image=yes >/out/tcp &&
    workload execs count=8 image=yes >/out/execs &&
    cat /etc/hostname
' || exit 9
wget -q -O /out/metrics http://127.0.0.1:9464/metrics || exit 10
kill -TERM $daemon || exit 5
cat <&3 >>/out/log
wait $daemon || exit 11
mkdir /tmp/run
eunomia-pipeline run process open tcp --log-format json --drain-timeout 2m --format ndjson -o /out/run.jsonl -- \
    workload opens dir=/tmp/run count=8 image=yes >/out/run.said 2>/out/run.log || exit 12
eunomia-pipeline run process --log-format json --drain-timeout 2m --format ndjson -o /out/reuse.jsonl -- \
    workload pid-reuse count=10 >/out/reuse.said 2>/out/reuse.log || exit 13
eunomia-pipeline run open --log-format json --drain-timeout 2m --format ndjson -o /out/flood.jsonl -- \
    workload flood call=open threads=4 count=500 path=/etc/hostname >/out/flood.said 2>/out/flood.log ||
    exit 14
eunomia-pipeline run tcp --log-format json --drain-timeout 2m --format ndjson -o /out/apart.jsonl -- \
    workload tcp-apart 2>/out/apart.log
";

/// What a machine left, read.
struct Seen {
    kernel: Kernel,
    outcome: Outcome,
    events: Vec<Event>,
    accounts: Vec<Account>,
    place: Place,
    /// Runs that the kernel skipped: what it does not show may be missing.
    missed: u64,
    missing: Vec<String>,
}

impl Seen {
    #[track_caller]
    fn of(kernel: Kernel, cgroups: Cgroups) -> Self {
        let machine = Machine::new()
            .program(workload_binary().unwrap(), "/bin/workload")
            .program(pipeline_binary().unwrap(), "/bin/eunomia-pipeline")
            .file("/etc/pipeline.yaml", CONFIGURATION)
            .file("/etc/hostname", "eunomia-vm\n")
            .cgroups(cgroups);
        let outcome = machine.run(kernel, &SCRIPT.replace("ID", ID)).unwrap();
        assert_eq!(outcome.status, 0, "{}\n{}", outcome.output, outcome.console);
        let place = Place {
            host: "eunomia-vm".to_owned(),
            cgroup: Bytes::from(format!("/docker/{ID}").as_str()),
            container: Some((ID.to_owned(), Some("docker"))),
        };
        let mut seen = Self {
            kernel,
            events: Vec::new(),
            accounts: Vec::new(),
            outcome,
            place,
            missed: 0,
            missing: Vec::new(),
        };
        seen.read("events.jsonl", "log");
        seen
    }

    /// Reads the events and the account of one run of the program.
    #[track_caller]
    fn read(&mut self, events: &str, log: &str) {
        self.events = Event::read_all(&self.text(events)).unwrap();
        let log = self.text(log);
        self.accounts = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        assert!(!self.accounts.is_empty(), "{log}");
        for account in &self.accounts {
            assert!(account.holds(), "{account:?}");
            if let Account::Probe { lost, missed, .. } = account {
                assert_eq!(*lost, 0, "{account:?}");
                self.missed = self.missed.max(missed.unwrap());
            }
        }
    }

    #[track_caller]
    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.outcome.file(name).unwrap()).into_owned()
    }

    #[track_caller]
    fn said(&self, name: &str) -> Vec<Record> {
        let text = self.text(name);
        let said = text.lines().map(|line| Said::read(line).unwrap().record);
        said.collect()
    }

    /// The events of `kind` in the container by the process with this number in it.
    fn of_process<'e>(&'e self, kind: &'e str, vpid: u32) -> impl Iterator<Item = &'e Event> {
        let id = self.place.container.as_ref().map(|(id, _)| id.as_str());
        self.events.iter().filter(move |event| {
            event.kind() == kind
                && event.text("container.id") == id
                && event.integer("process.vpid") == Some(vpid.into())
        })
    }

    /// The last exec of a process.
    #[track_caller]
    fn exec(&self, vpid: u32) -> &Event {
        let found = self.of_process("process.exec", vpid).last();
        found.unwrap_or_else(|| panic!("no exec of {vpid} on {:?}", self.kernel))
    }

    /// The host's number of a process.
    #[track_caller]
    fn pid(&self, vpid: u32) -> &Value {
        self.exec(vpid).get("process.pid").unwrap()
    }

    /// One event is as expected; one that is not there is noted.
    #[track_caller]
    fn is(&mut self, found: &[Event], expected: impl FnOnce(&Event) -> Expected) {
        let [event] = found else {
            assert!(found.is_empty(), "{found:?}");
            let wanted = expected(&Event(Map::new()));
            self.missing.push(format!("{wanted:?}"));
            return;
        };
        let differences = expected(event).differences(event);
        assert!(
            differences.is_empty(),
            "{:?}: {}\n{event:?}",
            self.kernel,
            differences.join("\n")
        );
    }

    /// A program that was run, in its process: fork and exec.
    #[track_caller]
    fn begins(&mut self, image: &Image) {
        let texts: Vec<_> = image.args.iter().map(|text| text.0.clone()).collect();
        let found: Vec<_> = self
            .of_process("process.exec", image.pid)
            .filter(|event| event.list("process.command_args").as_ref() == Some(&texts))
            .cloned()
            .collect();
        let [exec] = found.as_slice() else {
            panic!("{found:?} of {image:?}")
        };
        let parts: Vec<_> = image.args.iter().map(|part| part.0.as_slice()).collect();
        let ids = (
            exec.text("eunomia.process.exec_id").unwrap(),
            self.exec(image.parent_pid)
                .text("eunomia.process.exec_id")
                .unwrap(),
        );
        let pid = exec.get("process.pid").unwrap().clone();
        let parent = self.pid(image.parent_pid).clone();
        let expected = Expected::of("process.exec", image, &self.place, ids)
            .with("process.pid", pid.clone())
            .with("eunomia.process.tid", pid.clone())
            .with("process.parent_pid", parent)
            .with("process.group_leader.pid", self.pid(image.group).clone())
            .text("process.command", image.args.first().unwrap())
            .texts("process.command_args", &image.args)
            .text("process.command_line", &Bytes(parts.join(&b' ')))
            .with("process.args_count", image.args.len())
            .with("eunomia.process.environment_bytes", image.environment_bytes)
            .text("process.working_directory", &image.directory)
            .text("eunomia.process.exec_path", &image.executable);
        self.is(&found, |_| expected);
        let forks: Vec<_> = self
            .of_process("process.fork", image.parent_pid)
            .filter(|event| event.get("eunomia.process.child_pid") == Some(&pid))
            .cloned()
            .collect();
        let fork = Expected::like(self.exec(image.parent_pid), "process.fork")
            .with("eunomia.process.child_pid", pid);
        // Busybox's shell gives itself another name than it was started by.
        let comm = "eunomia.process.comm";
        self.is(&forks, |event| {
            fork.with_some(comm, event.get(comm).cloned())
        });
    }

    /// A process that ended.
    #[track_caller]
    fn ends(&mut self, vpid: u32, end: End) {
        let found: Vec<_> = self.of_process("process.exit", vpid).cloned().collect();
        let expected = Expected::like(self.exec(vpid), "process.exit");
        let expected = match end {
            End::Code(code) => expected.with("process.exit.code", code),
            End::Signal(9) => expected.with("eunomia.process.exit_signal", "SIGKILL"),
            End::Signal(11) => expected.with("eunomia.process.exit_signal", "SIGSEGV"),
            End::Signal(15) => expected.with("eunomia.process.exit_signal", "SIGTERM"),
            End::Signal(other) => panic!("signal {other}"),
        };
        self.is(&found, |event| {
            let duration = "eunomia.process.duration_ns";
            assert!(
                event
                    .integer(duration)
                    .is_none_or(|nanoseconds| nanoseconds > 0)
            );
            expected.with_some(duration, event.get(duration).cloned())
        });
    }

    /// A file that was opened, or was not.
    #[track_caller]
    fn opened(&mut self, access: &Access) {
        const FLAGS: [(u32, &str); 5] = [
            (0, "O_RDONLY"),
            (0o100_001, "O_WRONLY"),
            (0o2_000_002, "O_RDWR"),
            (0o100, "O_CREAT"),
            (0o2_000_000, "O_CLOEXEC"),
        ];
        let name = match access.error {
            None => "file.path",
            Some(_) => "eunomia.file.raw_path",
        };
        // Of one path only the last open is looked for: the others were the same.
        let found: Vec<_> = self
            .of_process("file.open", access.pid)
            .filter(|event| event.bytes(name).as_ref() == Some(&access.argument.0))
            .filter(|event| event.text("error.type") == access.error.as_deref())
            .take(1)
            .cloned()
            .collect();
        let expected = Expected::like(self.exec(access.pid), "file.open")
            .text(name, &access.argument)
            .with_some("eunomia.file.fd", access.fd)
            .with_some("error.type", access.error.as_deref())
            .with_some("file.mode", access.mode.map(|mode| format!("{mode:04o}")));
        self.is(&found, |event| {
            let names = event.get("eunomia.file.flags").and_then(Value::as_array);
            let names: Vec<_> = names.into_iter().flatten().collect();
            let access_mode = ["O_RDONLY", "O_WRONLY", "O_RDWR"][access.flags as usize & 3];
            assert_eq!(*names[0], access_mode, "{event:?}");
            let is_set = |bits: u32| access.flags & bits == bits;
            for (bits, name) in FLAGS.iter().filter(|(bits, _)| bits & 3 == 0 && *bits != 0) {
                assert_eq!(
                    names.iter().any(|one| *one == name),
                    is_set(*bits),
                    "{event:?}"
                );
            }
            expected.with_some(
                "eunomia.file.flags",
                event.get("eunomia.file.flags").cloned(),
            )
        });
    }

    /// A connection that was attempted, accepted or closed.
    #[track_caller]
    fn connected(&mut self, record: &Record) {
        let (kind, pid, local, peer, error) = match record {
            Record::Connect {
                pid,
                local,
                peer,
                error,
            } => ("network.connect", *pid, *local, *peer, error.clone()),
            Record::Accept { pid, local, peer } => {
                ("network.accept", *pid, Some(*local), *peer, None)
            }
            Record::Close {
                pid,
                local,
                peer,
                reset,
                ..
            } => {
                let error = reset.then(|| "ECONNRESET".to_owned());
                ("network.close", *pid, Some(*local), *peer, error)
            }
            _ => return,
        };
        // A socket that was refused has forgotten its address; all of it is loopback.
        let local = local.map(|local| {
            let forgotten = error.is_some() && local.ip().is_unspecified();
            SocketAddr::new(if forgotten { peer.ip() } else { local.ip() }, local.port())
        });
        let matches = |event: &&Event, name: &str, address: SocketAddr| {
            event.text(&format!("network.{name}.address")) == Some(&text_of(address))
                && event.integer(&format!("network.{name}.port")) == Some(address.port().into())
        };
        let found: Vec<_> = self
            .of_process(kind, pid)
            .filter(|event| matches(event, "peer", peer))
            .filter(|event| local.is_none_or(|local| matches(event, "local", local)))
            .take(if local.is_some() { 2 } else { 1 })
            .cloned()
            .collect();
        let expected = Expected::like(self.exec(pid), kind)
            .with("network.transport", "tcp")
            .with(
                "network.type",
                if peer.ip().to_canonical().is_ipv4() {
                    "ipv4"
                } else {
                    "ipv6"
                },
            )
            .with("network.peer.address", text_of(peer))
            .with("network.peer.port", peer.port())
            .with_some("network.local.address", local.map(text_of))
            .with_some("network.local.port", local.map(|local| local.port()))
            .with_some("error.type", error);
        self.is(&found, |event| match record {
            Record::Close { sent, received, .. } => expected
                .with("eunomia.network.bytes_sent", *sent)
                .with("eunomia.network.bytes_received", *received)
                .with_some(
                    "eunomia.network.duration_ns",
                    event.get("eunomia.network.duration_ns").cloned(),
                ),
            _ => expected,
        });
    }

    /// Everything that the files of records tell.
    #[track_caller]
    fn each(&mut self, records: &[Record]) {
        for record in records {
            match record {
                Record::Exec(image) => self.begins(image),
                Record::Exit { pid, end } => self.ends(*pid, *end),
                Record::Open(access) => self.opened(access),
                other => self.connected(other),
            }
        }
        // The workload itself, which told its image first.
        if let Some(image) = records.first().and_then(Record::as_exec) {
            self.ends(image.pid, End::Code(0));
        }
    }

    /// Only where the kernel says that it skipped runs may an event be missing.
    #[track_caller]
    fn nothing_is_missing(&self) {
        let excused = self.kernel == Kernel::V7 && self.missed >= self.missing.len() as u64;
        assert!(
            self.missing.is_empty() || excused,
            "{:?}, {} runs missed: {:#?}",
            self.kernel,
            self.missed,
            self.missing
        );
    }

    /// Every program's skipped runs are among the metrics.
    #[track_caller]
    fn missed_runs_are_exported(&self, doctor: &Value) {
        let metrics = self.text("metrics");
        let mut of_probe = BTreeMap::<&str, f64>::new();
        for (probe, program) in programs(doctor) {
            let labels = format!(
                "{{probe={},program={}}} ",
                probe["probe"], program["program"]
            );
            let line = metrics.lines().find_map(|line| {
                let rest = line.strip_prefix("eunomia_probe_missed_runs_total")?;
                rest.strip_prefix(&labels)
            });
            let line = line.unwrap_or_else(|| panic!("{labels} in {metrics}"));
            let count: f64 = line.parse().unwrap();
            *of_probe
                .entry(probe["probe"].as_str().unwrap())
                .or_default() += count;
        }
        // Scraped before the end, so never more than the account says.
        for account in &self.accounts {
            if let Account::Probe { probe, missed, .. } = account {
                let scraped = of_probe[probe.as_str()];
                assert!(scraped <= missed.unwrap() as f64, "{account:?}: {scraped}");
            }
        }
    }
}

/// An address as events have it: never mapped into IPv6.
fn text_of(address: SocketAddr) -> String {
    let ip: IpAddr = address.ip().to_canonical();
    ip.to_string()
}

/// Each program with its probe.
fn programs(doctor: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let probes = doctor["probes"].as_array().into_iter().flatten();
    probes.flat_map(|probe| {
        let programs = probe["programs"].as_array().into_iter().flatten();
        programs.map(move |program| (probe, program))
    })
}

/// Every probe works on this kernel; prints what the verifier went through.
#[track_caller]
#[expect(clippy::print_stdout, reason = "a table for docs/benchmarks.md")]
fn doctor(seen: &Seen) -> Value {
    let doctor: Value = serde_json::from_str(&seen.text("doctor")).unwrap();
    let kernel = doctor["kernel"].as_str().unwrap();
    for (probe, program) in programs(&doctor) {
        assert!(probe.get("missing").is_none(), "{probe}");
        let count = program.get("verified_instructions");
        let count = count.map_or("-".to_owned(), Value::to_string);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names = [&probe["probe"], &program["program"], &program["hook"]].map(text);
        println!("| {kernel} | {} | {count} |", names.join(" | "));
    }
    doctor
}

#[track_caller]
fn works(kernel: Kernel, cgroups: Cgroups) {
    let mut seen = Seen::of(kernel, cgroups);
    let doctor = doctor(&seen);
    seen.missed_runs_are_exported(&doctor);
    for name in ["opens", "tcp", "execs"] {
        let records = seen.said(name);
        seen.each(&records);
    }
    seen.nothing_is_missing();

    // The same by `run`, which sees nothing but its command.
    seen.read("run.jsonl", "run.log");
    seen.place.container = None;
    let records = seen.said("run.said");
    let Some(image) = records.first().and_then(Record::as_exec) else {
        panic!("{records:?}")
    };
    let is_of_it = |event: &Event| event.integer("process.pid") == Some(image.pid.into());
    assert!(seen.events.iter().all(is_of_it), "{:?}", seen.events);
    assert_eq!(seen.events[0].kind(), "process.exec");
    assert_eq!(seen.events.last().unwrap().kind(), "process.exit");
    for access in records.iter().filter_map(Record::as_open) {
        seen.opened(access);
    }
    seen.ends(image.pid, End::Code(0));
    seen.nothing_is_missing();
    seen.reused_pids_are_told_apart();
    seen.flood_is_seen_or_missed();
    seen.each_attempt_has_its_outcome();
}

/// The oldest kernel supported; containers in version 2.
#[test]
fn container_is_told_whole_on_5_10() {
    works(Kernel::V5_10, Cgroups::Unified);
}

/// The same where the memory controller has a hierarchy of version 1.
#[test]
fn container_is_told_whole_on_5_10_with_version_1() {
    works(Kernel::V5_10, Cgroups::Hybrid);
}

/// Debian 12's, in version 1.
#[test]
fn container_is_told_whole_on_6_1() {
    works(Kernel::V6_1, Cgroups::Hybrid);
}

/// Debian 13's, where only the pids controller is left in version 1.
#[test]
fn container_is_told_whole_on_6_12() {
    works(Kernel::V6_12, Cgroups::Hybrid);
}

/// The newest one.
#[test]
fn container_is_told_whole_on_the_newest() {
    works(Kernel::V7, Cgroups::Unified);
}
