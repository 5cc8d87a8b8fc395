mod conflicts;
mod constant;
mod formats;
mod model;
mod secured;

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use eunomia_core::account::{Account, Accountable, Accounts, ProbeAccount, ProcessorAccount};
use eunomia_core::batch::{Made, Target};
use eunomia_core::build::{BuildContext, BuildExporter as _};
use eunomia_core::key::Key;
use eunomia_core::metric::{MetricDescriptor, MetricKind, Point, PointValue};
use eunomia_core::queue::queue;
use eunomia_core::signal::{Carries, Signal};
use eunomia_core::subject::{Attributes, Cgroup, Container};
use eunomia_core::time::WallNanos;
use eunomia_core::value::OwnedValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::config::PrometheusConfig;
use super::page::Page;
use crate::support;

const NOW: WallNanos = WallNanos(1_795_334_400_000_000_000);

struct Fixed(Vec<Account>);

impl Accountable for Fixed {
    fn accounts(&self) -> Vec<Account> {
        self.0.clone()
    }

    fn points(&self) -> Vec<Point> {
        let mut attributes = Attributes::default();
        attributes.push(&Key::new("probe"), OwnedValue::Str("open".into()));
        attributes.push(&Key::new("program"), OwnedValue::Str("sys_exit".into()));
        vec![Point {
            metric: Arc::new(MetricDescriptor {
                name: Key::new("eunomia.probe.missed_runs"),
                unit: "{run}".into(),
                description: "Runs that the kernel skipped.".into(),
                kind: MetricKind::Counter,
            }),
            attributes,
            cgroup: None,
            container: None,
            start: NOW,
            value: PointValue::Uint(5),
        }]
    }
}

fn accounts() -> Accounts {
    let processor = Account::Processor(ProcessorAccount {
        processor: "filter".into(),
        incoming: 6,
        outgoing: 5,
        dropped: 1,
        dropped_by: [("condition".into(), 1)].into(),
        ..ProcessorAccount::default()
    });
    let probe = Account::Probe(ProbeAccount {
        probe: "open".into(),
        event: "file.open".into(),
        seen: 9,
        filtered: 1,
        lost: 2,
        lost_by: [("ring_full".into(), 2)].into(),
        received: 6,
        ..ProbeAccount::default()
    });
    let (_, _, exporter) = queue("json", PrometheusConfig::default().queue(), Carries::ALL);
    let accounts = Accounts::default();
    // One processor in two pipelines.
    accounts.register(Arc::new(Fixed(vec![probe, processor.clone(), processor])));
    accounts.register(exporter);
    accounts
}

fn page(config: &PrometheusConfig) -> Page {
    Page::new(config, &support::host(), None)
}

/// A page with own metrics.
fn whole_page(config: &PrometheusConfig, accounts: Accounts) -> Page {
    Page::new(config, &support::host(), Some(accounts))
}

fn render_for(page: &Page, accept: &str) -> String {
    str::from_utf8(&page.render(accept, NOW).1)
        .unwrap()
        .to_owned()
}

fn render(page: &Page) -> String {
    render_for(page, "")
}

/// The first scrape shows something, before there is any event.
#[test]
fn the_page_is_never_empty() {
    let page = whole_page(&PrometheusConfig::default(), accounts());
    shows(
        &page,
        r#"eunomia_exporter_accepted_events_total{exporter="json"} 0"#,
    );
}

/// Own metrics are left out where they are not wanted.
#[test]
fn own_metrics_can_be_left_out() {
    let text = render(&page(&PrometheusConfig::default()));
    assert!(
        text.lines().all(|line| line.contains("target_info")),
        "{text}"
    );
}

fn named_container(name: &str) -> Container {
    let mut attributes = Attributes::default();
    attributes.push(&Key::new("container.name"), OwnedValue::Str(name.into()));
    Container {
        id: name.into(),
        attributes,
    }
}

fn in_container(name: &str) -> Signal {
    let kind = support::open_kind();
    let mut actor = support::subject(1, b"/bin/a");
    actor.container = Some(Arc::new(named_container(name)));
    let event = (&kind, support::open(&kind, b"/a"));
    Signal::Events(support::batch(&[event], vec![actor]))
}

#[track_caller]
fn shows(page: &Page, line: &str) {
    shows_for(page, "", line);
}

#[track_caller]
fn shows_for(page: &Page, accept: &str, line: &str) {
    let text = render_for(page, accept);
    assert!(
        text.lines().any(|shown| shown == line),
        "{line} is not in\n{text}"
    );
}

