//! What the tests of processors share.

use std::sync::Arc;

use eunomia_core::account::{Accounts, ByReason};
use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::build::BuildContext;
use eunomia_core::component::{Emit, Host, Processor, Reopen};
use eunomia_core::config::{Node, Span, Value as Written};
use eunomia_core::key::Key;
use eunomia_core::metric::{MetricDescriptor, MetricKind, Point, PointValue};
use eunomia_core::process::ExecId;
use eunomia_core::schema::{Attribute, EventSchema, Field, IntegerSize, Render, Shape};
use eunomia_core::signal::Signal;
use eunomia_core::subject::{Attributes, Cgroup, CgroupKey, Process, ProcessId, Subject};
use eunomia_core::time::{BootNanos, WallNanos};
use eunomia_core::value::OwnedValue;

/// Rows with these numbers, all by one process in the cgroup at `path`.
pub(crate) fn batch(numbers: &[u64], path: &str) -> Batch {
    let mut process = Attributes::default();
    process.push(&Key::new("test.process"), OwnedValue::Uint(7));
    let process = Process::new(ProcessId::default(), ExecId(1), None, process);
    let mut cgroup = Attributes::default();
    cgroup.push(&Key::new("test.cgroup"), OwnedValue::Bool(true));
    let cgroup = Cgroup::new(CgroupKey::default(), path.as_bytes().into(), cgroup);
    let mut batch = Batch::with_capacity(64);
    batch.subjects.push(Subject {
        process: Some(Arc::new(process)),
        cgroup: Some(Arc::new(cgroup)),
        ..Subject::default()
    });
    let schema = schema();
    for number in numbers {
        batch.push(
            &schema,
            &number.to_le_bytes(),
            BootNanos(*number),
            SubjectIndex(0),
        );
    }
    batch
}

fn schema() -> Arc<EventSchema> {
    let shape = Shape::Integer {
        size: IntegerSize::Eight,
        signed: false,
        render: Render::Number,
    };
    let field = Field {
        offset: 0,
        shape,
        absent: None,
    };
    Arc::new(EventSchema {
        name: Key::new("test.event"),
        probe: "test".into(),
        size: 8,
        attributes: vec![Attribute::new("test.number", field, None)],
        header: None,
        lifecycle: None,
    })
}

/// A point about `cgroup`.
pub(crate) fn point(cgroup: Option<Arc<Cgroup>>) -> Point {
    Point {
        metric: Arc::new(MetricDescriptor {
            name: Key::new("test.metric"),
            unit: "".into(),
            description: "".into(),
            kind: MetricKind::Counter,
        }),
        attributes: Attributes::default(),
        cgroup,
        container: None,
        start: WallNanos(0),
        value: PointValue::Uint(1),
    }
}

/// Runs one batch through `processor`: what is passed on and what is dropped.
pub(crate) fn run(processor: &mut dyn Processor, batch: Batch) -> (Batch, ByReason) {
    let mut out = Emit::default();
    processor.process(batch, &mut out);
    let dropped = out.dropped_by().clone();
    match out.take().pop() {
        Some(Signal::Events(batch)) => (batch, dropped),
        Some(Signal::Metrics(_)) => panic!("events became metric points"),
        None => (Batch::default(), dropped),
    }
}

pub(crate) fn context() -> BuildContext {
    BuildContext {
        id: "test".into(),
        host: Arc::new(Host::default()),
        accounts: Accounts::default(),
        own_metrics: false,
        reopen: Reopen::default(),
    }
}

/// A component's settings as they are read from a file.
pub(crate) fn node(body: &[(&str, &str)]) -> Node {
    let mut node = Node::map(Span::new("test.yaml", 1, 1));
    for (key, text) in body {
        let value = Written::Text((*text).to_owned());
        node.insert(*key, Node::new(value, Span::new("test.yaml", 2, 3)));
    }
    node
}
