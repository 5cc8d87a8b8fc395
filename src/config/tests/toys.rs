//! Components that are nothing but settings, shaped like real ones.

use std::{collections::BTreeMap, net::SocketAddr};

use eunomia_core::config::{
    BoxedAs, ByteSize, Check, ConfigErrors, Duration, Factory, Node, Secret, Settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Registry;

pub(super) trait Toy {}

macro_rules! toys {
    ($($toy:ty),*) => {$(
        impl Toy for $toy {}
        impl BoxedAs<dyn Toy> for $toy {
            fn boxed(self) -> Box<dyn Toy> {
                Box::new(self)
            }
        }
    )*};
}

toys!(
    Ebpf, Replay, Nothing, Filter, Console, Json, Prometheus, Otlp
);

pub(super) type ToyRegistry = Registry<dyn Toy, dyn Toy, dyn Toy>;

pub(super) const REGISTRY: ToyRegistry = Registry {
    check: |_| ConfigErrors::default(),
    receivers: &[
        Factory::new::<Ebpf>("ebpf"),
        Factory::new::<Replay>("replay"),
    ],
    processors: &[
        Factory::new::<Nothing>("process"),
        Factory::new::<Nothing>("container"),
        Factory::new::<Filter>("filter"),
    ],
    exporters: &[
        Factory::new::<Console>("console"),
        Factory::new::<Json>("json"),
        Factory::new::<Prometheus>("prometheus"),
        Factory::new::<Otlp>("otlp"),
    ],
};

/// Takes events from the kernel.
///
/// Nobody reads on.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ebpf {
    /// The probes by their names.
    probes: BTreeMap<String, Option<Node>>,
    /// What the kernel lets through.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<KernelFilter>,
    /// The size of the bulk ring; a power of two; default 2MiB.
    ring: ByteSize,
    /// Whether the daemon's own events are seen; default false.
    observe_self: bool,
}

impl Default for Ebpf {
    fn default() -> Self {
        Self {
            probes: BTreeMap::new(),
            filter: None,
            ring: ByteSize::mib(2),
            observe_self: false,
        }
    }
}

impl Settings for Ebpf {
    fn check(&self, check: &mut Check<'_>) {
        if !self.ring.0.is_power_of_two() {
            check.refuse(
                &["ring"],
                format!("expected a power of two, found {}", self.ring),
            );
        }
    }
}

/// What the kernel lets through.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct KernelFilter {
    pid: Vec<u32>,
    pid_tree: Vec<u32>,
    uid: Vec<u32>,
    comm: Vec<String>,
    container: Vec<String>,
    containers_only: bool,
}

/// Replays a recording.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// The recording.
    path: String,
    /// How fast.
    #[serde(default)]
    speed: Speed,
}

/// How fast a recording is replayed.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speed {
    /// As fast as it goes.
    #[default]
    Max,
    /// As it was.
    Original,
}

impl Settings for Replay {}

/// Has no settings.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Nothing {}

impl Settings for Nothing {}

/// Drops events.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// The condition.
    drop: String,
}

impl Settings for Filter {}

/// A bounded queue.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Queue {
    max_bytes: ByteSize,
    when_full: WhenFull,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            max_bytes: ByteSize::mib(64),
            when_full: WhenFull::Block,
        }
    }
}

/// What a full queue does.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum WhenFull {
    Block,
    DropOldest,
    DropNewest,
}

/// Lines for people.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Console {
    queue: Queue,
}

impl Settings for Console {
    fn claims(&self) -> Vec<String> {
        vec!["standard output".to_owned()]
    }
}

/// One JSON object a line.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Json {
    path: String,
    #[serde(default)]
    queue: Queue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotate: Option<Rotate>,
}

/// When a new file is begun.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotate {
    max_age: Duration,
    #[serde(default)]
    keep: u8,
}

impl Settings for Json {
    fn claims(&self) -> Vec<String> {
        match self.path.as_str() {
            "-" => vec!["standard output".to_owned()],
            path => vec![format!("the file {path:?}")],
        }
    }
}

/// A page of metrics.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Prometheus {
    endpoint: SocketAddr,
}

impl Default for Prometheus {
    fn default() -> Self {
        Self {
            endpoint: ([127, 0, 0, 1], 9464).into(),
        }
    }
}

impl Settings for Prometheus {
    fn claims(&self) -> Vec<String> {
        vec![format!("the address {}", self.endpoint)]
    }
}

/// Sends to a collector.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Otlp {
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
}

impl Settings for Otlp {}
