use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{FrameHead, MAGIC, Player, Recorder, RecordingError};
use crate::batch::{Batch, Made, SubjectIndex, Target};
use crate::component::Host;
use crate::key::Key;
use crate::metric::{Histogram, MetricBatch, MetricDescriptor, MetricKind, Point, PointValue};
use crate::process::ExecId;
use crate::schema::{Attribute, EventSchema, Field, IntegerSize, Render, Shape};
use crate::signal::Signal;
use crate::subject::{Attributes, Cgroup, CgroupKey, Container, Pid, Process, ProcessId, Subject};
use crate::time::{BootNanos, ClockOffset, WallNanos};
use crate::value::OwnedValue;

fn schema(name: &str) -> Arc<EventSchema> {
    let shape = Shape::Integer {
        size: IntegerSize::Four,
        signed: true,
        render: Render::Number,
    };
    let field = Field {
        offset: 0,
        shape,
        absent: None,
    };
    Arc::new(EventSchema {
        name: Key::new(name),
        probe: "test".into(),
        size: 4,
        attributes: vec![Attribute::new("number", field, Some("ns"))],
        header: None,
        lifecycle: None,
    })
}

fn attributes(text: &[u8]) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.push(&Key::new("text"), OwnedValue::text(text));
    attributes
}

fn process(pid: u32, parent: Option<Arc<Process>>) -> Arc<Process> {
    let id = ProcessId {
        pid: Pid(pid),
        ..ProcessId::default()
    };
    let exec_id = ExecId(u64::from(pid));
    Arc::new(Process::new(id, exec_id, parent, attributes(b"\xff")))
}

/// Two rows, one with values laid over it; actors that share their ancestors.
fn batch(numbers: &[i32]) -> Batch {
    let root = process(1, None);
    let parent = process(2, Some(root));
    let subject = |pid| Subject {
        process: Some(process(pid, Some(Arc::clone(&parent)))),
        cgroup: None,
        container: Some(Arc::new(Container {
            id: "c".into(),
            attributes: attributes(b"c"),
        })),
        shows_process: true,
        shows_cgroup: false,
    };
    let mut batch = Batch::with_capacity(64);
    batch.clock = ClockOffset(100);
    batch.observed = WallNanos(200);
    batch.subjects = vec![subject(3), subject(4)];
    let kinds = [schema("a"), schema("b")];
    for (index, number) in numbers.iter().enumerate() {
        let kind = &kinds[index % 2];
        let time = BootNanos(index as u64);
        let actor = SubjectIndex(u32::from(index % 2 == 1));
        batch.push(kind, &number.to_le_bytes(), time, actor);
        let text = batch.keep_text(number.to_string().as_bytes());
        batch.lay_over(index, Target::Named(Key::new("shown")), text);
    }
    batch.lay_over(0, Target::Attribute(0), Made::Removed);
    batch
}

fn metrics() -> MetricBatch {
    let histogram = Histogram {
        count: 1,
        sum: None,
        buckets: vec![(1.5, 1), (f64::INFINITY, 0)],
    };
    MetricBatch {
        time: WallNanos(7),
        points: vec![Point {
            metric: Arc::new(MetricDescriptor {
                name: Key::new("m"),
                unit: "s".into(),
                description: "d".into(),
                kind: MetricKind::Histogram,
            }),
            attributes: attributes(b"x"),
            cgroup: Some(Arc::new(Cgroup::new(
                CgroupKey {
                    id: 9,
                    hierarchy: 2,
                },
                b"/a".as_slice().into(),
                attributes(b"y"),
            ))),
            container: None,
            start: WallNanos(1),
            value: PointValue::Histogram(histogram),
        }],
    }
}

fn host() -> Host {
    Host {
        name: "here".into(),
        boot_id: "boot".into(),
        ..Host::default()
    }
}

fn record(signals: &[Signal]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut recorder = Recorder::begin(&host(), &mut out).unwrap();
    for signal in signals {
        recorder.write(signal, &mut out).unwrap();
    }
    out
}

