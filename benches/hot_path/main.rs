//! What an event costs in user space, stage by stage: Markdown tables on stdout.
//!
//! The stages run one after another in each round, so that their ratios hold
//! even where the machine is busy and the figures themselves do not.

mod clock;
mod count;
mod records;
mod world;

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write, stdout};
use std::sync::Arc;

use clock::Rounds;
use count::allocations;
use eunomia_core::batch::Batch;
use eunomia_core::component::Host;
use eunomia_core::expression::{Condition, Known};
use eunomia_core::signal::Signal;
use eunomia_exporters::{
    Compression, Format, JsonEncoder, LineEncoder, LinePushed, LineSettings, Lines, LogsEncoder,
};
use eunomia_exporters::{CsvEncoder, Precision, Pushed, Schema, Unsigned};
use world::{MIX, Ring, World};

/// Events of one batch: what the receiver takes from a ring in one round.
const EVENTS: usize = 2048;

/// Rounds of each stage, and those before them that warm caches up.
const ROUNDS: usize = 300;
const WARM_UP: usize = 20;

/// What a request of the OTLP exporter may hold by default.
const REQUEST_BYTES: usize = 4 << 20;

const CONDITION: &str = "process.executable.name in (sh, bash, dash, nginx) \
    and container.id exists and not file.path pmatch (/etc, /root)";

/// The stages, with their budgets in nanoseconds an event.
const STAGES: [(&str, Option<u32>); 8] = [
    ("drain + decode", Some(60)),
    ("process + container lookup", Some(80)),
    ("NDJSON encode", Some(250)),
    ("OTLP encode", Some(160)),
    ("line protocol encode", Some(250)),
    ("CSV encode", None),
    ("whole path: record bytes to OTLP bytes", Some(500)),
    ("filter with a condition on three attributes", None),
];

/// Everything that the stages work with.
struct Bench {
    world: World,
    json: JsonEncoder,
    csv: CsvEncoder,
    lines: Lines,
    otlp: LogsEncoder,
    line: LineEncoder,
    condition: Condition,
    /// Bytes that the encoders made of the last batch.
    json_bytes: usize,
    otlp_bytes: usize,
    line_bytes: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let host = Host {
        name: "node-17.example".into(),
        id: "0123456789abcdef0123456789abcdef".into(),
        arch: "amd64".into(),
        boot_id: "c1d0f0e2-0000-4000-8000-000000000000".into(),
    };
    let mut bench = Bench {
        world: World::new()?,
        json: JsonEncoder::new(&host),
        csv: CsvEncoder::new(&host, true),
        lines: Lines::default(),
        otlp: LogsEncoder::new(&host, REQUEST_BYTES, Format::Protobuf),
        line: LineEncoder::new(&host, &line_settings()),
        condition: Condition::new(CONDITION, Known::Anything)?,
        json_bytes: 0,
        otlp_bytes: 0,
        line_bytes: 0,
    };
    let mut out = stdout().lock();
    stages(&mut bench, &mut out)?;
    kinds(&mut bench, &mut out)?;
    formats(&mut bench, &mut out)
}

/// As the exporter has them by default.
fn line_settings() -> LineSettings {
    LineSettings {
        schema: Schema::Eunomia,
        tags: Vec::new(),
        precision: Precision::Ns,
        unsigned: Unsigned::Kept,
        max_lines: 5000,
        max_bytes: REQUEST_BYTES,
    }
}

fn stages(bench: &mut Bench, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let ring = bench.world.ring(None, EVENTS)?;
    let measured = bench.measure(&ring);
    writeln!(out, "| stage | median ns | best ns | budget ns | |")?;
    writeln!(out, "|---|--:|--:|--:|---|")?;
    for ((name, budget), (median, best)) in STAGES.iter().zip(measured) {
        let (budget, verdict) = match budget {
            Some(budget) if median <= f64::from(*budget) => (budget.to_string(), "held"),
            Some(budget) => (budget.to_string(), "**missed**"),
            None => (String::new(), ""),
        };
        writeln!(
            out,
            "| {name} | {median:.0} | {best:.0} | {budget} | {verdict} |"
        )?;
    }
    Ok(())
}

fn kinds(bench: &mut Bench, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out)?;
    writeln!(
        out,
        "| median ns of | record bytes | drain | lookup | NDJSON | bytes | OTLP | bytes | line protocol | bytes | whole path |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    for (name, of_sixteen) in MIX {
        let ring = bench.world.ring(Some(name), EVENTS)?;
        let [drain, lookup, json, otlp, line, _, whole, _] =
            bench.measure(&ring).map(|(median, _)| median);
        writeln!(
            out,
            "| `{name}` ({of_sixteen} of 16) | {} | {drain:.0} | {lookup:.0} | {json:.0} | {} | {otlp:.0} | {} | {line:.0} | {} | {whole:.0} |",
            ring.mean_bytes(),
            bench.json_bytes,
            bench.otlp_bytes,
            bench.line_bytes,
        )?;
    }
    Ok(())
}

