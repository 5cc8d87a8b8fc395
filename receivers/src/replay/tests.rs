use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, process};

use eunomia_core::batch::{Batch, SubjectIndex};
use eunomia_core::component::{ComponentError, Host, Receiver as _, Stop};
use eunomia_core::config::{Node, Span, Value, decode};
use eunomia_core::key::Key;
use eunomia_core::pipeline::Output;
use eunomia_core::recording::Recorder;
use eunomia_core::schema::EventSchema;
use eunomia_core::signal::Signal;
use eunomia_core::time::{BootNanos, WallNanos};
use tokio::time::Instant;

use super::receiver::ReplayReceiver;
use super::{Speed, recorded_host};

/// A folder with one recording, gone with the test.
struct Bench(PathBuf);

impl Bench {
    fn new(name: &str, recording: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("eunomia-replay-{}-{name}", process::id()));
        fs::create_dir(&path).unwrap();
        let bench = Self(path);
        fs::write(bench.path(), recording).unwrap();
        bench
    }

    fn path(&self) -> PathBuf {
        self.0.join("events.rec")
    }

    /// The times of all batches that come out, and how it ended.
    async fn play(&self, speed: Speed) -> (Vec<WallNanos>, Result<(), ComponentError>) {
        let mut receiver = Box::new(ReplayReceiver::new(self.path(), speed));
        if let Err(error) = receiver.start().await {
            return (Vec::new(), Err(error));
        }
        let (output, mut signals) = Output::to_channel(16);
        let (_source, stop) = Stop::new();
        let result = receiver.run(output, stop).await;
        let mut times = Vec::new();
        while let Ok(Signal::Events(batch)) = signals.try_recv() {
            times.extend(batch.iter().map(|row| row.time()));
        }
        (times, result)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const SECOND: u64 = 1_000_000_000;

fn host() -> Host {
    Host {
        name: "there".into(),
        ..Host::default()
    }
}

/// A batch of one event at each of these seconds.
fn recording(seconds: &[u64]) -> Vec<u8> {
    let schema = Arc::new(EventSchema {
        name: Key::new("test"),
        probe: "test".into(),
        size: 0,
        attributes: Vec::new(),
        header: None,
        lifecycle: None,
    });
    let mut out = Vec::new();
    let mut recorder = Recorder::begin(&host(), &mut out).unwrap();
    for second in seconds {
        let mut batch = Batch::with_capacity(0);
        let time = BootNanos(second * SECOND);
        batch.push(&schema, b"x", time, SubjectIndex::NONE);
        recorder.write(&Signal::Events(batch), &mut out).unwrap();
    }
    out
}

fn at(seconds: &[u64]) -> Vec<WallNanos> {
    seconds
        .iter()
        .map(|second| WallNanos(second * SECOND))
        .collect()
}

/// All batches come out in their order.
#[tokio::test]
async fn a_recording_is_played_whole() {
    let bench = Bench::new("whole", &recording(&[1, 5, 9]));
    let (times, result) = bench.play(Speed::Max).await;
    assert_eq!((times, result.is_ok()), (at(&[1, 5, 9]), true));
    assert_eq!(recorded_host(&bench.path()).unwrap(), Some(host()));
}

/// A recording whose writer was killed is played up to the tear.
#[tokio::test]
async fn a_torn_recording_is_played_up_to_the_tear() {
    let whole = recording(&[1, 5]);
    for cut in [1, 20] {
        let bench = Bench::new(&format!("torn-{cut}"), &whole[..whole.len() - cut]);
        let (times, result) = bench.play(Speed::Max).await;
        assert_eq!((times, result.is_ok()), (at(&[1]), true), "cut by {cut}");
    }
}

/// Damage in the middle is an error that says where.
#[tokio::test]
async fn a_damaged_recording_is_refused() {
    let mut bytes = recording(&[1, 5]);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let bench = Bench::new("damaged", &bytes);
    let (_, result) = bench.play(Speed::Max).await;
    let message = result.unwrap_err().to_string();
    assert!(message.contains("events.rec: at byte "), "{message}");
}

/// What is no recording is refused at the start.
#[tokio::test]
async fn other_files_are_refused() {
    for (name, bytes) in [("empty", &b""[..]), ("text", b"{\"time\":1234567}\n")] {
        let bench = Bench::new(name, bytes);
        let message = bench.play(Speed::Max).await.1.unwrap_err().to_string();
        assert!(
            message.ends_with("it is no recording of this version"),
            "{message}"
        );
    }
    let missing = Path::new("/nowhere/events.rec");
    let mut receiver = ReplayReceiver::new(missing.into(), Speed::Max);
    let message = receiver.start().await.unwrap_err().to_string();
    assert_eq!(
        message,
        "replay /nowhere/events.rec: No such file or directory (os error 2)"
    );
}

/// Batches keep their distance, by the speed that is configured.
#[tokio::test(start_paused = true)]
async fn the_pace_is_that_of_the_recording() {
    let bench = Bench::new("pace", &recording(&[100, 110, 160]));
    for (speed, seconds) in [
        (Speed::Times(1.0), 60),
        (Speed::Times(2.0), 30),
        (Speed::Max, 0),
    ] {
        let begin = Instant::now();
        let (times, _) = bench.play(speed).await;
        assert_eq!(times.len(), 3);
        assert_eq!(
            begin.elapsed().as_secs(),
            Duration::from_secs(seconds).as_secs()
        );
    }
}

fn speed(value: Value) -> Result<Speed, String> {
    let span = Span::whole("test");
    let node = Node {
        value,
        span,
        path: "speed".into(),
    };
    decode::<Speed>(&node).map_err(|errors| errors.to_string())
}

/// Each way of writing a speed, and what is none.
#[test]
fn speeds_are_words_or_numbers() {
    let text = |text: &str| speed(Value::Text(text.into()));
    assert_eq!(text("max"), Ok(Speed::Max));
    assert_eq!(text("realtime"), Ok(Speed::Times(1.0)));
    assert_eq!(speed(Value::Float(2.5)), Ok(Speed::Times(2.5)));
    assert_eq!(speed(Value::Integer(3)), Ok(Speed::Times(3.0)));
    assert!(text("fast").is_err());
    assert!(speed(Value::Bool(true)).is_err());
}
