//! What a record costs on its way to an OpenTelemetry Collector: by us, and by the Collector and
//! by rotel when they pass the same records on. A Markdown table on stdout.
//!
//! Our opens are recorded once; the recording is played by a daemon whose requests go to the sink,
//! or to the forwarder before it. Who is measured has a core of its own, where there are two.

mod recording;
mod usage;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Instant;

use eunomia_integration::{Forwarder, Pipeline, Sink};

use recording::Recording;
use usage::{Usage, pinned};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Who is measured, with the words for it.
#[derive(Clone, Copy)]
enum Subject {
    Eunomia,
    Collector,
    Rotel,
}

const SUBJECTS: [(Subject, &str); 3] = [
    (
        Subject::Eunomia,
        "eunomia-pipeline: reads the recording, encodes, sends",
    ),
    (
        Subject::Collector,
        "OpenTelemetry Collector: takes OTLP, sends it on",
    ),
    (Subject::Rotel, "rotel: takes OTLP, sends it on"),
];

/// How fast the recording is played, with the words for it.
const SPEEDS: [(&str, &str); 2] = [("realtime", "50,000/s"), ("max", "flat out")];

/// The core of who is measured, and that of all others.
const MEASURED: usize = 0;
const OTHERS: usize = 1;

fn main() -> Outcome<()> {
    let recording = Recording::make(50_000)?;
    let mut out = stdout().lock();
    writeln!(
        out,
        "| who | pace | records/s | CPU ns a record | RSS at its highest |"
    )?;
    writeln!(out, "|---|---|--:|--:|--:|")?;
    for (subject, name) in SUBJECTS {
        for (speed, pace) in SPEEDS {
            let (usage, rate) = run(subject, &recording, speed)?;
            let each = usage.cpu_ns / recording.records as f64;
            writeln!(
                out,
                "| {name} | {pace} | {rate:.0} | {each:.0} | {:.1} MiB |",
                usage.rss_mib
            )?;
        }
    }
    Ok(())
}

/// What `subject` used for the whole recording, and how many records arrived a second.
fn run(subject: Subject, recording: &Recording, speed: &str) -> Outcome<(Usage, f64)> {
    let sink = pinned(OTHERS, Sink::start)?;
    let forwarder = match subject {
        Subject::Eunomia => None,
        Subject::Collector => Some(pinned(MEASURED, || Forwarder::collector(&sink.grpc()))?),
        Subject::Rotel => Some(pinned(MEASURED, || Forwarder::rotel(&sink.grpc()))?),
    };
    let (endpoint, core) = match &forwarder {
        None => (sink.grpc(), MEASURED),
        Some(forwarder) => (forwarder.grpc(), OTHERS),
    };
    let start = Instant::now();
    let player = pinned(core, || recording.play(speed, &endpoint))?;
    let (before, measured) = match &forwarder {
        None => (Usage::default(), player.pid()),
        Some(forwarder) => (Usage::of(forwarder.pid())?, forwarder.pid()),
    };
    let mut usage = Usage::until_ended(player.pid(), measured)?;
    sink.wait_for(recording.records)?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(forwarder) = &forwarder {
        usage = Usage::of(forwarder.pid())?;
        usage.cpu_ns -= before.cpu_ns;
    }
    end(player)?;
    Ok((usage, recording.records as f64 / seconds))
}

fn end(player: Pipeline) -> Outcome<()> {
    let finished = player.finish()?;
    if finished.status.success() {
        return Ok(());
    }
    Err(format!("the player: {}", finished.stderr.join("\n")).into())
}
