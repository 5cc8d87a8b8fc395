//! A recording, played by what the receiver `replay` plays with.

use eunomia_core::recording::{FrameHead, MAGIC, Player, Recorder};
use eunomia_core::signal::Signal;
use eunomia_exporters::{JsonEncoder, Lines};

use crate::input::Input;
use crate::support;

/// What is played is what was recorded: it reads the same, and recorded again it is the same
/// bytes, those included that no other exporter shows.
pub fn record(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let [events, points] = input.signals();
    let signals = [events.clone(), points, events];
    let recording = recorded(&signals);
    let played = played(&recording);
    assert_eq!(played.len(), signals.len());
    for (played, signal) in played.iter().zip(&signals) {
        assert_eq!(ndjson(played), ndjson(signal));
    }
    assert_eq!(recorded(&played), recording);
}

fn recorded(signals: &[Signal]) -> Vec<u8> {
    let mut recording = Vec::new();
    let recorder = Recorder::begin(&support::host(), &mut recording);
    let mut recorder = recorder.expect("a beginning");
    for signal in signals {
        recorder.write(signal, &mut recording).expect("a frame");
    }
    recording
}

fn played(recording: &[u8]) -> Vec<Signal> {
    let mut player = Player::default();
    let mut signals = Vec::new();
    let mut rest = recording.strip_prefix(MAGIC).expect("its name");
    while let Some((head, behind)) = rest.split_first_chunk() {
        let head = FrameHead::read(*head).expect("a frame");
        let (content, behind) = behind.split_at(head.length as usize);
        signals.extend(player.frame(&head, content).expect("its content"));
        rest = behind;
    }
    assert_eq!(rest, b"");
    assert_eq!(player.host(), Some(&support::host()));
    signals
}

fn ndjson(signal: &Signal) -> String {
    let mut lines = Lines::default();
    JsonEncoder::new(&support::host()).encode(signal, &mut lines);
    String::from_utf8(lines.bytes).expect("JSON is UTF-8")
}
