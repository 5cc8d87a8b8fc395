//! A workload under `run PROBE... -- COMMAND`, from before its first exec to after its end.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::ExitStatus;

use crate::eunomia::DRAINING;
use crate::{Account, Error, Event, Finished, Pipeline, Record, Result, Said, Scratch, now};
use crate::{Image, Workload, workload_binary};

/// What a workload said of itself, and what was seen of it.
#[derive(Debug)]
pub struct Watched {
    /// The watching process, the parent of the workload.
    pub watcher: u32,
    /// The wall clock before all.
    pub before: u64,
    /// What the workload said, in its order.
    pub said: Vec<Said>,
    /// The events, as they came out.
    pub events: Vec<Event>,
    /// The account.
    pub accounts: Vec<Account>,
    /// How the watching process ended.
    pub status: ExitStatus,
    /// The wall clock after all.
    pub after: u64,
}

impl Watched {
    /// Runs `workload ARGUMENTS image=yes` under these arguments of `run`, such as `["open"]`.
    ///
    /// # Errors
    /// Either is not built, or wrote what is no record or event.
    pub fn workload(probes: &[&str], arguments: &[&str]) -> Result<Self> {
        let mut command = vec![workload_binary()?.into_os_string()];
        command.extend(arguments.iter().map(OsString::from));
        command.push("image=yes".into());
        Self::command(probes, &command)
    }

    /// Runs any command that writes records.
    ///
    /// # Errors
    /// The same.
    pub fn command<A: AsRef<OsStr>>(probes: &[&str], command: &[A]) -> Result<Self> {
        let (watcher, before, finished, events) = run(probes, command)?;
        let after = now();
        let said: Result<_> = finished
            .stdout
            .iter()
            .map(|line| Said::read(line))
            .collect();
        let said = said.map_err(|error| {
            Error::program(
                "workload",
                format!("{error}\n{}", finished.stderr.join("\n")),
            )
        });
        Ok(Self {
            watcher,
            before,
            said: said?,
            events,
            accounts: finished.accounts(),
            status: finished.status,
            after,
        })
    }

    /// Lets a held workload go under a daemon that watches its tree with `probes`, such as
    /// `open: {}, tcp: {}`, and ends the daemon once the events are `enough` for what was said.
    /// For events that come after the end of who caused them.
    ///
    /// # Errors
    /// The same, or there never were enough.
    pub fn held(
        probes: &str,
        workload: Workload,
        mut enough: impl FnMut(&[Said], &[Event]) -> bool,
    ) -> Result<Self> {
        let before = now();
        let mut pipeline = Pipeline::start(&Self::configuration(probes, workload.pid()), &[])?;
        let watcher = pipeline.pid();
        pipeline.wait_for_log("started")?;
        let said = workload.finish_said()?;
        pipeline.wait_for("enough events", |events| enough(&said, events))?;
        let finished = pipeline.stop()?;
        Ok(Self {
            watcher,
            before,
            said,
            events: finished.events()?,
            accounts: finished.accounts(),
            status: finished.status,
            after: now(),
        })
    }

    /// The configuration of a pipeline to standard output that watches one tree.
    #[must_use]
    pub fn configuration(probes: &str, root: u32) -> String {
        format!(
            "version: 1
receivers:
  ebpf: {{ probes: {{ {probes} }}, filter: {{ pid_tree: [{root}] }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
  json: {{ path: \"-\" }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [json] }}
"
        )
    }

    /// The events of one kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Event> {
        self.events.iter().filter(move |event| event.kind() == kind)
    }

    /// The event of one kind that process `pid` caused.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn only<'a>(&'a self, kind: &'a str, pid: u32) -> Result<&'a Event> {
        let of_pid = |event: &&Event| event.integer("process.pid") == Some(pid.into());
        let found: Vec<_> = self.of(kind).filter(of_pid).collect();
        match found.as_slice() {
            [event] => Ok(event),
            other => Err(Error::program(
                "eunomia-pipeline",
                format!("{} events {kind} of {pid}", other.len()),
            )),
        }
    }

    /// The last event of one kind that process `pid` caused.
    #[must_use]
    pub fn last<'a>(&'a self, kind: &'a str, pid: u32) -> Option<&'a Event> {
        let of_pid = |event: &&Event| event.integer("process.pid") == Some(pid.into());
        self.of(kind).filter(of_pid).last()
    }

    /// What the workload itself is: its first record.
    ///
    /// # Errors
    /// The first record is something else.
    pub fn image(&self) -> Result<&Image> {
        let first = self.said.first().and_then(|said| said.record.as_exec());
        first.ok_or_else(|| Error::program("workload", "did not say its image first"))
    }

    /// The ids of the image that process `pid` ran last, and of the one that forked it.
    ///
    /// # Errors
    /// It caused no event, or the last one has no ids.
    pub fn ids(&self, pid: u32) -> Result<(&str, &str)> {
        let of_pid = |event: &&Event| event.integer("process.pid") == Some(pid.into());
        let last = self.events.iter().rfind(of_pid);
        let id = |name| last.and_then(|event| event.text(name));
        id("eunomia.process.exec_id")
            .zip(id("eunomia.process.parent_exec_id"))
            .ok_or_else(|| Error::program("eunomia-pipeline", format!("no exec ids of {pid}")))
    }

    /// Each record but the first, between the time of the one before and its own.
    pub fn steps(&self) -> impl Iterator<Item = (u64, &Record, u64)> {
        let pairs = self.said.iter().zip(self.said.iter().skip(1));
        pairs.map(|(before, said)| (before.at, &said.record, said.at))
    }
}

fn run<A: AsRef<OsStr>>(
    probes: &[&str],
    command: &[A],
) -> Result<(u32, u64, Finished, Vec<Event>)> {
    let scratch = Scratch::new("watched")?;
    let output = scratch.path().join("events.jsonl");
    let mut arguments: Vec<OsString> = vec!["run".into()];
    arguments.extend(probes.iter().map(OsString::from));
    let rest = ["--log-format", "json", DRAINING, "--format", "ndjson", "-o"];
    arguments.extend(rest.map(OsString::from));
    arguments.extend([output.clone().into(), "--".into()]);
    arguments.extend(command.iter().map(|word| word.as_ref().to_owned()));
    let before = now();
    let pipeline = Pipeline::with_arguments(arguments)?;
    let watcher = pipeline.pid();
    let finished = pipeline.finish()?;
    let lines = fs::read_to_string(&output).map_err(|error| {
        let log = finished.stderr.join("\n");
        Error::program("eunomia-pipeline", format!("{error}; log:\n{log}"))
    })?;
    Ok((watcher, before, finished, Event::read_all(&lines)?))
}
