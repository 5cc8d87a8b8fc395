//! Event kinds, records and batches for tests, made without a kernel.
#![expect(dead_code, reason = "each test binary uses a part of it")]

use std::net::IpAddr;
use std::sync::Arc;

use eunomia_core::account::Accounts;
use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::build::BuildContext;
use eunomia_core::component::{Host, Reopen};
use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, MetricBatch, MetricDescriptor, MetricKind};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::names::Names;
use eunomia_core::process::ExecId;
use eunomia_core::schema::{Attribute, EventSchema, Field, HeaderFields};
use eunomia_core::schema::{IntegerSize, Part, Render, Shape};
use eunomia_core::subject::{Attributes, Cgroup, CgroupKey, Container, Pid, Process};
use eunomia_core::subject::{ProcessId, Subject};
use eunomia_core::time::{BootNanos, ClockOffset, WallNanos};
use eunomia_core::value::OwnedValue;

pub(crate) mod numbers;

pub(crate) const PRESENT: u16 = 1;
pub(crate) const TRUNCATED: u16 = 2;

/// Builds an event kind field by field, and records of it value by value.
pub(crate) struct Kind {
    schema: EventSchema,
}

fn integer(offset: u32, size: IntegerSize) -> Field {
    Field {
        offset,
        shape: Shape::Integer {
            size,
            signed: false,
            render: Render::Number,
        },
        absent: None,
    }
}

/// A value in a record, as a probe writes it.
pub(crate) enum Cell<'a> {
    I32(i32),
    U16(u16),
    U32(u32),
    U64(u64),
    F64(f64),
    Bool(bool),
    Port(u16),
    Address(Option<IpAddr>),
    Chars(&'a [u8], usize),
    Fixed(&'a [u8]),
    Text(&'a [u8]),
    Cut(&'a [u8]),
    NoText,
}

impl Kind {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            schema: EventSchema {
                name: Key::new(name),
                probe: "sample".into(),
                size: 0,
                attributes: Vec::new(),
                header: None,
                lifecycle: None,
            },
        }
    }

    /// A kind whose records begin with a header like ours.
    pub(crate) fn with_header(name: &str) -> Self {
        let mut kind = Self::new(name);
        kind.schema.header = Some(HeaderFields {
            time: integer(0, IntegerSize::Eight),
            start_time: integer(8, IntegerSize::Eight),
            cgroup_id: integer(16, IntegerSize::Eight),
            cgroup_hierarchy: integer(24, IntegerSize::Four),
            exec_count: integer(28, IntegerSize::Four),
            pid: integer(32, IntegerSize::Four),
            parent_pid: integer(36, IntegerSize::Four),
            size: 60,
        });
        kind.schema.size = 32;
        kind.number("process.pid")
            .number("process.parent_pid")
            .number("process.user.id")
            .field("eunomia.process.comm", Shape::Chars { length: 16 }, 16)
    }

    pub(crate) fn number(self, name: &str) -> Self {
        self.integer(name, IntegerSize::Four, false, Render::Number)
    }

    pub(crate) fn integer(
        self,
        name: &str,
        size: IntegerSize,
        signed: bool,
        render: Render,
    ) -> Self {
        let bytes = u32::try_from(size.bytes()).unwrap();
        let shape = Shape::Integer {
            size,
            signed,
            render,
        };
        self.field(name, shape, bytes)
    }

    pub(crate) fn field(mut self, name: &str, shape: Shape, bytes: u32) -> Self {
        let field = Field {
            offset: self.schema.size,
            shape,
            absent: None,
        };
        self.schema.size += bytes;
        let attribute = Attribute::new(name, field, None);
        self.schema.attributes.push(attribute);
        self
    }

    /// The attribute added last does not exist where it holds `value`.
    pub(crate) fn absent(mut self, value: u64) -> Self {
        self.schema.attributes.last_mut().unwrap().field.absent = Some(value);
        self
    }

    /// The attribute added last is in `unit`.
    pub(crate) fn unit(mut self, unit: &str) -> Self {
        self.schema.attributes.last_mut().unwrap().unit = Some(unit.into());
        self
    }

    pub(crate) fn text(self, name: &str) -> Self {
        self.field(name, Shape::Text(Part::Whole), 8)
    }

    pub(crate) fn list(self, name: &str) -> Self {
        self.field(name, Shape::TextList(Part::Whole), 8)
    }

    pub(crate) fn address(self, name: &str) -> Self {
        self.field(name, Shape::Address, 20)
    }

    pub(crate) fn port(self, name: &str) -> Self {
        self.integer(name, IntegerSize::Two, false, Render::Port)
            .absent(0)
    }

    /// One more view of the field added last.
    pub(crate) fn derived(mut self, name: &str, shape: Shape) -> Self {
        let offset = self.schema.attributes.last().unwrap().field.offset;
        let field = Field {
            offset,
            shape,
            absent: None,
        };
        self.schema
            .attributes
            .push(Attribute::new(name, field, None));
        self
    }

    pub(crate) fn schema(self) -> Arc<EventSchema> {
        Arc::new(self.schema)
    }
}

/// A record: the cells one after another, texts in the tail.
pub(crate) fn record(schema: &EventSchema, cells: &[Cell<'_>]) -> Vec<u8> {
    let mut fixed = Vec::new();
    let mut tail = Vec::new();
    let mut refer = |bytes: &[u8], flags: u16| {
        let offset = schema.size + u32::try_from(tail.len()).unwrap();
        tail.extend_from_slice(bytes);
        let length = u16::try_from(bytes.len()).unwrap();
        let mut reference = offset.to_le_bytes().to_vec();
        reference.extend(length.to_le_bytes());
        reference.extend(flags.to_le_bytes());
        reference
    };
    for cell in cells {
        match cell {
            Cell::I32(value) => fixed.extend(value.to_le_bytes()),
            Cell::U16(value) => fixed.extend(value.to_le_bytes()),
            Cell::U32(value) => fixed.extend(value.to_le_bytes()),
            Cell::U64(value) => fixed.extend(value.to_le_bytes()),
            Cell::F64(value) => fixed.extend(value.to_le_bytes()),
            Cell::Bool(value) => fixed.push(u8::from(*value)),
            Cell::Port(port) => fixed.extend(port.to_be_bytes()),
            Cell::Address(address) => fixed.extend(address_bytes(*address)),
            Cell::Chars(text, length) => {
                let mut padded = text.to_vec();
                padded.resize(*length, 0);
                fixed.extend(padded);
            }
            Cell::Fixed(bytes) => fixed.extend_from_slice(bytes),
            Cell::Text(bytes) => fixed.extend(refer(bytes, PRESENT)),
            Cell::Cut(bytes) => fixed.extend(refer(bytes, PRESENT | TRUNCATED)),
            Cell::NoText => fixed.extend(refer(b"", 0)),
        }
    }
    assert_eq!(fixed.len(), schema.size as usize, "{}", schema.name);
    fixed.extend(tail);
    fixed
}

fn address_bytes(address: Option<IpAddr>) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    match address {
        Some(IpAddr::V4(v4)) => {
            bytes[0] = 2;
            bytes[4..8].copy_from_slice(&v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            bytes[0] = 10;
            bytes[4..].copy_from_slice(&v6.octets());
        }
        None => {}
    }
    bytes
}

/// The cells of [`Kind::with_header`]'s header.
pub(crate) fn header<'a>(pid: u32, comm: &'a [u8]) -> Vec<Cell<'a>> {
    vec![
        Cell::U64(0),
        Cell::U64(5_000_000_000),
        Cell::U64(77),
        Cell::U32(0),
        Cell::U32(1),
        Cell::U32(pid),
        Cell::U32(1),
        Cell::U32(1000),
        Cell::Chars(comm, 16),
    ]
}

