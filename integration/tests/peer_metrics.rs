//! What probes count in the kernel is the same in the NDJSON, at a Collector, and in Prometheus.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use eunomia_integration::{
    Account, Collector, Event, Pipeline, Prometheus, Scratch, Series, Shell, Signals, free_port,
    in_open_metrics, latest, now, object, until,
};
use serde_json::{Value, json};

/// Forty changes of directory, of which twenty fail, each by a process of its own or by the shell.
const CHANGES: &str = "i=0; while [ $i -lt 10 ]; do cd /; cd /nowhere; (cd /proc; cd /gone); \
                       i=$((i + 1)); done";
const CALLS: f64 = 40.0;
/// What every metric of the object begins with.
const PREFIX: &str = "test.chdir.";

/// Each point of a counter, a gauge and a histogram, with its time, unit and attributes; counters
/// and histograms count since the receiver started.
#[test]
#[ignore = "needs `make peers`"]
fn peers_receive_the_points_of_the_ndjson() {
    let began = now();
    let collector = Collector::start().unwrap();
    let scratch = Scratch::new("metrics").unwrap();
    let page = free_port().unwrap();
    let shell = Shell::held(CHANGES).unwrap();
    let probe = scratch.write("tagged.bpf.o", object("tagged", &[]).unwrap());
    let file = scratch.path().join("points.jsonl");
    let receiver = json!({
        "probes": { "mine": { "object": probe.unwrap(), "level_step": 3 } },
        "filter": { "pid_tree": [shell.pid()] },
        "metrics_interval": "500ms",
    });
    let exporters = json!({
        "json": { "path": file },
        "prometheus": { "endpoint": format!("127.0.0.1:{page}") },
        "otlp": { "endpoint": collector.grpc() },
    });
    let pipeline = Pipeline::start(&configuration(&receiver, &exporters), &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    let started = now();
    assert!(shell.finish().unwrap().success());

    let all_counted = || Ok(Some(latest(&points(&file))).filter(|latest| calls(latest) == CALLS));
    let latest = until("each call in the file", all_counted).unwrap();
    let latest = in_open_metrics(latest);
    let prometheus = Prometheus::scraping(page).unwrap();
    let series = || prometheus.series("{__name__=~\"test_chdir_.+\"}").unwrap();
    until("the same in Prometheus", || {
        Ok((series() == latest).then_some(()))
    })
    .unwrap_or_else(|_| assert_eq!(series(), latest));
    let finished = pipeline.stop().unwrap();
    assert!(finished.accounts().iter().all(Account::holds));
    let told = points_told(&collector.stop().unwrap(), began..=started);
    let expected: Vec<_> = points(&file)
        .into_iter()
        .map(Event::in_nanoseconds)
        .collect();
    assert_eq!(Event::comparable(&told), Event::comparable(&expected));
}

fn configuration(receiver: &Value, exporters: &Value) -> String {
    let names: Vec<_> = exporters.as_object().unwrap().keys().collect();
    let pipelines = json!({ "events": { "receivers": ["ebpf"], "exporters": names } });
    let configuration = json!({
        "version": 1,
        "receivers": { "ebpf": receiver },
        "exporters": exporters,
        "service": { "pipelines": pipelines },
    });
    configuration.to_string()
}

/// The object's points in the whole lines of a file.
fn points(file: &Path) -> Vec<Event> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut points = Event::read_all(whole).unwrap();
    points.retain(is_ours);
    points
}

/// The object's points as NDJSON has them, each counted since a moment of the start.
#[track_caller]
fn points_told(signals: &Signals, start: RangeInclusive<u64>) -> Vec<Event> {
    let mut points = signals.points();
    points.retain(is_ours);
    for point in &mut points {
        // A line of the NDJSON has the host with events alone.
        assert!(point.0.remove("host.name").is_some(), "{point:?}");
        let since = point.0.remove("start");
        let since = since.and_then(|since| since.as_str()?.parse().ok());
        let is_in_order = match point.text("type") {
            // A level has no beginning.
            Some("gauge") => since.is_none(),
            _ => since.is_some_and(|since| start.contains(&since)),
        };
        assert!(is_in_order, "{point:?} since {since:?}");
    }
    points
}

fn is_ours(event: &Event) -> bool {
    let name = event.text("metric");
    name.is_some_and(|name| name.starts_with(PREFIX))
}

/// How many calls all callers made together.
fn calls(latest: &Series) -> f64 {
    let calls = latest
        .iter()
        .filter(|((name, _), _)| name == "test_chdir_calls_total");
    calls.map(|(_, value)| value).sum()
}
