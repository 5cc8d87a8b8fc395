//! A real Prometheus has what the NDJSON has, by whichever way it comes: scraped in each format, or
//! sent by remote write 1 and 2.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::fs;
use std::path::{Path, PathBuf};

use eunomia_integration::{
    Account, Container, Event, Naming, Pipeline, Prometheus, Release, Scratch, Series, Shell,
    check_metrics, free_port, get, in_open_metrics, latest, object, open_metrics, until,
};
use serde_json::{Value, json};

/// Forty changes of directory, of which twenty fail, each by a process of its own or by the shell.
const CHANGES: &str = "i=0; while [ $i -lt 10 ]; do cd /; cd /nowhere; (cd /proc; cd /gone); \
                       i=$((i + 1)); done";
const CALLS: f64 = 40.0;
/// The metrics of the test's own object, and all events.
const OURS: &str = "{__name__=~\"test_chdir_.+\"} or sum by (event) (eunomia_events_total)";
/// The object's histogram.
const HISTOGRAM: &str = "test_chdir_errors";

/// A daemon that counts what a shell does, for a page and a file.
struct Counted {
    pipeline: Pipeline,
    page: u16,
    file: PathBuf,
    _scratch: Scratch,
}

impl Counted {
    /// Starts it with these settings of the exporter beside the endpoint, and lets the shell go.
    #[track_caller]
    fn start(settings: &Value) -> Self {
        let scratch = Scratch::new("prometheus").unwrap();
        let page = free_port().unwrap();
        let shell = Shell::held(CHANGES).unwrap();
        let probe = scratch.write("tagged.bpf.o", object("tagged", &[]).unwrap());
        let file = scratch.path().join("points.jsonl");
        let mut prometheus = settings.clone();
        prometheus["endpoint"] = format!("127.0.0.1:{page}").into();
        let configuration = json!({
            "version": 1,
            "receivers": { "ebpf": {
                "probes": { "process": {}, "mine": { "object": probe.unwrap(), "level_step": 3 } },
                "filter": { "pid_tree": [shell.pid()] },
                "metrics_interval": "500ms",
            } },
            "exporters": { "json": { "path": file }, "prometheus": prometheus },
            "service": { "pipelines": { "events": {
                "receivers": ["ebpf"], "exporters": ["json", "prometheus"],
            } } },
        });
        let pipeline = Pipeline::start(&configuration.to_string(), &[]).unwrap();
        pipeline.wait_for_log("\"started\"").unwrap();
        assert!(shell.finish().unwrap().success());
        Self {
            pipeline,
            page,
            file,
            _scratch: scratch,
        }
    }

    /// The points and event counts of the file, when all are there.
    #[track_caller]
    fn told(&self) -> Series {
        let whole = || {
            let lines = lines(&self.file);
            let (points, events): (Vec<_>, Vec<_>) = lines
                .into_iter()
                .partition(|line| line.get("metric").is_some());
            let mut series = latest(&points);
            series.retain(|(name, _), _| name.starts_with("test_chdir_"));
            let calls = series
                .iter()
                .filter(|((name, _), _)| name == "test_chdir_calls_total");
            let is_whole = calls.map(|(_, value)| value).sum::<f64>() == CALLS;
            let exits = events.iter().filter(|event| event.kind() == "process.exit");
            // The shell and ten of its children.
            let is_over = exits.count() == 11;
            for event in &events {
                let labels = [("event".to_owned(), event.kind().to_owned())];
                *series.entry((String::new(), labels.into())).or_default() += 1.0;
            }
            Ok((is_whole && is_over).then_some(series))
        };
        until("each call in the file", whole).unwrap()
    }

    /// The counts of the histogram's buckets that are not empty, by their upper bounds, as a native
    /// one has them.
    #[track_caller]
    fn native(&self) -> Vec<(f64, f64)> {
        let points = lines(&self.file);
        let point = points.iter().rfind(|point| {
            point.text("metric").map(|name| name.replace('.', "_")) == Some(HISTOGRAM.into())
        });
        let buckets = point.unwrap().get("buckets").unwrap().as_array().unwrap();
        let mut last = 0.0;
        let mut native = Vec::new();
        for (at, bucket) in buckets.iter().enumerate() {
            // Up to the first bound is zero; then a power of two; behind the last finite one the next.
            last = match bucket[0].as_f64() {
                Some(bound) if at == 0 => bound,
                Some(bound) => bound + 1.0,
                None => last * 2.0,
            };
            let count = bucket[1].as_f64().unwrap();
            if count > 0.0 {
                native.push((last, count));
            }
        }
        assert!(native.len() > 1, "{buckets:?}");
        native
    }