/// What the mix of events becomes in each format.
fn formats(bench: &mut Bench, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let ring = bench.world.ring(None, EVENTS)?;
    let batch = bench.world.drain(&ring);
    let batch = bench.world.look_up(batch);
    let signal = Signal::Events(batch.clone());
    let mut rows = Vec::new();
    // The second time the encoders' own buffers are as large as they will be.
    for _ in 0..2 {
        let ((), asked) = allocations(|| bench.encode_json(&signal));
        rows = vec![("NDJSON", bench.lines.bytes.clone(), asked)];
        let (body, asked) = allocations(|| bench.encode_otlp(&batch));
        rows.push(("OTLP", body, asked));
        let (body, asked) = allocations(|| bench.encode_lines(&signal));
        rows.push(("line protocol", body, asked));
        let ((), asked) = allocations(|| bench.encode_csv(&signal));
        rows.push(("CSV", bench.lines.bytes.clone(), asked));
    }
    writeln!(
        out,
        "\n| format | bytes an event | with gzip | median ns | with zstd | median ns | allocations for {EVENTS} events |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|--:|")?;
    for (name, body, asked) in rows {
        let (gzip, gzip_ns) = compressed(Compression::Gzip, &body)?;
        let (zstd, zstd_ns) = compressed(Compression::Zstd, &body)?;
        let body = body.len() / EVENTS;
        writeln!(
            out,
            "| {name} | {body} | {gzip} | {gzip_ns:.0} | {zstd} | {zstd_ns:.0} | {asked} |"
        )?;
    }
    Ok(())
}

/// Bytes of an event that is compressed together with all others, and nanoseconds of that.
fn compressed(how: Compression, body: &[u8]) -> io::Result<(usize, f64)> {
    let mut rounds = Rounds::default();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        bytes = rounds.time(|| how.compress(body).map(|bytes| bytes.len()))?;
    }
    let (median, _) = rounds.per(EVENTS);
    Ok((bytes / EVENTS, median))
}

impl Bench {
    /// Median and best of each stage for the events of `ring`.
    fn measure(&mut self, ring: &Ring) -> [(f64, f64); STAGES.len()] {
        let mut stages: [Rounds; STAGES.len()] = Default::default();
        for round in 0..WARM_UP + ROUNDS {
            if round == WARM_UP {
                stages = Default::default();
            }
            let [drain, lookup, json, otlp, line, csv, whole, filter] = &mut stages;
            let batch = drain.time(|| self.world.drain(ring));
            let batch = lookup.time(|| self.world.look_up(batch));
            let signal = Signal::Events(batch);
            json.time(|| self.encode_json(&signal));
            line.time(|| self.encode_lines(&signal));
            csv.time(|| self.encode_csv(&signal));
            let Signal::Events(mut batch) = signal else {
                continue;
            };
            otlp.time(|| self.encode_otlp(&batch));
            let condition = &mut self.condition;
            filter.time(|| batch.retain(|row| condition.matches(&row)));
            black_box(batch);
            whole.time(|| {
                let batch = self.world.drain(ring);
                // The exporter is behind a queue, which shares the batch.
                let batch = Arc::new(self.world.look_up(batch));
                self.encode_otlp(&batch)
            });
        }
        stages.map(|mut rounds| rounds.per(EVENTS))
    }

    fn encode_json(&mut self, signal: &Signal) {
        self.lines.clear();
        self.json.encode(signal, &mut self.lines);
        self.json_bytes = black_box(&self.lines.bytes).len() / EVENTS;
    }

    fn encode_csv(&mut self, signal: &Signal) {
        self.lines.clear();
        self.csv.encode(signal, &mut self.lines);
        black_box(&self.lines.bytes);
    }

    /// The events of `signal` as the body of one request, which has room for them.
    fn encode_lines(&mut self, signal: &Signal) -> Vec<u8> {
        self.line.push(signal, |pushed| {
            black_box::<LinePushed>(pushed);
        });
        let body = black_box(self.line.finish()).map_or_else(Vec::new, |request| request.body);
        self.line_bytes = body.len() / EVENTS;
        body
    }

    fn encode_otlp(&mut self, batch: &Batch) -> Vec<u8> {
        self.otlp.push(batch, |pushed| {
            black_box::<Pushed>(pushed);
        });
        let body = black_box(self.otlp.finish()).map_or_else(Vec::new, |request| request.body);
        self.otlp_bytes = body.len() / EVENTS;
        body
    }
}
