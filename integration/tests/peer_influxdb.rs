//! The exporter `influxdb` against the real servers: hostile names, the page's first quarter of an
//! hour, and what the servers answer when something is wrong.
#![expect(clippy::unwrap_used, reason = "a test bed that fails ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use eunomia_integration::{
    Account, Container, Event, InfluxDb, InfluxDb1, Naming, Pipeline, Scratch, Shell,
};
use serde_json::{Value, json};

/// Names of programs that elsewhere forged points, swallowed lines or were comments.
const NAMES: [&str; 6] = ["a\nevil v=1", "b\\", "\"c", "d,e=f g", "#h", "i\\ \"\t"];

/// The exporter's settings for `influxdb`, with `more` of them.
fn settings(influxdb: &InfluxDb, more: Value) -> Value {
    let mut settings = json!({ "endpoint": influxdb.url(), "org": InfluxDb::ORG,
        "bucket": InfluxDb::BUCKET, "token": InfluxDb::TOKEN, "linger": "10ms" });
    let Value::Object(more) = more else {
        return settings;
    };
    settings.as_object_mut().unwrap().extend(more);
    settings
}

/// A program that sends what the tree of `shell` does to `influxdb` and writes it into a file.
fn start(shell: &Shell, influxdb: &Value, scratch: &Scratch) -> Pipeline {
    let configuration = json!({
        "version": 1,
        "receivers": { "ebpf": {
            "probes": { "process": {}, "open": {} }, "filter": { "pid_tree": [shell.pid()] },
        } },
        "processors": { "process": {}, "container": {} },
        "exporters": {
            "influxdb": influxdb,
            "json": { "path": scratch.path().join("events.jsonl") },
        },
        "service": { "pipelines": { "events": {
            "receivers": ["ebpf"],
            "processors": ["process", "container"],
            "exporters": ["influxdb", "json"],
        } } },
    });
    let pipeline = Pipeline::start(&configuration.to_string(), &[]).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    pipeline
}

/// What the file has and what the exporter counted, once the program has ended.
#[track_caller]
fn finish(pipeline: Pipeline, scratch: &Scratch) -> (Vec<Event>, Exported) {
    let finished = pipeline.stop().unwrap();
    let accounts = finished.accounts();
    assert!(accounts.iter().all(Account::holds), "{accounts:?}");
    let text = fs::read_to_string(scratch.path().join("events.jsonl")).unwrap();
    let exported = accounts.into_iter().find_map(|account| match account {
        Account::Exporter {
            exporter,
            delivered,
            dropped_by,
            ..
        } if exporter == "influxdb" => Some((delivered, dropped_by.into_iter().collect())),
        Account::Exporter { .. } | Account::Probe { .. } | Account::Processor { .. } => None,
    });
    (Event::read_all(&text).unwrap(), exported.unwrap())
}

/// Events that were delivered, and those dropped by their reasons.
type Exported = (u64, Vec<(String, u64)>);

fn count(events: &[Event]) -> u64 {
    u64::try_from(events.len()).unwrap()
}

fn texts(name: &str, events: &[Event]) -> BTreeSet<String> {
    let texts = events.iter().filter_map(|event| event.text(name));
    texts.map(str::to_owned).collect()
}

/// A shell that runs `true` under each of the names.
fn hostile_programs(scratch: &Scratch) -> Shell {
    let folder = scratch.path().join("bin");
    fs::create_dir(&folder).unwrap();
    for name in NAMES {
        fs::copy("/bin/true", folder.join(name)).unwrap();
    }
    let script = format!(
        "for program in '{}'/*; do \"$program\"; done",
        folder.display()
    );
    Shell::held(&script).unwrap()
}

/// Whatever a program is called, its events are there and no others, under their exact names; a tag
/// of the same names forges nothing either. With version 2 and version 1.
#[test]
#[ignore = "needs `make peers`"]
fn hostile_names_forge_nothing_and_lose_nothing() {
    let (influxdb, influxdb1) = (InfluxDb::start().unwrap(), InfluxDb1::start().unwrap());
    let two = settings(&influxdb, json!({ "tags": ["eunomia.process.comm"] }));
    let one = json!({ "endpoint": influxdb1.url(), "api": "v1", "bucket": InfluxDb1::DATABASE,
        "tags": ["eunomia.process.comm"] });
    for to in [two, one] {
        let scratch = Scratch::new("hostile").unwrap();
        let shell = hostile_programs(&scratch);
        let pipeline = start(&shell, &to, &scratch);
        assert!(shell.finish().unwrap().success());
        let (events, exported) = finish(pipeline, &scratch);
        assert_eq!(exported, (count(&events), Vec::new()));
        let points = match to["api"].as_str() {
            None => influxdb.points(InfluxDb::BUCKET).unwrap(),
            Some(_) => influxdb1.points().unwrap(),
        };
        assert_eq!(points.len(), events.len());
        assert_eq!(texts("measurement", &points), texts("event", &events));
        let named = texts("process.executable.name", &points);
        assert_eq!(named, texts("process.executable.name", &events));
        for name in NAMES {
            assert!(named.contains(name), "{name:?} is not among {named:?}");
        }
    }
}