/// All batches up to the end or the first thing that cannot be read.
fn play(recording: &[u8]) -> (Vec<Signal>, Player, Option<RecordingError>) {
    let mut player = Player::default();
    let mut signals = Vec::new();
    let mut rest = recording.strip_prefix(MAGIC).unwrap();
    while let Some((head, behind)) = rest.split_first_chunk::<{ FrameHead::SIZE }>() {
        let step = FrameHead::read(*head).and_then(|head| {
            let length = (head.length as usize).min(behind.len());
            let (content, behind) = behind.split_at(length);
            rest = behind;
            player.frame(&head, content)
        });
        match step {
            Ok(signal) => signals.extend(signal),
            Err(error) => return (signals, player, Some(error)),
        }
    }
    (signals, player, None)
}

/// What an encoder would see of a batch.
fn seen(signal: &Signal) -> String {
    match signal {
        Signal::Metrics(batch) => format!("{batch:?}"),
        Signal::Events(batch) => {
            let mut text = format!("{:?}\n", batch.observed);
            for row in batch.iter() {
                let name = &row.schema().name;
                text += &format!("{} {name} {:?}", row.time(), row.schema());
                row.visit(&mut |key, value| text += &format!(" {key}={value:?}"));
                let process = row.actor().and_then(|actor| actor.process.clone());
                let ancestors = process.iter().flat_map(|process| process.ancestors());
                ancestors.for_each(|one| text += &format!(" <{}", one.id.pid.0));
                text.push('\n');
            }
            text
        }
    }
}

/// Everything that an exporter can see comes back, the machine too.
#[test]
fn batches_come_back_as_they_were() {
    let signals = [
        Signal::Events(batch(&[1, -2, 3])),
        Signal::Metrics(metrics()),
        Signal::Events(batch(&[4])),
    ];
    let (played, player, error) = play(&record(&signals));
    assert!(error.is_none(), "{error:?}");
    let both = signals.iter().zip(&played);
    assert_eq!(played.len(), signals.len());
    both.for_each(|(before, after)| assert_eq!(seen(before), seen(after)));
    assert_eq!(player.host(), Some(&host()));
}

/// Rows that a filter dropped leave nothing in a recording.
#[test]
fn dropped_rows_are_not_recorded() {
    let mut filtered = batch(&[0x4141_4141, 0x4242_4242]);
    filtered.retain(|row| row.boot_time() == BootNanos(1));
    let recording = record(&[Signal::Events(filtered)]);
    assert!(!recording.windows(4).any(|bytes| bytes == b"AAAA"));
    assert!(recording.windows(4).any(|bytes| bytes == b"BBBB"));
}

/// Where the end is missing, all batches before it are read.
#[test]
fn a_torn_recording_is_read_up_to_the_tear() {
    let signals = [Signal::Events(batch(&[1])), Signal::Events(batch(&[2]))];
    let whole = record(&signals);
    for cut in 1..100 {
        let (played, _, error) = play(&whole[..whole.len() - cut]);
        assert_eq!((played.len(), error.is_some()), (1, true), "cut by {cut}");
    }
}

/// Schemas can be written anew after a part was lost.
#[test]
fn a_recorder_can_begin_its_schemas_anew() {
    let mut out = Vec::new();
    let mut recorder = Recorder::begin(&host(), &mut out).unwrap();
    recorder
        .write(&Signal::Events(batch(&[1, 2])), &mut Vec::new())
        .unwrap();
    recorder.forget_schemas();
    recorder
        .write(&Signal::Events(batch(&[1, 2])), &mut out)
        .unwrap();
    let (played, _, error) = play(&out);
    assert_eq!((played.len(), error.is_none()), (1, true));
}

proptest! {
    /// A flipped bit anywhere is noticed, and nothing panics.
    #[test]
    fn damage_is_noticed(position in any::<proptest::sample::Index>(), bit in 0..8_u32) {
        let mut recording = record(&[Signal::Events(batch(&[1, 2])), Signal::Metrics(metrics())]);
        let position = MAGIC.len() + position.index(recording.len() - MAGIC.len());
        recording[position] ^= 1 << bit;
        prop_assert!(play(&recording).2.is_some() || play(&recording).0.len() < 2);
    }

    /// Content with a right checksum and wrong meaning is refused, not believed.
    #[test]
    fn any_content_is_survived(content in vec(any::<u8>(), 0..200), kind in 1..5_u8) {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&[kind]);
        hasher.update(&content);
        let mut recording = MAGIC.to_vec();
        recording.push(kind);
        recording.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        recording.extend(hasher.finalize().to_le_bytes());
        recording.extend(&content);
        for signal in &play(&recording).0 {
            seen(signal);
        }
    }
}
