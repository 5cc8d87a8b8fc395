//! One recording goes to all peers at once, and each tells what it was sent: every event and every
//! point, attribute by attribute.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

mod forms;
mod transports;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use eunomia_integration::{
    Account, Container, Event, InfluxDb, InfluxDb1, Naming, OtlpSink, Pipeline, Prometheus,
    Scratch, Shell, VictoriaLogs, VictoriaMetrics, csv_rows, free_port, in_open_metrics, latest,
    object, until, workload_binary,
};
use serde_json::{Map, Value, json};

/// What is recorded is at least so much.
const EVENTS: usize = 10_000;
/// Programs with odd names and arguments, opens of every kind, some not UTF-8, and changes of
/// directory, which the object counts.
const SCRIPT: &str = "
    # Of where libraries are looked for, each program would tell dozens of opens.
    unset LD_LIBRARY_PATH
    'WORKLOAD' execs count=200
    'WORKLOAD' opens dir='DIR' count=8500
    mkdir 'DIR/odd' && 'WORKLOAD' odd-opens dir='DIR/odd'
    'WORKLOAD' tcp count=40
    cd /; cd /nowhere; cd /tmp; (cd /proc; cd /dev); exit 7";
/// What a container runs.
const CONTAINED: &str = "cat /etc/hostname; wget -q -O - http://127.0.0.1:9/; exit 5";
/// Every series of a Prometheus.
const ANY_SERIES: &str = "{__name__!=\"\"}";
/// What a busy machine takes longer for would be sent again, and be there twice.
const PATIENCE: &str = "3m";
/// Nobody's process id.
const NOBODY: u32 = 4_194_303;

/// One of those that everything is sent to.
struct Peer {
    /// Its exporter, by name and settings.
    exporter: (&'static str, Value),
    /// What it was told.
    told: Box<dyn FnOnce() -> Told>,
    /// An event of the NDJSON as it has it, if it has events.
    event: fn(&Event) -> Vec<Event>,
    /// A point of the NDJSON as it has it, if it has points.
    point: fn(&Event) -> Vec<Event>,
}

/// What a peer has, in its own way.
struct Told {
    events: Vec<Event>,
    points: Vec<Event>,
}

/// All at once, from one replay.
#[test]
#[ignore = "needs `make peers`"]
fn each_peer_tells_everything_it_was_sent() {
    let scratch = Scratch::new("everything").unwrap();
    let (recording, recorded) = record(&scratch);
    let page = free_port().unwrap();
    let file = scratch.path().join("replayed.jsonl");
    let mut peers = peers(scratch.path());
    peers.extend(transports::peers());
    let mut exporters = vec![
        ("json", json!({ "path": file })),
        (
            "prometheus",
            json!({ "endpoint": format!("127.0.0.1:{page}") }),
        ),
    ];
    exporters.extend(peers.iter().map(|peer| peer.exporter.clone()));
    let receivers = json!({
        "replay": { "path": recording },
        // Keeps the page served when the recording has ended.
        "ebpf": { "probes": { "process": {} }, "filter": { "pid": [NOBODY] } },
    });
    let pipeline = start(&receivers, &[], &exporters);
    let replayed = || Ok((fs::read(&file).unwrap_or_default() == recorded).then_some(()));
    until("the whole recording in the file", replayed).unwrap();
    let lines = Event::read_all(&String::from_utf8_lossy(&recorded)).unwrap();
    let is_point = |event: &Event| event.get("metric").is_some();
    let (points, events): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_point);
    assert!(events.len() >= EVENTS, "only {}", events.len());
    in_prometheus(&Prometheus::scraping(page).unwrap(), &events, &points);

    let finished = pipeline.stop().unwrap();
    assert!(finished.status.success(), "{:?}", finished.stderr);
    all_delivered(
        &finished.accounts(),
        exporters.len(),
        events.len(),
        points.len(),
    );
    for peer in peers {
        let told = (peer.told)();
        let (name, _) = peer.exporter;
        are_equal(
            name,
            &told.events,
            events.iter().flat_map(peer.event).collect(),
        );
        are_equal(
            name,
            &told.points,
            points.iter().flat_map(peer.point).collect(),
        );
    }
}

/// The peers, each with the way it has what it was sent.
fn peers(folder: &Path) -> Vec<Peer> {
    let files = folder.join("csv");
    let sink = OtlpSink::start().unwrap();
    let (logs, metrics) = (
        VictoriaLogs::start().unwrap(),
        VictoriaMetrics::start().unwrap(),
    );
    let (influxdb, influxdb1) = (InfluxDb::start().unwrap(), InfluxDb1::start().unwrap());
    vec![
        Peer {
            // Python takes its time with each.
            exporter: (
                "otlp/sink",
                json!({ "endpoint": sink.grpc(), "compression": "gzip", "timeout": PATIENCE,
                    "max_request_bytes": "256KiB" }),
            ),
            told: Box::new(move || forms::otlp(&sink.signals().unwrap())),
            event: forms::in_otlp,
            point: forms::in_otlp,
        },
        Peer {
            exporter: (
                "otlp/victoria",
                json!({ "protocol": "http/protobuf", "compression": "gzip", "timeout": PATIENCE,
                    "logs_endpoint": logs.otlp(), "metrics_endpoint": metrics.otlp() }),
            ),
            told: Box::new(move || Told {
                events: forms::victoria_logs(logs.records("*").unwrap()),
                points: forms::victoria_metrics(&metrics.samples(ANY_SERIES).unwrap()),
            }),
            event: forms::in_victoria_logs,
            point: forms::in_victoria_metrics,
        },
        Peer {
            exporter: (
                "influxdb",
                json!({ "endpoint": influxdb.url(), "org": InfluxDb::ORG, "bucket": InfluxDb::BUCKET,
                    "token": InfluxDb::TOKEN, "timeout": PATIENCE }),
            ),
            told: Box::new(move || forms::influxdb(influxdb.points(InfluxDb::BUCKET).unwrap())),
            event: forms::in_influxdb,
            point: forms::in_influxdb,
        },
        Peer {
            exporter: (
                "influxdb/one",
                json!({ "endpoint": influxdb1.url(), "api": "v1", "bucket": InfluxDb1::DATABASE,
                    "timeout": PATIENCE }),
            ),
            told: Box::new(move || forms::influxdb(influxdb1.points().unwrap())),
            event: forms::in_influxdb1,
            point: forms::in_influxdb1,
        },
        Peer {
            exporter: (
                "csv",
                json!({ "path": files.join("{event}.csv"), "escape_formulas": false }),
            ),
            told: Box::new(move || forms::csv(&csv_rows(&files).unwrap())),
            event: forms::in_texts,
            point: forms::nowhere,
        },
    ]
}