/// The page's own configuration and its own query, with a container's events: found under the id of
/// the container. The bucket is made on the way, and times are exact to the nanosecond.
#[test]
#[ignore = "needs `make peers`"]
fn the_first_quarter_of_an_hour_goes_as_the_page_says() {
    let influxdb = InfluxDb::start().unwrap();
    let container = Container::new(Naming::Docker).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/exporters/influxdb.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, quarter) = page.split_once("## A quarter of an hour").unwrap();
    let between = |from: &str, to: &str| {
        let (_, rest) = quarter.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let configuration = between("```yaml\n", "```");
    let query = between("query --org o --token t0ken '", "'");
    let scratch = Scratch::new("quarter").unwrap();
    let set = |key: &str, value: &str| [String::from("--set"), format!("{key}={value}")];
    let arguments = [
        set(
            "receivers.ebpf.filter.container",
            &format!("[{}]", container.id()),
        ),
        set("exporters.influxdb.endpoint", &influxdb.url()),
        set("exporters.influxdb.token", InfluxDb::TOKEN),
        set("exporters.influxdb.create_bucket", "true"),
        set("exporters.influxdb.bucket", "new"),
        set(
            "exporters.json.path",
            &scratch.path().join("events.jsonl").display().to_string(),
        ),
        set("service.pipelines.events.exporters", "[influxdb, json]"),
    ];
    let arguments: Vec<_> = arguments.iter().flatten().map(String::as_str).collect();
    let pipeline = Pipeline::start(&configuration, &arguments).unwrap();
    pipeline.wait_for_log("\"started\"").unwrap();
    let status = container.command("cat").arg("/etc/hostname").status();
    assert!(status.unwrap().success());
    let (events, exported) = finish(pipeline, &scratch);
    assert_eq!(exported, (count(&events), Vec::new()));

    let rows = influxdb.query(&query.replace("\"b\"", "\"new\"")).unwrap();
    let is_exec = |event: &&Event| event.kind() == "process.exec";
    let mut started = BTreeMap::<_, u64>::new();
    for event in events.iter().filter(is_exec) {
        let path = event.text("process.executable.path").unwrap();
        *started.entry(path.to_owned()).or_default() += 1;
    }
    assert!(started.contains_key("/bin/busybox"), "{started:?}");
    let id = json!(container.id());
    assert!(rows.iter().all(|row| row["container.id"] == id), "{rows:?}");
    let found: BTreeMap<_, _> = rows
        .iter()
        .map(|row| {
            (
                row["_value"].as_str().unwrap().to_owned(),
                row["_field"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, started);

    let points = influxdb.points("new").unwrap();
    let of = |one: &Event, kind: &str| {
        json!([
            one.get(kind),
            one.get("time"),
            one.get("container.id"),
            one.get("process.pid")
        ])
        .to_string()
    };
    let told: BTreeSet<_> = points
        .iter()
        .map(|point| of(point, "measurement"))
        .collect();
    let expected: BTreeSet<_> = events.iter().map(|event| of(event, "event")).collect();
    assert_eq!(told, expected);
}

/// A field that has another type already: its points are refused and counted, all others written.
#[test]
#[ignore = "needs `make peers`"]
fn a_conflict_of_types_costs_only_those_points() {
    let influxdb = InfluxDb::start().unwrap();
    influxdb.write("process.exec process.pid=\"text\"").unwrap();
    let scratch = Scratch::new("conflict").unwrap();
    let shell = Shell::held("/bin/true; /bin/true").unwrap();
    let pipeline = start(&shell, &settings(&influxdb, json!({})), &scratch);
    assert!(shell.finish().unwrap().success());
    let (events, exported) = finish(pipeline, &scratch);
    let is_exec = |event: &Event| event.kind() == "process.exec";
    let (execs, others): (Vec<_>, Vec<_>) = events.into_iter().partition(is_exec);
    assert!(!execs.is_empty() && !others.is_empty());
    assert_eq!(
        exported,
        (count(&others), vec![("rejected".to_owned(), count(&execs))])
    );
    // Of the others there is one more: the one that was there first.
    assert_eq!(
        influxdb.points(InfluxDb::BUCKET).unwrap().len(),
        others.len() + 1
    );
}

/// The servers' own words are those that the exporter reads: of a conflict the rest is written, of a
/// line that is none nothing by version 2, the rest by version 1.
#[test]
#[ignore = "needs `make peers`"]
fn servers_refuse_in_the_words_that_are_read() {
    let (two, one) = (InfluxDb::start().unwrap(), InfluxDb1::start().unwrap());
    let conflict = "m v=\"a\" 2\nm v=3 3";
    let broken = "m v=\nm v=4 4";
    two.write("m v=1 1").unwrap();
    one.write("m v=1 1").unwrap();
    let rows = [
        (two.write(conflict), ["422", "partial write", "dropped=1"]),
        (
            two.write(broken),
            ["400", "unable to parse", "missing field value"],
        ),
        (one.write(conflict), ["400", "partial write", "dropped=1"]),
        (
            one.write(broken),
            ["400", "partial write", "unable to parse '"],
        ),
    ];
    for (answer, said) in rows {
        let error = answer.unwrap_err().to_string();
        assert!(
            said.iter().all(|words| error.contains(words)),
            "{said:?}: {error}"
        );
    }
    assert_eq!(two.points(InfluxDb::BUCKET).unwrap().len(), 2);
    assert_eq!(one.points().unwrap().len(), 3);
}

/// A token that is none, one that may not write, a bucket that is none: said with the remedy, and
/// nothing is given up before the end.
#[test]
#[ignore = "needs `make peers`"]
fn a_wrong_configuration_is_said_and_waited_for() {
    let influxdb = InfluxDb::start().unwrap();
    let reading = influxdb.reading_token().unwrap();
    for (wrong, status, remedy) in [
        (
            json!({ "token": "nobody's" }),
            "401",
            "please check the token",
        ),
        (
            json!({ "token": reading }),
            "403",
            "please use a token that may write to it",
        ),
        (
            json!({ "bucket": "nowhere" }),
            "404",
            "please make the bucket nowhere",
        ),
    ] {
        let scratch = Scratch::new("wrong").unwrap();
        let shell = Shell::held("/bin/true").unwrap();
        let pipeline = start(&shell, &settings(&influxdb, wrong), &scratch);
        assert!(shell.finish().unwrap().success());
        pipeline.wait_for_log(status).unwrap();
        pipeline.wait_for_log(remedy).unwrap();
    }
    assert!(influxdb.points(InfluxDb::BUCKET).unwrap().is_empty());
}

/// A server whose cache is full says 500; when there is room again it gets everything, once.
#[test]
#[ignore = "needs `make peers`"]
fn a_server_whose_cache_is_full_gets_it_later() {
    let arguments = [
        "--storage-cache-max-memory-size=1048576",
        "--storage-cache-snapshot-memory-size=100000000",
    ];
    let influxdb = InfluxDb::with_arguments(&arguments).unwrap();
    // Each week has a cache of its own: it is this one's that is filled.
    let mut time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    let mut fill = |lines: u32| {
        let lines: Vec<_> = (0..lines)
            .map(|line| {
                time -= 1;
                format!("filling v={line} {time}")
            })
            .collect();
        influxdb.write(&lines.join("\n"))
    };
    // What is as small as one point finds no room any more.
    let full = [10_000, 100, 1].map(|lines| (0..1000).find_map(|_| fill(lines).err()).unwrap());
    for error in full.map(|error| error.to_string()) {
        assert!(
            error.contains("500") && error.contains("cache-max-memory-size"),
            "{error}"
        );
    }
    let scratch = Scratch::new("full").unwrap();
    let shell = Shell::held("/bin/true").unwrap();
    let pipeline = start(&shell, &settings(&influxdb, json!({})), &scratch);
    assert!(shell.finish().unwrap().success());
    pipeline.wait_for_log("500 Internal Server Error").unwrap();
    influxdb.delete("filling").unwrap();
    let (events, exported) = finish(pipeline, &scratch);
    assert_eq!(exported, (count(&events), Vec::new()));
    assert_eq!(
        influxdb.points(InfluxDb::BUCKET).unwrap().len(),
        events.len()
    );
}
