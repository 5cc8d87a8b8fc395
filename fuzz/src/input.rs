//! Arbitrary bytes as a batch of events and a batch of points.

use std::sync::Arc;

use eunomia_core::batch::{Batch, Made, SubjectIndex, Target};
use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, MetricBatch, MetricDescriptor, MetricKind};
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::names::Names;
use eunomia_core::schema::{EventSchema, IntegerSize, Part, Render, Shape};
use eunomia_core::signal::Signal;
use eunomia_core::subject::{Attributes, Container, Subject};
use eunomia_core::time::{BootNanos, WallNanos};
use eunomia_core::value::OwnedValue;
use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::support::{self, Cell, Kind};

const SIZES: [IntegerSize; 4] = [
    IntegerSize::One,
    IntegerSize::Two,
    IntegerSize::Four,
    IntegerSize::Eight,
];
/// What readers and writers of some format treat in a way of their own.
const HOSTILE: [&[u8]; 12] = [
    b"\n",
    b"\r\n",
    b"\\",
    b"\"",
    b"=1+1",
    b"a\nevil v=1",
    b"\x1b[2J",
    "\u{202e}\u{2066}".as_bytes(),
    "\u{9b}31m\u{301}".as_bytes(),
    b"\xff\xfe",
    b"# EOF",
    b"{}, =",
];

/// What the bytes make.
pub(crate) struct Input {
    pub(crate) events: Batch,
    pub(crate) points: MetricBatch,
}

impl Input {
    /// Reads `data`; what is missing at its end is zero.
    pub(crate) fn new(data: &[u8]) -> Option<Self> {
        // Half for each: what events leave would make few points, and plain ones.
        let (first, second) = data.split_at(data.len() / 2);
        let events = events(&mut Unstructured::new(first)).ok()?;
        let points = points(&mut Unstructured::new(second)).ok()?;
        Some(Self { events, points })
    }

    /// Both as exporters take them.
    pub(crate) fn signals(&self) -> [Signal; 2] {
        [
            Signal::Events(self.events.clone()),
            Signal::Metrics(self.points.clone()),
        ]
    }
}

fn bytes(data: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let hostile = *data.choose(&HOSTILE)?;
    let rest = data.int_in_range(0..=40_usize)?;
    let rest = data.bytes(rest.min(data.len()))?;
    Ok(match data.int_in_range(0..=3_u8)? {
        0 => rest.to_vec(),
        1 => [hostile, rest].concat(),
        2 => [rest, hostile].concat(),
        _ => b"plain".to_vec(),
    })
}

/// A name that nothing else in the batch has: its stem and a number make it its own.
fn name(data: &mut Unstructured<'_>, stem: &str, number: usize) -> Result<String> {
    let plain = format!("fuzz.{stem}{number}");
    if data.ratio(3, 4)? {
        return Ok(plain);
    }
    Ok(format!("{}{plain}", String::from_utf8_lossy(&bytes(data)?)))
}

/// An event kind, and the fields that its records have behind the header.
struct Sort {
    schema: Arc<EventSchema>,
    fields: Vec<(Shape, u32)>,
}

fn events(data: &mut Unstructured<'_>) -> Result<Batch> {
    let mut sorts = Vec::new();
    for number in 0..data.int_in_range(1..=3_usize)? {
        sorts.push(sort(data, number)?);
    }
    let mut subjects = Vec::new();
    for _ in 0..data.int_in_range(0..=3_usize)? {
        subjects.push(subject(data)?);
    }
    let mut batch = support::batch(&[], subjects);
    for row in 0..data.int_in_range(1..=8_usize)? {
        let sort = data.choose(&sorts)?;
        let record = record(data, sort)?;
        let actor = data.int_in_range(0..=3_u32)?;
        let is_known = (actor as usize) < batch.subjects.len();
        let actor = if is_known {
            SubjectIndex(actor)
        } else {
            SubjectIndex::NONE
        };
        let time = BootNanos(data.arbitrary::<u32>()?.into());
        batch.push(&sort.schema, &record, time, actor);
        for number in 0..data.int_in_range(0..=2_usize)? {
            lay_over(data, &mut batch, row, number)?;
        }
    }
    Ok(batch)
}