/// The container's name is a label once it is known; hostile names stay inside.
#[test]
fn events_are_counted_by_container() {
    let page = page(&PrometheusConfig::default());
    for name in ["web", "web", "a\"\n\\"] {
        page.update(&in_container(name), NOW);
    }
    shows(
        &page,
        r#"eunomia_events_total{container_name="web",event="file.open"} 2"#,
    );
    shows(
        &page,
        r#"eunomia_events_total{container_name="a\"\n\\",event="file.open"} 1"#,
    );
}

/// Labels come from the schema, the actor or a processor.
#[test]
fn events_are_counted_by_configured_labels() {
    let labels = ["error.type", "process.executable.name", "verdict"];
    let config = PrometheusConfig {
        labels: labels.map(Into::into).into(),
        ..PrometheusConfig::default()
    };
    let page = page(&config);
    let kind = support::open_kind();
    let mut batch = support::batch(
        &[
            (&kind, support::open(&kind, b"/a")),
            (&kind, support::failed_open(&kind, b"/b")),
        ],
        vec![support::subject(1, b"/bin/a")],
    );
    batch.lay_over(1, Target::Named(Key::new("verdict")), Made::Bool(true));
    page.update(&Signal::Events(batch), NOW);
    shows(
        &page,
        r#"eunomia_events_total{process_executable_name="a"} 1"#,
    );
    shows(
        &page,
        r#"eunomia_events_total{error_type="ENOENT",process_executable_name="a",verdict="true"} 1"#,
    );
}

/// Beyond the limit there is one series more, and nothing is lost in it.
#[test]
fn series_are_bounded() {
    let config = PrometheusConfig {
        series_limit: 2,
        ..PrometheusConfig::default()
    };
    let page = whole_page(&config, Accounts::default());
    for name in ["a", "b", "c", "d", "a"] {
        page.update(&in_container(name), NOW);
    }
    shows(
        &page,
        r#"eunomia_events_total{otel_metric_overflow="true"} 2"#,
    );
    shows(
        &page,
        r#"eunomia_prometheus_overflow_total{metric="eunomia_events_total"} 2"#,
    );
    shows(
        &page,
        r#"eunomia_prometheus_series{metric="eunomia_events_total"} 2"#,
    );
    let mut batch = support::metrics();
    let gauge = batch.points.remove(1);
    batch.points = (0..5).map(|value| with_label(&gauge, value)).collect();
    page.update(&Signal::Metrics(batch), NOW);
    shows(
        &page,
        r#"eunomia_disk_queue{otel_metric_overflow="true"} 9"#,
    );
}

fn with_label(point: &Point, value: i64) -> Point {
    let mut attributes = Attributes::default();
    attributes.push(&Key::new("n"), OwnedValue::Int(value));
    Point {
        attributes,
        value: PointValue::Int(value),
        ..point.clone()
    }
}