/// Records what a process and a container do, with metrics of an object of the test's own, and
/// returns the recording and the same as NDJSON.
fn record(scratch: &Scratch) -> (PathBuf, Vec<u8>) {
    let recording = scratch.path().join("events.rec");
    let file = scratch.path().join("recorded.jsonl");
    let probe = scratch.write("tagged.bpf.o", object("tagged", &[]).unwrap());
    let workload = workload_binary().unwrap().display().to_string();
    let folder = scratch.path().display().to_string();
    let shell = Shell::held(
        &SCRIPT
            .replace("WORKLOAD", &workload)
            .replace("DIR", &folder),
    )
    .unwrap();
    let container = Container::new(Naming::Docker).unwrap();
    let probes = json!({ "process": {}, "open": {}, "tcp": {} });
    let mut of_shell = probes.clone();
    of_shell["mine"] = json!({ "object": probe.unwrap(), "level_step": 3 });
    let receivers = json!({
        "ebpf": { "probes": of_shell, "filter": { "pid_tree": [shell.pid()] } },
        "ebpf/container": { "probes": probes, "filter": { "container": [container.id()] } },
    });
    let exporters = [
        ("record", json!({ "path": recording })),
        ("json", json!({ "path": file })),
    ];
    let pipeline = start(&receivers, &["process", "container"], &exporters);
    assert_eq!(shell.finish().unwrap().code(), Some(7));
    let contained = container.command("sh").args(["-c", CONTAINED]).status();
    assert_eq!(contained.unwrap().code(), Some(5));
    let finished = pipeline.stop().unwrap();
    assert!(finished.accounts().iter().all(Account::holds));
    (recording, fs::read(file).unwrap())
}

fn start(receivers: &Value, processors: &[&str], exporters: &[(&str, Value)]) -> Pipeline {
    let receiver_names: Vec<_> = receivers.as_object().unwrap().keys().collect();
    let exporters: Map<_, _> = exporters
        .iter()
        .map(|(name, settings)| ((*name).to_owned(), settings.clone()))
        .collect();
    let processors_set: Map<_, _> = processors
        .iter()
        .map(|name| ((*name).to_owned(), json!({})))
        .collect();
    let configuration = json!({
        "version": 1,
        "receivers": receivers,
        "processors": processors_set,
        "service": { "pipelines": { "events": {
            "receivers": receiver_names,
            "processors": processors,
            "exporters": exporters.keys().collect::<Vec<_>>(),
        } } },
        "exporters": exporters,
    });
    let pipeline = Pipeline::start(&configuration.to_string(), &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    pipeline
}

/// How many events of each kind, and the latest of the points.
#[track_caller]
fn in_prometheus(prometheus: &Prometheus, events: &[Event], points: &[Event]) {
    let mut expected = in_open_metrics(latest(points));
    for event in events {
        let labels = [("event".to_owned(), event.kind().to_owned())];
        let series = (String::new(), labels.into());
        *expected.entry(series).or_default() += 1.0;
    }
    let query = "sum by (event) (eunomia_events_total) or {__name__=~\"test_chdir_.+\"}";
    let series = || prometheus.series(query).unwrap();
    until("the same in Prometheus", || {
        Ok((series() == expected).then_some(()))
    })
    .unwrap_or_else(|_| assert_eq!(series(), expected));
}

/// Every exporter took all that was sent, or the events if it has no points, and brought it to
/// its end.
#[track_caller]
fn all_delivered(accounts: &[Account], exporters: usize, events: usize, points: usize) {
    let mut count = 0;
    for account in accounts {
        let Account::Exporter {
            exporter,
            accepted,
            delivered,
            ..
        } = account
        else {
            continue;
        };
        let sent = [events, events + points].map(|sent| u64::try_from(sent).unwrap());
        assert!(
            sent.contains(accepted),
            "{exporter}: {accepted} of {sent:?}"
        );
        assert_eq!(delivered, accepted, "{exporter}");
        count += 1;
    }
    assert_eq!(count, exporters);
}

/// Fails with the first few that only one side has.
#[track_caller]
fn are_equal(peer: &str, told: &[Event], expected: Vec<Event>) {
    let mut counts = BTreeMap::<_, i32>::new();
    for text in Event::comparable(told) {
        *counts.entry(text).or_default() += 1;
    }
    for text in Event::comparable(&expected) {
        *counts.entry(text).or_default() -= 1;
    }
    counts.retain(|_, count| *count != 0);
    let some: Vec<_> = counts.iter().take(4).collect();
    assert!(
        counts.is_empty() && told.len() == expected.len(),
        "{peer}: {} told, {} expected, {} differ, first: {some:#?}",
        told.len(),
        expected.len(),
        counts.len(),
    );
}