fn sort(data: &mut Unstructured<'_>, number: usize) -> Result<Sort> {
    let called = name(data, "event", number)?;
    let mut kind = if data.arbitrary()? {
        Kind::with_header(&called)
    } else {
        Kind::new(&called)
    };
    let mut fields = Vec::new();
    for number in 0..data.int_in_range(1..=6_usize)? {
        let (shape, length) = shape(data)?;
        kind = kind.field(&name(data, "attribute", number)?, shape.clone(), length);
        if data.ratio(1, 4)? {
            kind = kind.unit("ns");
        }
        if data.ratio(1, 4)? {
            kind = kind.absent(0);
        }
        if matches!(shape, Shape::TextList(_)) {
            let first = Shape::TextList(Part::First);
            let joined = Shape::TextList(Part::Joined);
            kind = kind.derived(&format!("fuzz.first{number}"), first);
            kind = kind.derived(&format!("fuzz.joined{number}"), joined);
        }
        fields.push((shape, length));
    }
    Ok(Sort {
        schema: kind.schema(),
        fields,
    })
}

/// A shape and the bytes that it has in a record.
fn shape(data: &mut Unstructured<'_>) -> Result<(Shape, u32)> {
    let size = *data.choose(&SIZES)?;
    let width = size as u32;
    let signed = data.arbitrary()?;
    let length = data.int_in_range(1..=20_u32)?;
    Ok(match data.int_in_range(0..=12_u8)? {
        0 => (Shape::Bool, 1),
        1 => (
            Shape::Float {
                size: IntegerSize::Four,
            },
            4,
        ),
        2 => (
            Shape::Float {
                size: IntegerSize::Eight,
            },
            8,
        ),
        3 => (Shape::Chars { length }, length),
        4 => (Shape::Bytes { length }, length),
        5 => (
            Shape::Integers {
                size,
                signed,
                count: 3,
            },
            3 * width,
        ),
        6 => (Shape::TailBytes, 8),
        7 => (Shape::Address, 20),
        8 => (Shape::TextList(Part::Whole), 8),
        9 | 10 => (
            Shape::Integer {
                size,
                signed,
                render: render(data)?,
            },
            width,
        ),
        _ => (Shape::Text(*data.choose(&[Part::Whole, Part::Base])?), 8),
    })
}

fn render(data: &mut Unstructured<'_>) -> Result<Render> {
    let names = [(0, "ZERO"), (1, "ONE"), (2, "TWO"), (64, "BIT")];
    let names = Arc::new(Names::new(names));
    Ok(match data.int_in_range(0..=7_u8)? {
        0 => Render::Hex,
        1 => Render::Octal,
        2 => Render::Errno,
        3 => Render::Signal,
        4 => Render::Enum(names),
        5 => Render::Flags { names, mask: 3 },
        6 => Render::Port,
        _ => Render::Number,
    })
}

/// A record as a probe writes it; one in eight is nothing but bytes.
fn record(data: &mut Unstructured<'_>, sort: &Sort) -> Result<Vec<u8>> {
    if data.ratio(1, 8)? {
        return bytes(data);
    }
    let mut contents = Vec::new();
    for (_, length) in &sort.fields {
        let text = bytes(data)?;
        let mut fixed = text.clone();
        fixed.resize(*length as usize, 0);
        contents.push((text, fixed));
    }
    let comm = [&*bytes(data)?, &[0; 16]].concat();
    let mut cells = match &sort.schema.header {
        Some(_) => support::header(data.arbitrary()?, &comm[..16]),
        None => Vec::new(),
    };
    for ((shape, _), (text, fixed)) in sort.fields.iter().zip(&contents) {
        let is_in_tail = matches!(
            shape,
            Shape::Text(_) | Shape::TextList(_) | Shape::TailBytes
        );
        cells.push(match data.int_in_range(0..=7_u8)? {
            0 if is_in_tail => Cell::NoText,
            1 if is_in_tail => Cell::Cut(text),
            // It refers to wherever it likes.
            2 => Cell::Fixed(fixed),
            _ if is_in_tail => Cell::Text(text),
            _ => Cell::Fixed(fixed),
        });
    }
    Ok(support::record(&sort.schema, &cells))
}