pub(crate) fn host() -> Host {
    Host {
        name: "node-1".into(),
        id: "8d1c2e".into(),
        arch: "amd64".into(),
        boot_id: "boot".into(),
    }
}

pub(crate) fn context() -> BuildContext {
    BuildContext {
        id: "test".into(),
        host: Arc::new(host()),
        accounts: Accounts::default(),
        own_metrics: true,
        reopen: Reopen::default(),
    }
}

fn attributes(pairs: &[(&str, &[u8])]) -> Attributes {
    let mut attributes = Attributes::default();
    for (key, value) in pairs {
        attributes.push(&Key::new(key), OwnedValue::text(value));
    }
    attributes
}

pub(crate) fn container() -> Arc<Container> {
    let id = "4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66ad9a0b2e4f66";
    Arc::new(Container {
        id: id.into(),
        attributes: attributes(&[
            ("container.id", id.as_bytes()),
            ("container.runtime.name", b"docker"),
        ]),
    })
}

pub(crate) fn image(pid: u32, path: &[u8], parent: Option<Arc<Process>>) -> Arc<Process> {
    let id = ProcessId {
        pid: Pid(pid),
        start_time: BootNanos(5_000_000_000),
        exec_count: 1,
    };
    let exec_id = ExecId::new("boot", id);
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let exec_id_text = exec_id.to_string();
    let attributes = attributes(&[
        ("process.executable.path", path),
        ("process.executable.name", name),
        ("eunomia.process.exec_id", exec_id_text.as_bytes()),
    ]);
    Arc::new(Process::new(id, exec_id, parent, attributes))
}