    #[track_caller]
    fn stop(self) {
        let finished = self.pipeline.stop().unwrap();
        assert!(finished.accounts().iter().all(Account::holds));
    }
}

fn lines(file: &Path) -> Vec<Event> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    Event::read_all(whole).unwrap()
}

/// Waits until the server answers so, and says what it answers else.
#[track_caller]
fn answers<T: PartialEq + std::fmt::Debug>(expected: &T, mut answer: impl FnMut() -> T) {
    let same = until("the same in Prometheus", || {
        Ok((answer() == *expected).then_some(()))
    });
    same.unwrap_or_else(|_| assert_eq!(answer(), *expected));
}

/// The native histogram as the server has it: buckets by upper bound, and the count.
fn native_of(prometheus: &Prometheus) -> Option<(Vec<(f64, f64)>, f64)> {
    let found = prometheus.histograms(HISTOGRAM).unwrap();
    let number = |value: &Value| value.as_str()?.parse::<f64>().ok();
    let [histogram] = &found[..] else {
        return None;
    };
    let buckets = histogram["buckets"].as_array()?.iter();
    let buckets = buckets.map(|bucket| Some((number(&bucket[2])?, number(&bucket[3])?)));
    Some((
        buckets.collect::<Option<_>>()?,
        number(&histogram["count"])?,
    ))
}

/// What the server makes of the native histogram is what the NDJSON has.
#[track_caller]
fn has_native(prometheus: &Prometheus, native: Vec<(f64, f64)>) {
    let count = native.iter().map(|(_, count)| count).sum();
    let highest = native.last().map(|(bound, _)| *bound);
    answers(&Some((native, count)), || native_of(prometheus));
    let number = |function: &str| {
        let query = format!("{function} {HISTOGRAM})");
        let found = prometheus.query(&query).unwrap();
        found
            .first()
            .map(|(_, value)| value.parse::<f64>().unwrap())
    };
    answers(&Some(count), || number("histogram_count("));
    answers(&highest, || number("histogram_quantile(1,"));
    // The object keeps no sum.
    answers(&Some(true), || number("histogram_sum(").map(f64::is_nan));
}

/// Counters, a gauge, a histogram of either kind and event counts, value by value; nothing of it
/// was refused.
#[track_caller]
fn is_written(message: &str, release: Release) {
    let prometheus = Prometheus::receiving(release).unwrap();
    let counted = Counted::start(&json!({ "remote_write": {
        "endpoint": prometheus.remote_write(),
        "protobuf_message": message,
        "interval": "1s",
        "send_native_histograms": true,
    } }));
    let told = counted.told();
    answers(&told, || prometheus.series(OURS).unwrap());
    has_native(&prometheus, counted.native());
    let page = get(counted.page, "/metrics").unwrap();
    assert!(
        page.contains("remote_write_written_samples_total"),
        "{page}"
    );
    assert!(
        !page.contains("remote_write_dropped_samples_total"),
        "{page}"
    );
    counted.stop();
}

/// As the distribution's takes it.
#[test]
#[ignore = "needs `make peers`"]
fn remote_write_1_brings_what_the_ndjson_has() {
    is_written("prometheus.WriteRequest", Release::Distribution);
}

/// As a newer one takes it, which says how many samples that were.
#[test]
#[ignore = "needs `make peers`"]
fn remote_write_2_brings_what_the_ndjson_has() {
    is_written("io.prometheus.write.v2.Request", Release::Three);
}

/// The server asks for protobuf where it has native histograms.
#[test]
#[ignore = "needs `make peers`"]
fn native_histograms_are_scraped() {
    let counted = Counted::start(&json!({}));
    let mut told = counted.told();
    // In place of the buckets there is the native one.
    told.retain(|(name, _), _| !name.starts_with(HISTOGRAM));
    for release in [Release::Distribution, Release::Three] {
        let prometheus = Prometheus::scraping_native(release, counted.page).unwrap();
        answers(&told, || prometheus.series(OURS).unwrap());
        has_native(&prometheus, counted.native());
    }
    counted.stop();
}

