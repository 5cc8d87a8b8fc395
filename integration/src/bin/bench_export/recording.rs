//! Events of this process, recorded by the daemon and played by it.

use std::time::Duration;

use eunomia_integration::{Account, Pipeline, Scratch, paced_opens};

use crate::Outcome;

/// How long is recorded.
const TIME: Duration = Duration::from_secs(8);

/// Files that every Linux has; not all of them are there to be read.
const PATHS: [&str; 4] = [
    "/etc/passwd",
    "/proc/self/status",
    "/dev/null",
    "/sys/kernel/mm/transparent_hugepage/enabled",
];

/// A recording, deleted on drop.
pub(crate) struct Recording {
    folder: Scratch,
    /// How many records it holds.
    pub(crate) records: u64,
}

impl Recording {
    /// Records so many opens a second of this process.
    pub(crate) fn make(rate: u64) -> Outcome<Self> {
        let folder = Scratch::new("bench-export")?;
        let mut recording = Self { folder, records: 0 };
        let configuration = format!(
            "version: 1
receivers:
  ebpf: {{ probes: {{ open: {{}} }}, filter: {{ pid: [{}] }} }}
processors: {{ process: {{}}, container: {{}} }}
exporters:
  record: {{ path: {}, queue: {{ when_full: block }} }}
service:
  pipelines:
    events: {{ receivers: [ebpf], processors: [process, container], exporters: [record] }}
",
            std::process::id(),
            recording.path()
        );
        let pipeline = Pipeline::start(&configuration, &[])?;
        pipeline.wait_for_log("started")?;
        paced_opens(&PATHS, rate, TIME)?;
        let finished = pipeline.stop()?;
        let delivered = |account: Account| match account {
            Account::Exporter { delivered, .. } => delivered,
            Account::Probe { .. } | Account::Processor { .. } => 0,
        };
        recording.records = finished.accounts().into_iter().map(delivered).sum();
        Ok(recording)
    }

    /// Starts a daemon that plays it, as fast as `speed` says, and sends it to `endpoint`.
    pub(crate) fn play(&self, speed: &str, endpoint: &str) -> Outcome<Pipeline> {
        let configuration = format!(
            "version: 1
receivers:
  replay: {{ path: {}, speed: {speed} }}
exporters:
  otlp: {{ endpoint: \"{endpoint}\", queue: {{ when_full: block }} }}
service:
  pipelines:
    events: {{ receivers: [replay], exporters: [otlp] }}
",
            self.path()
        );
        Ok(Pipeline::start(&configuration, &[])?)
    }

    fn path(&self) -> String {
        let path = self.folder.path().join("events.rec");
        path.to_string_lossy().into_owned()
    }
}
