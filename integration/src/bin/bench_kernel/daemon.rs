//! The daemon with different probes, and what it uses.

use std::fs;
use std::path::Path;
use std::process;
use std::time::Instant;

use eunomia_integration::{Account, Finished, Pipeline};

use crate::Outcome;

/// Which probes are loaded.
pub(crate) enum Probes<'a> {
    /// A built-in one.
    One(&'a str),
    /// This object alone, which wants no system call.
    Bare(&'a Path),
    /// `open`, and nine times this object.
    Ten(&'a Path),
    /// All built-in ones.
    All,
}

/// Whose events the kernel lets through.
#[derive(Clone, Copy)]
pub(crate) enum Filter {
    /// This process's.
    Me,
    /// Those of a process that does not exist.
    Nobody,
}

/// Starts the daemon, with NDJSON into the void.
pub(crate) fn start(probes: &Probes<'_>, filter: Filter) -> Outcome<Pipeline> {
    const NO_PROCESS: u32 = 4_194_304; // above the highest pid there can be
    let pid = match filter {
        Filter::Me => process::id(),
        Filter::Nobody => NO_PROCESS,
    };
    let probes = match probes {
        Probes::One(name) => format!("{name}: {{}}"),
        Probes::Bare(object) => format!("bare: {{ object: {} }}", object.display()),
        Probes::All => "process: {}, open: {}, tcp: {}".to_owned(),
        Probes::Ten(object) => {
            let copies = (1..10).map(|n| format!(", copy{n}: {{ object: {} }}", object.display()));
            ["open: {}".to_owned()].into_iter().chain(copies).collect()
        }
    };
    let configuration = format!(
        "version: 1
receivers:
  ebpf: {{ probes: {{ {probes} }}, filter: {{ pid: [{pid}] }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
  json: {{ path: /dev/null }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [json] }}
"
    );
    let pipeline = Pipeline::start(&configuration, &[])?;
    pipeline.wait_for_log("started")?;
    Ok(pipeline)
}

/// Events that were lost in the kernel.
pub(crate) fn lost(finished: &Finished) -> u64 {
    let lost = |account: Account| match account {
        Account::Probe { lost, .. } => lost,
        Account::Processor { .. } | Account::Exporter { .. } => 0,
    };
    finished.accounts().into_iter().map(lost).sum()
}

/// What a process used over some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) rss_mib: f64,
    pub(crate) cpu_percent: f64,
    pub(crate) seconds: f64,
}

impl Usage {
    /// What process `pid` uses while `act` runs.
    pub(crate) fn over(pid: u32, act: impl FnOnce() -> Outcome<()>) -> Outcome<Self> {
        let (start, before) = (Instant::now(), cpu_seconds(pid)?);
        act()?;
        let seconds = start.elapsed().as_secs_f64();
        let used = cpu_seconds(pid)? - before;
        Ok(Self {
            rss_mib: rss_mib(pid)?,
            cpu_percent: used / seconds * 100.0,
            seconds,
        })
    }
}

/// CPU time of all threads of a process, by the scheduler's own clock.
fn cpu_seconds(pid: u32) -> Outcome<f64> {
    let mut ns = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        ns += text.split(' ').next().unwrap_or_default().parse::<f64>()?;
    }
    Ok(ns / 1e9)
}

fn rss_mib(pid: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
}