/// The cgroup at `path`.
pub(crate) fn cgroup(path: &str) -> Cgroup {
    let key = CgroupKey {
        id: 77,
        hierarchy: 0,
    };
    let attributes = attributes(&[("process.linux.cgroup", path.as_bytes())]);
    Cgroup::new(key, path.as_bytes().into(), attributes)
}

/// An actor in a container, all of it shown.
pub(crate) fn subject(pid: u32, path: &[u8]) -> Subject {
    Subject {
        process: Some(image(pid, path, None)),
        cgroup: Some(Arc::new(cgroup("/docker/4f66"))),
        container: Some(container()),
        shows_process: true,
        shows_cgroup: true,
    }
}

/// A batch of `records`, all by the first of `subjects`.
pub(crate) fn batch(records: &[(&Arc<EventSchema>, Vec<u8>)], subjects: Vec<Subject>) -> Batch {
    let mut batch = Batch::with_capacity(1024);
    batch.clock = ClockOffset(1_795_334_400_000_000_000);
    batch.observed = WallNanos(1_795_334_400_500_000_000);
    let actor = if subjects.is_empty() {
        SubjectIndex::NONE
    } else {
        SubjectIndex(0)
    };
    batch.subjects = subjects;
    for (index, (schema, record)) in records.iter().enumerate() {
        let time = BootNanos(123_456_789 + index as u64);
        batch.push(schema, record, time, actor);
    }
    batch
}

pub(crate) fn exec_kind() -> Arc<EventSchema> {
    Kind::with_header("process.exec")
        .list("process.command_args")
        .derived("process.command", Shape::TextList(Part::First))
        .derived("process.command_line", Shape::TextList(Part::Joined))
        .number("process.args_count")
        .text("process.working_directory")
        .text("eunomia.process.exec_path")
        .schema()
}

pub(crate) fn exec(schema: &EventSchema, args: &[u8]) -> Vec<u8> {
    let mut cells = header(812, b"sh");
    cells.extend([
        Cell::Text(args),
        Cell::U32(3),
        Cell::Text(b"/root"),
        Cell::Text(b"/bin/sh"),
    ]);
    record(schema, &cells)
}

fn flag_names() -> Arc<Names> {
    Arc::new(Names::new([
        (0, "O_RDONLY"),
        (1, "O_WRONLY"),
        (2, "O_RDWR"),
        (0o100, "O_CREAT"),
        (0o2_000_000, "O_CLOEXEC"),
    ]))
}

pub(crate) fn open_kind() -> Arc<EventSchema> {
    let flags = Render::Flags {
        names: flag_names(),
        mask: 3,
    };
    Kind::with_header("file.open")
        .text("file.path")
        .integer("eunomia.file.flags", IntegerSize::Four, false, flags)
        .integer("file.mode", IntegerSize::Four, false, Render::Octal)
        .absent(0)
        .integer("eunomia.file.fd", IntegerSize::Four, true, Render::Number)
        .absent(0xffff_ffff)
        .integer("error.type", IntegerSize::Four, false, Render::Errno)
        .text("eunomia.file.raw_path")
        .schema()
}

pub(crate) fn open(schema: &EventSchema, path: &[u8]) -> Vec<u8> {
    open_by(schema, 812, path)
}

pub(crate) fn open_by(schema: &EventSchema, pid: u32, path: &[u8]) -> Vec<u8> {
    let mut cells = header(pid, b"cat");
    cells.extend([
        Cell::Text(path),
        Cell::U32(0o2_000_000),
        Cell::U32(0),
        Cell::I32(3),
        Cell::U32(0),
        Cell::NoText,
    ]);
    record(schema, &cells)
}

pub(crate) fn failed_open(schema: &EventSchema, path: &[u8]) -> Vec<u8> {
    let mut cells = header(812, b"cat");
    cells.extend([
        Cell::NoText,
        Cell::U32(0o102),
        Cell::U32(0o644),
        Cell::I32(-1),
        Cell::U32(2),
        Cell::Cut(path),
    ]);
    record(schema, &cells)
}

pub(crate) fn connect_kind() -> Arc<EventSchema> {
    Kind::with_header("network.connect")
        .field("network.transport", Shape::Chars { length: 4 }, 4)
        .address("network.local.address")
        .port("network.local.port")
        .address("network.peer.address")
        .port("network.peer.port")
        .integer("error.type", IntegerSize::Four, false, Render::Errno)
        .integer(
            "eunomia.network.duration_ns",
            IntegerSize::Eight,
            false,
            Render::Number,
        )
        .unit("ns")
        .schema()
}

