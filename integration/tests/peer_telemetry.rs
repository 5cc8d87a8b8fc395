//! One run, three witnesses: a Collector and a Prometheus are told the same as
//! the NDJSON says.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::BTreeMap;
use std::fs;

use eunomia_integration::{
    Account, Collector, Container, Event, Naming, Pipeline, Prometheus, Scratch, Signals, Workload,
    check_metrics, free_port, get, until,
};
use serde_json::{Map, Value, json};

/// The file of the exporter `json`.
const EVENTS: &str = "events.jsonl";
/// Programs that the workload runs: odd names and arguments, some not UTF-8.
const EXECS: &str = "count=200";

/// Every log record of the Collector's file is an event of the NDJSON and the
/// other way round, attribute by attribute; Prometheus counts as many; its page
/// is in order.
#[test]
#[ignore = "needs `make peers`"]
fn peers_receive_what_the_ndjson_says() {
    let workload = Workload::start(&["execs", EXECS]).unwrap();
    let pid = workload.pid();
    let told = Told::start(&["process", "open"], json!({ "pid_tree": [pid] }));
    workload.finish().unwrap();
    let is_end = |event: &Event| {
        event.kind() == "process.exit" && event.integer("process.pid") == Some(pid.into())
    };
    told.agree(is_end);
}

/// The same of a container: its resource names it to the Collector.
#[test]
#[ignore = "needs `make peers`"]
fn peers_receive_containers_under_their_names() {
    let container = Container::new(Naming::Docker).unwrap();
    let filter = json!({ "container": [container.id()] });
    let told = Told::start(&["process", "open", "tcp"], filter);
    let script = "cat /etc/hostname; wget -q -O - http://127.0.0.1:9/; exit 5";
    let status = container
        .command("sh")
        .args(["-c", script])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(5));
    let is_end = |event: &Event| {
        event.kind() == "process.exit" && event.integer("process.exit.code") == Some(5)
    };
    let events = told.agree(is_end);
    let id = Some(container.id());
    assert!(events.iter().all(|event| event.text("container.id") == id));
    for kind in [
        "process.exec",
        "file.open",
        "network.connect",
        "process.exit",
    ] {
        assert!(events.iter().any(|event| event.kind() == kind), "{kind}");
    }
}

/// A daemon that tells a file, a Collector and a Prometheus.
struct Told {
    pipeline: Pipeline,
    collector: Collector,
    scratch: Scratch,
    page: u16,
}

impl Told {
    fn start(probes: &[&str], filter: Value) -> Self {
        let collector = Collector::start().unwrap();
        let scratch = Scratch::new("telemetry").unwrap();
        let page = free_port().unwrap();
        let probes: Map<_, _> = probes
            .iter()
            .map(|probe| ((*probe).to_owned(), json!({})))
            .collect();
        let configuration = json!({
            "version": 1,
            "receivers": { "ebpf": { "probes": probes, "filter": filter } },
            "processors": { "process": {}, "container": {} },
            "exporters": {
                "json": { "path": scratch.path().join(EVENTS) },
                "prometheus": { "endpoint": format!("127.0.0.1:{page}") },
                "otlp": { "endpoint": collector.grpc() },
            },
            "service": { "pipelines": { "events": {
                "receivers": ["ebpf"],
                "processors": ["process", "container"],
                "exporters": ["json", "prometheus", "otlp"],
            } } },
        });
        let pipeline = Pipeline::start(&configuration.to_string(), &[]).unwrap();
        pipeline.wait_for_log("started").unwrap();
        Self {
            pipeline,
            collector,
            scratch,
            page,
        }
    }

    /// Waits for the last event, ends all three, and compares what they know.
    fn agree(self, is_end: impl Fn(&Event) -> bool) -> Vec<Event> {
        let file = self.scratch.path().join(EVENTS);
        let read = || Event::read_all(&fs::read_to_string(&file).unwrap_or_default());
        let whole = || Ok(read().ok().filter(|events| events.iter().any(&is_end)));
        until("the last event in the file", whole).unwrap();

        assert_eq!(
            check_metrics(&get(self.page, "/metrics").unwrap()).unwrap(),
            ""
        );
        let prometheus = Prometheus::scraping(self.page).unwrap();
        let expected = by_kind(&read().unwrap());
        // The page may be behind the file.
        until("the same in Prometheus", || {
            Ok((counted(&prometheus) == expected).then_some(()))
        })
        .unwrap_or_else(|_| assert_eq!(counted(&prometheus), expected));
        let finished = self.pipeline.stop().unwrap();
        assert!(finished.status.success(), "{:?}", finished.stderr);
        assert!(finished.accounts().iter().all(Account::holds));

        let events = read().unwrap();
        let signals = self.collector.stop().unwrap();
        records_are_in_order(&signals);
        let told = signals.events();
        assert_eq!(told.len(), events.len());
        let as_told: Vec<_> = events.iter().cloned().map(Event::in_nanoseconds).collect();
        assert_eq!(Event::comparable(&told), Event::comparable(&as_told));
        events
    }
}

/// How many events of each kind a Prometheus has.
#[track_caller]
fn counted(prometheus: &Prometheus) -> BTreeMap<String, String> {
    let query = "sum by (event) (eunomia_events_total)";
    let kind = |labels: &Value| labels["event"].as_str().unwrap().to_owned();
    let found = prometheus.query(query).unwrap().into_iter();
    found
        .map(|(labels, value)| (kind(&labels), value))
        .collect()
}

fn by_kind(events: &[Event]) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::<_, u64>::new();
    for event in events {
        *counts.entry(event.kind().to_owned()).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(kind, count)| (kind, count.to_string()))
        .collect()
}

/// What no event has, and each log record does.
#[track_caller]
fn records_are_in_order(signals: &Signals) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let scopes = signals.logs.iter().flat_map(|one| list(&one["scopeLogs"]));
    for scope in scopes {
        assert_eq!(scope["scope"]["name"], "eunomia-pipeline");
        for record in list(&scope["logRecords"]) {
            assert_eq!(
                (&record["severityText"], &record["severityNumber"]),
                (&json!("INFO"), &json!(9))
            );
            assert!(record["body"]["stringValue"].is_string(), "{record}");
        }
    }
}
