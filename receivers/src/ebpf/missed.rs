//! Runs that the kernel skipped.
//!
//! From 7.0 on the kernel does not run a tracing program on a CPU where another
//! run of it was preempted. No program can see that; only the kernel's own
//! count of it does, which it shows in the program's `fdinfo`.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::Arc;

use aya::programs::ProgramFd;
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::own::PROBE_MISSED_RUNS;
use eunomia_core::time::WallNanos;

/// The programs of a receiver and how often each was skipped.
#[derive(Debug)]
pub(super) struct Missed {
    programs: Vec<Program>,
    started: WallNanos,
}

#[derive(Debug)]
struct Program {
    probe: Box<str>,
    /// Probes whose programs this one calls: what it misses they do not see either.
    serves: Vec<Arc<str>>,
    name: Box<str>,
    /// Given up when the program is detached.
    fd: Option<ProgramFd>,
    last: u64,
}

impl Missed {
    pub(super) fn new(started: WallNanos) -> Self {
        Self {
            programs: Vec::new(),
            started,
        }
    }

    /// Watches the program `name` of `probe`, which calls programs of `serves`.
    pub(super) fn watch(
        &mut self,
        (probe, name): (&str, &str),
        serves: Vec<Arc<str>>,
        fd: ProgramFd,
    ) {
        self.programs.push(Program {
            probe: probe.into(),
            serves,
            name: name.into(),
            fd: Some(fd),
            last: 0,
        });
    }

    /// How often programs of `probe`, and those that call them, were skipped.
    pub(super) fn of_probe(&self, probe: &str) -> u64 {
        let concerns = |program: &&Program| {
            &*program.probe == probe || program.serves.iter().any(|served| &**served == probe)
        };
        self.programs
            .iter()
            .filter(concerns)
            .map(Program::missed)
            .sum()
    }

    /// Keeps the counts as they stand and gives the programs up.
    pub(super) fn freeze(&mut self) {
        for program in &mut self.programs {
            program.last = program.missed();
            program.fd = None;
        }
    }

    pub(super) fn started(&self) -> WallNanos {
        self.started
    }

    pub(super) fn points(&self) -> Vec<Point> {
        let point = |program: &Program| {
            let labels = [("probe", &*program.probe), ("program", &*program.name)];
            let missed = PointValue::Uint(program.missed());
            PROBE_MISSED_RUNS.point(&labels, self.started, missed)
        };
        self.programs.iter().map(point).collect()
    }
}

impl Program {
    fn missed(&self) -> u64 {
        self.fd
            .as_ref()
            .and_then(recursion_misses)
            .unwrap_or(self.last)
    }
}

/// `None` on kernels that do not count it (before 5.12).
fn recursion_misses(fd: &ProgramFd) -> Option<u64> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd())).ok()?;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("recursion_misses:"))?;
    line.trim().parse().ok()
}
