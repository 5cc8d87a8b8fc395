//! Containers of our own: what they run comes out of every exporter under their names, and what
//! runs beside them does not.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use eunomia_integration::{
    Account, Bytes, Cgroup, Container, Error, Event, Expected, Finished, Image, Naming, Pipeline,
    Place, Runc, Scratch, free_port, get, now, until,
};

/// What the server in the test answers, whole.
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
/// What a container says when it is done.
const CODE: i64 = 5;

/// One request as the server saw it: who asked, and how many bytes it was.
type Served = (SocketAddr, usize);

/// A server that answers `count` requests.
fn serve(count: usize) -> (u16, thread::JoinHandle<Vec<Served>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move || {
        let (mut stream, peer) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while !request.ends_with(b"\r\n\r\n") {
            assert!(reader.read_until(b'\n', &mut request).unwrap() > 0);
        }
        stream.write_all(ANSWER).unwrap();
        (peer, request.len())
    };
    (
        port,
        thread::spawn(move || (0..count).map(|_| answer()).collect()),
    )
}

/// A container whose shell waits for a line before it does what it is there for.
struct Inside {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    shell: Image,
    /// When the shell was known to run.
    seen: u64,
}

fn script(port: u16) -> String {
    format!(
        "echo $$; read go; cat /etc/hostname; wget -q -O - http://127.0.0.1:{port}/; exit {CODE}"
    )
}

impl Inside {
    #[track_caller]
    fn start(mut command: Command, cgroup: &Cgroup, root: &Path) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        assert_eq!(first, "1\n", "the shell is the first of its pid namespace");
        let shell = Image::of(first_process(cgroup), root).unwrap();
        Self {
            child,
            stdin,
            stdout,
            shell,
            seen: now(),
        }
    }

    /// Lets it go on; what it says then is what it read and what it was answered.
    #[track_caller]
    fn finish(mut self, hostname: &str) -> (Image, u64) {
        self.stdin.write_all(b"go\n").unwrap();
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        assert_eq!(said, format!("{hostname}\nhello\n"));
        assert_eq!(self.child.wait().unwrap().code().map(i64::from), Some(CODE));
        (self.shell, self.seen)
    }
}

/// The process that is 1 in its own namespace, as it is called here.
#[track_caller]
fn first_process(cgroup: &Cgroup) -> u32 {
    let members = fs::read_to_string(cgroup.folders()[0].join("cgroup.procs")).unwrap();
    let is_first = |pid: &&str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains(&format!("\nNSpid:\t{pid}\t1\n"))
    };
    members.lines().find(is_first).unwrap().parse().unwrap()
}

/// What the whole of a container's life is compared with.
struct Life<'a> {
    place: Place,
    shell: Image,
    seen: u64,
    port: u16,
    served: &'a [Served],
    events: Vec<&'a Event>,
}

