//! The test bed of Eunomia: everything that an end-to-end test needs besides the test itself.
//!
//! It knows the binary `eunomia-pipeline` and none of the crates it is made of. `README.md` beside
//! this crate shows how the parts go together.

mod cgroup;
mod container;
mod error;
mod eunomia;
mod expected;
mod free_port;
mod object;
mod opens;
mod peers;
mod scratch;
mod shell;
mod vm;
mod wait;
mod watched;
mod workload;

pub use cgroup::{Cgroup, own_cgroup};
pub use container::{Container, Naming, Rootfs, Runc};
pub use error::{Error, Result};
pub use eunomia::{Account, Event, Finished, Pipeline, pipeline_binary};
pub use expected::{Expected, Place};
pub use free_port::free_port;
pub use object::object;
pub use opens::paced_opens;
pub use peers::{
    Collector, Forwarder, InfluxDb, InfluxDb1, Labels, OtlpSink, Prometheus, Release, Series,
    Signals, Sink, VictoriaLogs, VictoriaMetrics, check_metrics, csv_rows, get, in_open_metrics,
    latest, open_metrics, post,
};
pub use scratch::Scratch;
pub use shell::Shell;
pub use vm::{Cgroups, Kernel, Machine, Outcome};
pub use wait::until;
pub use watched::Watched;
pub use workload::{
    APART, Access, Bytes, Call, End, Image, Record, Said, Workload, now, workload_binary,
};