pub(crate) fn connect(schema: &EventSchema, local: &str, peer: &str, errno: u32) -> Vec<u8> {
    let mut cells = header(813, b"wget");
    cells.extend([
        Cell::Chars(b"tcp", 4),
        Cell::Address(Some(local.parse().unwrap())),
        Cell::Port(40112),
        Cell::Address(Some(peer.parse().unwrap())),
        Cell::Port(443),
        Cell::U32(errno),
        Cell::U64(1_234_567),
    ]);
    record(schema, &cells)
}

/// Every shape that no event of the others has.
pub(crate) fn odd_kind() -> Arc<EventSchema> {
    let state = Arc::new(Names::new([(1, "RUNNING")]));
    Kind::new("eunomia.odd")
        .field("odd.bool", Shape::Bool, 1)
        .field(
            "odd.float",
            Shape::Float {
                size: IntegerSize::Eight,
            },
            8,
        )
        .integer("odd.id", IntegerSize::Eight, false, Render::Hex)
        .integer("odd.state", IntegerSize::Four, false, Render::Enum(state))
        .integer("odd.signal", IntegerSize::Four, false, Render::Signal)
        .integer("odd.big", IntegerSize::Eight, false, Render::Number)
        .integer("odd.small", IntegerSize::Four, true, Render::Number)
        .field("odd.bytes", Shape::Bytes { length: 4 }, 4)
        .field(
            "odd.numbers",
            Shape::Integers {
                size: IntegerSize::Two,
                signed: true,
                count: 2,
            },
            4,
        )
        .field("odd.tail", Shape::TailBytes, 8)
        .schema()
}

pub(crate) fn odd(schema: &EventSchema) -> Vec<u8> {
    record(
        schema,
        &[
            Cell::Bool(true),
            Cell::F64(-2.5),
            Cell::U64(0xabc),
            Cell::U32(1),
            Cell::U32(9),
            Cell::U64(u64::MAX),
            Cell::I32(-7),
            Cell::Fixed(&[0xde, 0xad, 0xbe, 0xef]),
            Cell::Fixed(&[0xff, 0xff, 2, 0]),
            Cell::Text(b"\0\xff"),
        ],
    )
}

/// One batch with an event of each kind, hostile text included.
pub(crate) fn sample() -> Batch {
    let (exec_kind, open_kind, connect_kind, odd_kind) =
        (exec_kind(), open_kind(), connect_kind(), odd_kind());
    batch(
        &[
            (
                &exec_kind,
                exec(&exec_kind, b"sh\0-c\0cat /etc/hostname; wget -q \"$U\"\0"),
            ),
            (&exec_kind, exec(&exec_kind, b"sh\0\0\xff\n\x1b[31m\0")),
            (&open_kind, open(&open_kind, b"/etc/hostname")),
            (&open_kind, open(&open_kind, b"/tmp/a b\xfe\xe2\x80\xae")),
            (&open_kind, failed_open(&open_kind, b"../missing")),
            (
                &connect_kind,
                connect(&connect_kind, "10.0.0.2", "192.0.2.7", 0),
            ),
            (&connect_kind, connect(&connect_kind, "::1", "fe80::1", 111)),
            (&odd_kind, odd(&odd_kind)),
        ],
        vec![subject(812, b"/usr/bin/dash")],
    )
}

fn descriptor(name: &str, unit: &str, kind: MetricKind) -> Arc<MetricDescriptor> {
    Arc::new(MetricDescriptor {
        name: Key::new(name),
        unit: unit.into(),
        description: "For tests.".into(),
        kind,
    })
}

/// One point of each kind.
pub(crate) fn metrics() -> MetricBatch {
    let mut device = Attributes::default();
    device.push(&Key::new("system.device"), OwnedValue::Str("vda".into()));
    let point = |metric, value| Point {
        metric,
        attributes: device.clone(),
        cgroup: None,
        container: None,
        start: WallNanos(1_795_334_300_000_000_000),
        value,
    };
    let histogram = Histogram {
        count: 6,
        sum: Some(9.5),
        buckets: vec![(1.0, 1), (2.0, 2), (f64::INFINITY, 3)],
    };
    MetricBatch {
        time: WallNanos(1_795_334_400_000_000_000),
        points: vec![
            Point {
                container: Some(container()),
                ..point(
                    descriptor("eunomia.disk.io", "By", MetricKind::Counter),
                    PointValue::Uint(4096),
                )
            },
            point(
                descriptor("eunomia.disk.queue", "{request}", MetricKind::Gauge),
                PointValue::Int(-1),
            ),
            point(
                descriptor("eunomia.disk.load", "", MetricKind::Gauge),
                PointValue::Float(0.25),
            ),
            point(
                descriptor("eunomia.disk.latency", "us", MetricKind::Histogram),
                PointValue::Histogram(histogram),
            ),
        ],
    }
}