/// Points whose labels are the same add up, once a batch.
#[test]
fn equal_label_sets_add_up() {
    let page = page(&PrometheusConfig::default());
    let mut batch = support::metrics();
    batch.points.extend(batch.points.clone());
    for _ in 0..2 {
        page.update(&Signal::Metrics(batch.clone()), NOW);
    }
    shows(&page, r#"eunomia_disk_queue{system_device="vda"} -2"#);
    shows(
        &page,
        r#"eunomia_disk_latency_seconds_bucket{system_device="vda",le="+Inf"} 12"#,
    );
}

/// Series that nobody updates are shown no longer.
#[test]
fn idle_series_disappear() {
    let page = page(&PrometheusConfig::default());
    page.update(&Signal::Metrics(support::metrics()), NOW);
    page.update(&in_container("web"), NOW);
    page.expire(WallNanos(NOW.0 + 301_000_000_000));
    assert!(!render(&page).contains("eunomia_disk"));
    assert!(render(&page).contains("web"));
    page.expire(WallNanos(NOW.0 + 3_601_000_000_000));
    assert!(!render(&page).contains("web"));
}

/// A moment so many seconds later.
fn after(seconds: u64) -> WallNanos {
    WallNanos(NOW.0 + seconds * 1_000_000_000)
}

/// An event of a container's cgroup.
fn by(cgroup: &Arc<Cgroup>) -> Signal {
    let kind = support::open_kind();
    let mut actor = support::subject(1, b"/bin/a");
    actor.cgroup = Some(Arc::clone(cgroup));
    let event = (&kind, support::open(&kind, b"/a"));
    Signal::Events(support::batch(&[event], vec![actor]))
}

/// A container's event counts are shown for a while after its last cgroup has
/// ended, and after the last event that was still on its way; what others count
/// too stays.
#[test]
fn event_counts_end_with_their_container() {
    for (label, ends) in [("container.id", true), ("process.executable.name", false)] {
        let config = PrometheusConfig {
            labels: vec![label.into()],
            ..PrometheusConfig::default()
        };
        let page = page(&config);
        let cgroups = ["/docker/4f66/a", "/docker/4f66/b"].map(support::cgroup);
        let [first, last] = cgroups.map(Arc::new);
        for cgroup in [&first, &last] {
            page.update(&by(cgroup), NOW);
        }
        first.end(after(1));
        let is_shown = |now| {
            page.expire(now);
            render(&page).contains("eunomia_events_total{")
        };
        assert!(is_shown(after(100)), "{label}: one cgroup is left");
        last.end(after(101));
        assert!(is_shown(after(160)), "{label}: not yet a minute");
        page.update(&by(&last), after(160));
        assert!(is_shown(after(219)), "{label}: a late event");
        assert_eq!(is_shown(after(220)), !ends, "{label}");
    }
}

/// A cgroup's points are shown for a while after it has ended, and do not come
/// back though the kernel's map still has them; without its path they are not
/// its alone.
#[test]
fn points_end_with_their_cgroup() {
    for (shows_path, ends) in [(true, true), (false, false)] {
        let page = page(&PrometheusConfig::default());
        let cgroup = Arc::new(support::cgroup("/docker/4f66"));
        let mut batch = support::metrics();
        for point in &mut batch.points {
            point.cgroup = Some(Arc::clone(&cgroup));
            if shows_path {
                point.attributes.extend(&cgroup.attributes);
            }
        }
        let mut is_shown = |now| {
            batch.time = now;
            page.expire(now);
            assert_eq!(page.update(&Signal::Metrics(batch.clone()), now), 0);
            render(&page).contains("eunomia_disk")
        };
        assert!(is_shown(NOW));
        cgroup.end(after(1));
        assert!(is_shown(after(60)), "not yet a minute");
        assert_eq!(is_shown(after(61)), !ends);
        assert_eq!(is_shown(after(100)), !ends, "it came back");
    }
}

fn context() -> BuildContext {
    support::context()
}

async fn scrape(address: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A port of 127.0.0.1 that nobody uses at the moment.
async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The page is served as text, and ends with the queue.
#[tokio::test]
async fn the_page_is_served() {
    let config = PrometheusConfig {
        endpoint: free_address().await,
        ..PrometheusConfig::default()
    };
    let address = config.endpoint.clone();
    let (writer, reader, _account) = queue("prometheus", config.queue(), Carries::ALL);
    let mut exporter = Box::new(config).build(&context()).unwrap();
    exporter.start().await.unwrap();
    writer.push(&Arc::new(in_container("web"))).await;
    let running = tokio::spawn(exporter.run(reader));
    let answer = scrape(&address).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-type: text/plain; version=0.0.4"),
        "{answer}"
    );
    assert!(answer.contains("eunomia_prometheus_series"), "{answer}");
    drop(writer);
    running.await.unwrap().unwrap();
}

/// A port that somebody else has is a clear error at the start.
#[tokio::test]
async fn a_port_in_use_is_refused_at_the_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = PrometheusConfig {
        endpoint: listener.local_addr().unwrap().to_string(),
        ..PrometheusConfig::default()
    };
    let mut exporter = Box::new(config).build(&context()).unwrap();
    let error = exporter.start().await.unwrap_err().to_string();
    assert!(error.starts_with("serve metrics on 127.0.0.1:"), "{error}");
    assert!(error.contains("in use"), "{error}");
}

/// Where `make test` keeps it, else wherever it is installed.
fn promtool() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let kept = "eunomia-peers/prometheus/usr/bin/promtool";
    let path = cache.or_else(home).map(|cache| cache.join(kept));
    path.filter(|path| path.exists())
        .unwrap_or_else(|| "promtool".into())
}

/// Prometheus's own checker has nothing to say against the page.
#[test]
fn promtool_accepts_the_page() {
    let page = whole_page(&PrometheusConfig::default(), accounts());
    page.update(&Signal::Events(support::sample()), NOW);
    page.update(&Signal::Metrics(support::metrics()), NOW);
    let mut promtool = Command::new(promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of the Debian package prometheus");
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(render(&page).as_bytes()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
}