fn subject(data: &mut Unstructured<'_>) -> Result<Subject> {
    let mut subject = support::subject(data.arbitrary()?, &bytes(data)?);
    subject.container = container(data)?;
    subject.shows_process = data.arbitrary()?;
    subject.shows_cgroup = data.arbitrary()?;
    Ok(subject)
}

fn container(data: &mut Unstructured<'_>) -> Result<Option<Arc<Container>>> {
    if data.arbitrary()? {
        return Ok(None);
    }
    let plain = support::container();
    let mut attributes = plain.attributes.clone();
    let called = String::from_utf8_lossy(&bytes(data)?).into_owned();
    attributes.push(&Key::new("container.name"), OwnedValue::Str(called.into()));
    Ok(Some(Arc::new(Container {
        id: plain.id.clone(),
        attributes,
    })))
}

/// Lays something over an event, as processors do.
fn lay_over(
    data: &mut Unstructured<'_>,
    batch: &mut Batch,
    row: usize,
    number: usize,
) -> Result<()> {
    let text = bytes(data)?;
    let made = match data.int_in_range(0..=5_u8)? {
        0 => Made::Removed,
        1 => Made::Bool(data.arbitrary()?),
        2 => Made::Int(data.arbitrary()?),
        3 => Made::Uint(data.arbitrary()?),
        4 => Made::Float(data.arbitrary()?),
        _ => batch.keep_text(&text),
    };
    let target = if data.arbitrary()? {
        Target::Named(Key::new(&name(data, "added", number)?))
    } else {
        Target::Attribute(data.int_in_range(0..=6)?)
    };
    batch.lay_over(row, target, made);
    Ok(())
}

fn points(data: &mut Unstructured<'_>) -> Result<MetricBatch> {
    let mut points = Vec::new();
    for number in 0..data.int_in_range(1..=6_usize)? {
        let kinds = [
            MetricKind::Counter,
            MetricKind::Gauge,
            MetricKind::Histogram,
        ];
        let kind = *data.choose(&kinds)?;
        let metric = Arc::new(MetricDescriptor {
            name: Key::new(&name(data, "metric", number)?),
            unit: (*data.choose(&["", "By", "ns", "{call}", "a\nb\"c"])?).into(),
            description: String::from_utf8_lossy(&bytes(data)?).into(),
            kind,
        });
        let mut attributes = Attributes::default();
        for number in 0..data.int_in_range(0..=3_usize)? {
            let key = Key::new(&name(data, "label", number)?);
            attributes.push(&key, OwnedValue::text(&bytes(data)?));
        }
        points.push(Point {
            metric,
            attributes,
            cgroup: None,
            container: container(data)?,
            start: WallNanos(1_795_334_300_000_000_000),
            value: value(data, kind)?,
        });
    }
    Ok(MetricBatch {
        time: WallNanos(1_795_334_400_000_000_000),
        points,
    })
}

/// A value as probes have them for a metric of this kind.
fn value(data: &mut Unstructured<'_>, kind: MetricKind) -> Result<PointValue> {
    if kind == MetricKind::Histogram {
        let mut buckets = Vec::new();
        for bound in 0..data.int_in_range(0..=5_u32)? {
            buckets.push((f64::from(bound), data.arbitrary::<u32>()?.into()));
        }
        if data.arbitrary()? {
            buckets.push((f64::INFINITY, data.arbitrary::<u32>()?.into()));
        }
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = data.arbitrary::<Option<u32>>()?.map(f64::from);
        return Ok(PointValue::Histogram(Histogram {
            count,
            sum,
            buckets,
        }));
    }
    Ok(match data.int_in_range(0..=2_u8)? {
        0 => PointValue::Uint(data.arbitrary()?),
        1 => PointValue::Int(data.arbitrary()?),
        _ => PointValue::Float(data.arbitrary()?),
    })
}
