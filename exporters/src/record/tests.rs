use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use eunomia_core::batch::{Made, Target};
use eunomia_core::build::BuildExporter as _;
use eunomia_core::key::Key;
use eunomia_core::queue::queue;
use eunomia_core::recording::{FrameHead, MAGIC, Player};
use eunomia_core::signal::{Carries, Signal};

use super::RecordConfig;
use crate::json::JsonEncoder;
use crate::scratch::Folder;
use crate::sink::Lines;
use crate::support;

async fn record(path: &Path, signals: &[Signal]) {
    let config = RecordConfig {
        path: path.to_str().unwrap().into(),
        queue: eunomia_core::build::LocalQueue::default(),
    };
    let (writer, reader, _account) = queue("record", config.queue(), Carries::ALL);
    let mut exporter = Box::new(config).build(&support::context()).unwrap();
    exporter.start().await.unwrap();
    for signal in signals {
        writer.push(&Arc::new(signal.clone())).await;
    }
    drop(writer);
    exporter.run(reader).await.unwrap();
}

fn play(recording: &[u8]) -> Vec<Signal> {
    let mut player = Player::default();
    let mut signals = Vec::new();
    let mut rest = recording.strip_prefix(MAGIC).unwrap();
    while let Some((head, behind)) = rest.split_first_chunk::<{ FrameHead::SIZE }>() {
        let head = FrameHead::read(*head).unwrap();
        let (content, behind) = behind.split_at(head.length as usize);
        signals.extend(player.frame(&head, content).unwrap());
        rest = behind;
    }
    assert_eq!(player.host(), Some(&support::host()));
    signals
}

fn json(signals: &[Signal]) -> String {
    let mut lines = Lines::default();
    let mut encoder = JsonEncoder::new(&support::host());
    signals
        .iter()
        .for_each(|signal| encoder.encode(signal, &mut lines));
    String::from_utf8_lossy(&lines.bytes).into_owned()
}

/// What is read back is what was recorded; an old recording is replaced.
#[tokio::test]
async fn a_recording_holds_what_came() {
    let folder = Folder::new("record");
    let path = folder.path().join("events.rec");
    let signals = [
        Signal::Events(support::sample()),
        Signal::Metrics(support::metrics()),
        Signal::Events(support::sample()),
    ];
    record(&path, &signals).await;
    record(&path, &signals).await;
    assert_eq!(json(&play(&fs::read(&path).unwrap())), json(&signals));
}

/// Sixteen bytes a line, and what of them is text.
fn dump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (number, line) in bytes.chunks(16).enumerate() {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        };
        let text: String = line.iter().map(shown).collect();
        let (offset, hex) = (number * 16, hex.join(" "));
        writeln!(dump, "{offset:04x}  {hex:<47}  {text}").unwrap();
    }
    dump
}

/// Recordings outlive the program that wrote them. Other bytes here mean that it no longer
/// reads those that are there: if that is meant, the version in `MAGIC` goes up, by which a
/// recording of before is refused with its reason, and the file of that version is written.
#[tokio::test]
async fn the_format_of_a_version_stays_as_it_is() {
    let folder = Folder::new("record-format");
    let path = folder.path().join("events.rec");
    let mut events = support::sample();
    let text = events.keep_text(b"kept");
    let made = [
        Made::Removed,
        Made::Bool(true),
        Made::Int(-1),
        Made::Uint(1),
        Made::Float(0.5),
        text,
    ];
    for (row, made) in made.into_iter().enumerate() {
        events.lay_over(row, Target::Named(Key::new("added")), made);
        events.lay_over(row, Target::Attribute(1), made);
    }
    let signals = [Signal::Events(events), Signal::Metrics(support::metrics())];
    record(&path, &signals).await;
    let version = MAGIC.last().unwrap();
    let recording = dump(&fs::read(&path).unwrap());
    insta::assert_snapshot!(format!("version_{version}"), recording);
}