impl Life<'_> {
    /// What the shell was called by.
    fn shell_name(&self) -> String {
        String::from_utf8_lossy(&self.shell.args[0].0).into_owned()
    }

    /// The last event of a kind by the process that ran `command`.
    #[track_caller]
    fn last(&self, kind: &str, command: &str) -> &Event {
        let exec = self
            .events
            .iter()
            .rfind(|event| event.text("process.command") == Some(command));
        let pid = exec
            .unwrap_or_else(|| unreachable!("{command} in {:?}", self.events))
            .integer("process.pid");
        let of_pid = |event: &&&Event| event.kind() == kind && event.integer("process.pid") == pid;
        self.events
            .iter()
            .rfind(of_pid)
            .unwrap_or_else(|| unreachable!("{kind} of {command}"))
    }

    /// The shell knows itself; what it forks is it with ids of its own, told once.
    fn of(&self, kind: &str, image: &Image, of: &Event) -> Expected {
        let ids = ["eunomia.process.exec_id", "eunomia.process.parent_exec_id"]
            .map(|name| of.text(name).unwrap());
        let vpid = of.integer("process.vpid").unwrap();
        Expected::of(kind, image, &self.place, (ids[0], ids[1])).with("process.vpid", vpid)
    }

    #[track_caller]
    fn exec(&self, image: &Image, exec_path: &str, event: &Event) {
        let parts: Vec<_> = image.args.iter().map(|part| part.0.as_slice()).collect();
        let expected = self
            .of("process.exec", image, event)
            .text("process.command", &image.args[0])
            .texts("process.command_args", &image.args)
            .text("process.command_line", &Bytes(parts.join(&b' ')))
            .with("process.args_count", image.args.len())
            .with("eunomia.process.environment_bytes", image.environment_bytes)
            .text("process.working_directory", &image.directory)
            .with("eunomia.process.exec_path", exec_path);
        same(&expected, event);
    }

    /// The shell, told whole.
    #[track_caller]
    fn shell_is_told(&self) {
        let exec = self.last("process.exec", &self.shell_name());
        assert_eq!(exec.integer("process.vpid"), Some(1));
        assert!(exec.time().unwrap() <= self.seen);
        let path = exec.text("eunomia.process.exec_path").unwrap();
        assert_eq!(path, "/bin/sh");
        self.exec(&self.shell, path, exec);
        let exit = self.last("process.exit", &self.shell_name());
        let expected = self
            .of("process.exit", &self.shell, exec)
            .with("process.exit.code", CODE)
            .with(
                "eunomia.process.duration_ns",
                exit.integer("eunomia.process.duration_ns"),
            );
        same(&expected, exit);
        assert!(exit.time().unwrap() >= self.seen);
    }

    /// What the shell forked: as itself but for the ids, which two of its events agree on.
    #[track_caller]
    fn child(&self, args: &[&str]) -> Image {
        let exec = self.last("process.exec", args[0]);
        let id = |name: &str| u32::try_from(exec.integer(name).unwrap()).unwrap();
        let vpid = id("process.vpid");
        assert!(1 < vpid && vpid < 20, "{vpid}");
        let parent = self
            .last("process.exec", &self.shell_name())
            .text("eunomia.process.exec_id");
        assert_eq!(exec.text("eunomia.process.parent_exec_id"), parent);
        // The shell of busybox runs its own programs by way of this link.
        let (comm, path) = ("exe", "/proc/self/exe");
        let image = Image {
            pid: id("process.pid"),
            parent_pid: self.shell.pid,
            comm: comm.into(),
            args: args.iter().map(|arg| Bytes::from(*arg)).collect(),
            environment_bytes: u64::from(id("eunomia.process.environment_bytes")),
            ..self.shell.clone()
        };
        self.exec(&image, path, exec);
        let named = Image {
            comm: args[0].into(),
            ..image
        };
        let exit = self.last("process.exit", args[0]);
        let expected = self
            .of("process.exit", &named, exec)
            .with("process.exit.code", 0)
            .with(
                "eunomia.process.duration_ns",
                exit.integer("eunomia.process.duration_ns"),
            );
        same(&expected, exit);
        named
    }

    #[track_caller]
    fn open_is_told(&self) {
        let image = self.child(&["cat", "/etc/hostname"]);
        let opens = self
            .events
            .iter()
            .filter(|event| event.kind() == "file.open");
        let mut opens =
            opens.filter(|event| event.integer("process.pid") == Some(image.pid.into()));
        let open = opens
            .find(|event| event.text("file.path") == Some("/etc/hostname"))
            .unwrap();
        let expected = self
            .of("file.open", &image, self.last("process.exec", "cat"))
            .with("file.path", "/etc/hostname")
            .with("eunomia.file.flags", ["O_RDONLY"].as_slice())
            .with("eunomia.file.fd", 3);
        same(&expected, open);
    }

    #[track_caller]
    fn connection_is_told(&self) {
        let url = format!("http://127.0.0.1:{}/", self.port);
        let image = self.child(&["wget", "-q", "-O", "-", &url]);
        let exec = self.last("process.exec", "wget");
        let connect = self.last("network.connect", "wget");
        let local = connect.integer("network.local.port").unwrap();
        let (_, asked) = self
            .served
            .iter()
            .find(|(peer, _)| i64::from(peer.port()) == local)
            .unwrap();
        let ends = |kind| {
            self.of(kind, &image, exec)
                .with("network.transport", "tcp")
                .with("network.type", "ipv4")
                .with("network.local.address", "127.0.0.1")
                .with("network.local.port", local)
                .with("network.peer.address", "127.0.0.1")
                .with("network.peer.port", self.port)
        };
        same(&ends("network.connect"), connect);
        let close = self.last("network.close", "wget");
        let expected = ends("network.close")
            .with("eunomia.network.bytes_sent", *asked)
            .with("eunomia.network.bytes_received", ANSWER.len())
            .with(
                "eunomia.network.duration_ns",
                close.integer("eunomia.network.duration_ns"),
            );
        same(&expected, close);
    }
}