/// Python's parser finds the same on the page as `OpenMetrics`; promtool has nothing to say against
/// the page as text.
#[test]
#[ignore = "needs `make peers`"]
fn other_readers_find_the_same_on_the_page() {
    let counted = Counted::start(&json!({ "labels": ["event"] }));
    let mut told = in_open_metrics(counted.told());
    let unnamed: Vec<_> = told
        .keys()
        .filter(|(name, _)| name.is_empty())
        .cloned()
        .collect();
    for (name, labels) in unnamed {
        let count = told.remove(&(name, labels.clone())).unwrap();
        told.insert(("eunomia_events_total".to_owned(), labels), count);
    }
    answers(&told, || {
        let mut found = open_metrics(counted.page).unwrap();
        found.retain(|(name, _), _| {
            name.starts_with("test_chdir_") || name == "eunomia_events_total"
        });
        found
    });
    assert_eq!(
        check_metrics(&get(counted.page, "/metrics").unwrap()).unwrap(),
        ""
    );
    counted.stop();
}

/// The page's examples as a reader copies them, addresses apart: `PromQL` finds what a container did,
/// scraped and written. When the container ends its series are told to have ended, and their last
/// values stay known.
#[test]
#[ignore = "needs `make peers`"]
fn the_examples_of_the_documentation_show_a_container() {
    let page = free_port().unwrap();
    let written = Prometheus::receiving(Release::Distribution).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/exporters/prometheus.md");
    let example = fs::read_to_string(example).unwrap();
    let example = |at: usize| {
        let block = example.split("```yaml\n").nth(at).unwrap();
        let block = block.split_once("```").unwrap().0;
        block
            .replace("127.0.0.1:9464", &format!("127.0.0.1:{page}"))
            .replace(
                "http://127.0.0.1:9090/api/v1/write",
                &written.remote_write(),
            )
    };
    let scratch = Scratch::new("prometheus").unwrap();
    let write = |name: &str, text: String| {
        let path = scratch.write(name, text).unwrap();
        ["--config".to_owned(), path.display().to_string()]
    };
    let file = scratch.path().join("events.jsonl");
    let container = Container::new(Naming::Docker).unwrap();
    let rest = json!({
        "version": 1,
        "receivers": { "ebpf": {
            "probes": { "process": {}, "open": {} }, "filter": { "container": [container.id()] },
        } },
        "processors": { "process": {}, "container": {} },
        "exporters": { "json": { "path": file } },
        "service": { "pipelines": { "events": { "receivers": ["ebpf"],
            "processors": ["process", "container"], "exporters": ["json", "prometheus"] } } },
    });
    // So that the end does not take minutes.
    let hurry = "exporters: { prometheus: { container_expiration: 10s, remote_write: { interval: 1s } } }\n";
    let arguments = [
        write("rest.yaml", rest.to_string()),
        write("scraped.yaml", example(1)),
        write("written.yaml", example(2)),
        write("hurry.yaml", hurry.to_owned()),
    ];
    let arguments: Vec<_> = arguments.iter().flatten().map(String::as_str).collect();
    let pipeline = Pipeline::with_arguments(&arguments).unwrap();
    pipeline.wait_for_log("started").unwrap();
    let script = "cat /etc/hostname; cat /etc/hostname; exit 5";
    let status = container.command("sh").args(["-c", script]).status();
    assert_eq!(status.unwrap().code(), Some(5));

    let scraped = Prometheus::scraping(page).unwrap();
    let of_container = format!("eunomia_events_total{{container_id=\"{}\"", container.id());
    let execs = format!("{of_container},event=\"process.exec\"}}");
    let count = |prometheus: &Prometheus, query: &str| {
        let found = prometheus.query(query).unwrap();
        found.first().map(|(_, value)| value.clone())
    };
    let over = || {
        let lines = lines(&file);
        let is_last = |event: &Event| event.integer("process.exit.code") == Some(5);
        let execs = lines.iter().filter(|event| event.kind() == "process.exec");
        Ok(lines.iter().any(is_last).then(|| execs.count().to_string()))
    };
    let expected = Some(until("the end of the shell in the file", over).unwrap());
    for prometheus in [&scraped, &written] {
        answers(&expected, || count(prometheus, &execs));
    }
    drop(container);
    for prometheus in [&scraped, &written] {
        answers(&None, || count(prometheus, &execs));
        let last = count(prometheus, &format!("last_over_time({execs}[1h])"));
        assert_eq!(last, expected);
    }
    let finished = pipeline.stop().unwrap();
    assert!(finished.accounts().iter().all(Account::holds));
}
