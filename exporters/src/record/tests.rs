use std::fs;
use std::path::Path;
use std::sync::Arc;

use eunomia_core::build::BuildExporter as _;
use eunomia_core::component::Host;
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

fn play(recording: &[u8]) -> (Option<Host>, Vec<Signal>) {
    let mut player = Player::default();
    let mut signals = Vec::new();
    let mut rest = recording.strip_prefix(MAGIC).unwrap();
    while let Some((head, behind)) = rest.split_first_chunk::<{ FrameHead::SIZE }>() {
        let head = FrameHead::read(*head).unwrap();
        let (content, behind) = behind.split_at(head.length as usize);
        signals.extend(player.frame(&head, content).unwrap());
        rest = behind;
    }
    (player.host().cloned(), signals)
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
    let (host, played) = play(&fs::read(&path).unwrap());
    assert_eq!(host.unwrap(), support::host());
    assert_eq!(json(&played), json(&signals));
}

/// Recordings outlive the program that wrote them: one of this version, with all that processors
/// lay over events, is read as it was when it was made. If it is not to be read any more the version
/// in `MAGIC` goes up, by which it is refused with its reason, and one of that version takes its place:
/// `od -An -v -tx1` of what `a_recording_holds_what_came` has written.
#[test]
fn a_recording_of_this_version_is_read() {
    let digits = include_str!("version_2.hex").split_whitespace();
    let bytes = digits.map(|byte| u8::from_str_radix(byte, 16).unwrap());
    let (host, signals) = play(&bytes.collect::<Vec<_>>());
    assert_eq!(&*host.unwrap().name, "node-1");
    insta::assert_snapshot!("version_2", json(&signals));
}