#[track_caller]
fn same(expected: &Expected, event: &Event) {
    let differences = expected.differences(event);
    assert!(
        differences.is_empty(),
        "{}\n{event:?}",
        differences.join("\n")
    );
}

/// A daemon that watches these containers, by the first 12 digits of their ids, with every
/// exporter that needs nobody else.
struct Daemon {
    pipeline: Pipeline,
    folder: Scratch,
    page: u16,
}

impl Daemon {
    #[track_caller]
    fn start(ids: &[&str]) -> Self {
        let folder = Scratch::new("containers").unwrap();
        let file = folder.path().join("events.jsonl");
        let page = free_port().unwrap();
        let ids: Vec<_> = ids.iter().map(|id| id.get(..12).unwrap()).collect();
        let pipeline = Pipeline::start(
            &format!(
                "version: 1
receivers:
  ebpf: {{ probes: {{ process: {{}}, open: {{}}, tcp: {{}} }}, filter: {{ container: {ids:?} }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
  json: {{ path: {} }}
  console: {{}}
  prometheus: {{ endpoint: \"127.0.0.1:{page}\" }}
  record: {{ path: {} }}
service:
  pipelines:
    events:
      {{ receivers: [ebpf], processors: [process, container], exporters: [json, console, prometheus, record] }}
",
                file.display(),
                folder.path().join("events.rec").display()
            ),
            &[],
        );
        let pipeline = pipeline.unwrap();
        pipeline.wait_for_log("started").unwrap();
        Self {
            pipeline,
            folder,
            page,
        }
    }

    /// Ends it once so many connections were closed, and compares its exporters with each other.
    #[track_caller]
    fn stop(self, connections: usize) -> Vec<Event> {
        // The kernel may close a connection after the end of who made it.
        let file = self.folder.path().join("events.jsonl");
        let closed = || {
            let text = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
            let count = text.matches("\"event\":\"network.close\"").count();
            Ok((count >= connections).then_some(text))
        };
        until("every connection is closed", closed).unwrap();
        // The page may be behind the file.
        until("execs on the page", || {
            let page = get(self.page, "/metrics")?;
            let has_execs = page.contains("eunomia_events_total{event=\"process.exec\"}");
            Ok(has_execs.then_some(()))
        })
        .unwrap();
        let finished = self.pipeline.stop().unwrap();
        assert_eq!(finished.status.code(), Some(0));
        assert!(finished.accounts().iter().all(Account::holds));
        let text = fs::read_to_string(&file).unwrap();
        let events = Event::read_all(&text).unwrap();
        console_is_the_same(&finished, &events);
        assert_eq!(replayed(&self.folder.path().join("events.rec")), text);
        events
    }
}

/// What comes out of a recording, as NDJSON.
#[track_caller]
fn replayed(recording: &Path) -> String {
    let configuration = format!(
        "version: 1
receivers: {{ replay: {{ path: {}, speed: max }} }}
exporters: {{ json: {{ path: \"-\" }} }}
service: {{ pipelines: {{ events: {{ receivers: [replay], exporters: [json] }} }} }}
",
        recording.display()
    );
    let finished = Pipeline::start(&configuration, &[])
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(finished.status.code(), Some(0), "{:?}", finished.stderr);
    finished
        .stdout
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The table has a line for each event, in the same order: time, container, process and kind.
#[track_caller]
fn console_is_the_same(finished: &Finished, events: &[Event]) {
    let (head, rows) = finished.stdout.split_first().unwrap();
    assert!(
        head.contains("CONTAINER") && head.contains("PROCESS"),
        "{head}"
    );
    assert_eq!(rows.len(), events.len());
    for (row, event) in rows.iter().zip(events) {
        let time = event
            .text("time")
            .and_then(|time| time.get(11..23))
            .unwrap();
        let id = event
            .text("container.id")
            .and_then(|id| id.get(..12))
            .unwrap();
        let comm = event.text("eunomia.process.comm").unwrap();
        let process = format!("{comm}[{}]", event.integer("process.pid").unwrap());
        for part in [time, id, &process, event.kind()] {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
}

/// Each way in which a runtime names the cgroups of its containers; one more container that is
/// not asked for does the same beside them, and nobody hears of it.
#[test]
fn containers_are_told_whole_under_their_names() {
    let containers: Vec<_> = Naming::ALL
        .map(|naming| (naming, Container::new(naming).unwrap()))
        .into();
    let neighbour = Container::new(Naming::Docker).unwrap();
    let ids: Vec<_> = containers
        .iter()
        .map(|(_, container)| container.id())
        .collect();
    let daemon = Daemon::start(&ids);
    let (port, server) = serve(containers.len() + 1);
    let run = |container: &Container| {
        let mut command = container.command("sh");
        command.args(["-c", &script(port)]);
        Inside::start(command, container.cgroup(), container.root()).finish("eunomia-box")
    };
    run(&neighbour);
    let shells: Vec<_> = containers
        .iter()
        .map(|(_, container)| run(container))
        .collect();
    let served = server.join().unwrap();
    let events = daemon.stop(containers.len());
    let mut by_container = BTreeMap::<_, Vec<_>>::new();
    for event in &events {
        by_container
            .entry(event.text("container.id").unwrap_or_default())
            .or_default()
            .push(event);
    }
    assert_eq!(
        by_container.len(),
        containers.len(),
        "{:?}",
        by_container.keys()
    );
    for ((naming, container), (shell, seen)) in containers.iter().zip(shells) {
        let place = Place {
            cgroup: Bytes::from(&container.cgroup().path()),
            container: Some((container.id().to_owned(), naming.runtime())),
            ..Place::here().unwrap()
        };
        let events = by_container.remove(container.id()).unwrap();
        told_whole(&Life {
            place,
            shell,
            seen,
            port,
            served: &served,
            events,
        });
    }
}

#[track_caller]
fn told_whole(container: &Life<'_>) {
    container.shell_is_told();
    container.open_is_told();
    container.connection_is_told();
}

/// The same by runc, which is below docker, containerd and podman: it makes the cgroup itself.
#[test]
fn container_of_runc_is_told_whole() {
    let runc = Runc::new(Naming::Docker).unwrap();
    let daemon = Daemon::start(&[runc.id()]);
    let (port, server) = serve(1);
    let command = runc.command(&["/bin/sh", "-c", &script(port)]).unwrap();
    let (shell, seen) = Inside::start(command, runc.cgroup(), runc.root()).finish("eunomia-runc");
    let served = server.join().unwrap();
    let events = daemon.stop(1);
    let place = Place {
        cgroup: Bytes::from(&runc.cgroup().path()),
        container: Some((runc.id().to_owned(), Some("docker"))),
        ..Place::here().unwrap()
    };
    assert!(
        events
            .iter()
            .all(|event| event.text("container.id") == Some(runc.id()))
    );
    told_whole(&Life {
        place,
        shell,
        seen,
        port,
        served: &served,
        events: events.iter().collect(),
    });
}
