//! What the daemon costs a machine: in the kernel, in memory, to start. Markdown tables on stdout.
//!
//! Everything is narrowed to this program's own process, so that it can run anywhere as root; its
//! own system calls are what is measured. Figures of a busy machine are too high, and their ratios
//! nearly right: with and without the daemon alternate.

mod calls;
mod daemon;

use std::error::Error;
use std::fs;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use eunomia_integration::{Pipeline, Scratch, object, paced_opens, pipeline_binary};

use calls::{Cost, deep_path, getppid, open};
use daemon::{Filter, Probes, Usage, start};

/// How often each measurement is repeated; the best counts.
const REPEATS: usize = 3;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut out = stdout().lock();
    kernel(&mut out)?;
    whole(&mut out)?;
    instructions(&mut out)
}

/// The best of what `call` costs without the daemon, and with it.
fn compare(probes: &Probes<'_>, filter: Filter, call: &dyn Fn() -> Outcome<f64>) -> Outcome<Cost> {
    let mut cost = Cost::default();
    for _ in 0..REPEATS {
        cost.without(call()?);
        let pipeline = start(probes, filter)?;
        cost.with(call()?);
        pipeline.stop()?;
    }
    Ok(cost)
}

fn kernel(out: &mut impl Write) -> Outcome<()> {
    let scratch = Scratch::new("bench")?;
    let compiled = |name| scratch.write(&format!("{name}.bpf.o"), object(name, &[])?);
    let (copied, bare) = (compiled("untagged")?, compiled("bare")?);
    let path = deep_path(scratch.path())?;
    let one = Probes::One("open");
    let ten = Probes::Ten(&copied);
    let opening = || open(&path);
    let failing = || open(&scratch.path().join("not there"));
    let rows = [
        (
            "any call, a program that does nothing",
            None,
            compare(&Probes::Bare(&bare), Filter::Me, &getppid)?,
        ),
        (
            "a call nobody wants, 1 probe",
            Some(35),
            compare(&one, Filter::Me, &getppid)?,
        ),
        (
            "a call nobody wants, 10 probes",
            Some(35),
            compare(&ten, Filter::Me, &getppid)?,
        ),
        (
            "an open filtered out (and its close)",
            Some(60),
            compare(&one, Filter::Nobody, &opening)?,
        ),
        (
            "an open recorded, ten parts (and its close)",
            Some(1500),
            compare(&one, Filter::Me, &opening)?,
        ),
        (
            "a failed open recorded",
            None,
            compare(&one, Filter::Me, &failing)?,
        ),
    ];
    writeln!(
        out,
        "| system call | without ns | with ns | more ns | ratio | budget ns |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|--:|")?;
    for (name, budget, cost) in rows {
        let budget = budget.map_or_else(String::new, |budget: u32| budget.to_string());
        writeln!(out, "| {name} | {cost} | {budget} |")?;
    }
    Ok(())
}

fn whole(out: &mut impl Write) -> Outcome<()> {
    writeln!(out, "\n| the daemon | measured | budget |\n|---|--:|--:|")?;
    let first = first_event()?;
    writeln!(out, "| start to first event | {first:.0} ms | 300 ms |")?;
    let pipeline = start(&Probes::All, Filter::Nobody)?;
    let usage = Usage::over(pipeline.pid(), || idle(Duration::from_secs(5)))?;
    pipeline.stop()?;
    writeln!(out, "| RSS, idle | {:.1} MiB | 25 MiB |", usage.rss_mib)?;
    writeln!(
        out,
        "| CPU, idle | {:.2} % of a core | 0.5 % |",
        usage.cpu_percent
    )?;
    let pipeline = start(&Probes::All, Filter::Me)?;
    let mut opens = 0;
    let usage = Usage::over(pipeline.pid(), || {
        opens = paced_opens(&["/dev/null"], 100_000, Duration::from_secs(5))?;
        Ok(())
    })?;
    let finished = pipeline.stop()?;
    let lost = daemon::lost(&finished);
    let rate = opens as f64 / usage.seconds;
    writeln!(
        out,
        "| RSS at {rate:.0} opens/s ({lost} of {opens} lost) | {:.1} MiB | |",
        usage.rss_mib
    )?;
    let each = usage.cpu_percent / 100.0 * usage.seconds * 1e9 / opens as f64;
    writeln!(
        out,
        "| CPU an event at that rate, NDJSON into /dev/null | {each:.0} ns | |"
    )?;
    let bytes = fs::metadata(pipeline_binary()?)?.len();
    let size = bytes as f64 / 1e6;
    writeln!(out, "| binary | {size:.1} MB | 15 MB |")?;
    Ok(())
}

/// From the start of the program to its first line about an event.
fn first_event() -> Outcome<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let before = Instant::now();
        let arguments = ["run", "process", "--format", "ndjson", "--", "/bin/true"];
        let mut pipeline = Pipeline::with_arguments(arguments)?;
        pipeline.wait_for("the first event", |events| !events.is_empty())?;
        best = best.min(before.elapsed().as_secs_f64() * 1000.0);
        pipeline.finish()?;
    }
    Ok(best)
}

#[expect(clippy::unnecessary_wraps, reason = "what is measured may fail")]
fn idle(time: Duration) -> Outcome<()> {
    std::thread::sleep(time);
    Ok(())
}

fn instructions(out: &mut impl Write) -> Outcome<()> {
    let doctor = Pipeline::with_arguments(["doctor", "--format", "json"])?.finish()?;
    let report: serde_json::Value = serde_json::from_str(&doctor.stdout.join("\n"))?;
    let kernel = report["kernel"].as_str().unwrap_or("?");
    // What a distribution or a machine adds to the number says nothing here.
    let kernel = kernel.split('-').next().unwrap_or(kernel);
    writeln!(
        out,
        "\n| program | hook | verified instructions on {kernel} |\n|---|---|--:|"
    )?;
    for probe in report["probes"].as_array().into_iter().flatten() {
        for program in probe["programs"].as_array().into_iter().flatten() {
            writeln!(
                out,
                "| {} `{}` | {} | {} |",
                probe["probe"].as_str().unwrap_or("?"),
                program["program"].as_str().unwrap_or("?"),
                program["hook"].as_str().unwrap_or("?"),
                program["verified_instructions"],
            )?;
        }
    }
    Ok(())
}
