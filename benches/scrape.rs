//! What a scrape of ten thousand series costs, format by format: a Markdown table
//! on stdout.

#[path = "hot_path/clock.rs"]
mod clock;

use std::error::Error;
use std::hint::black_box;
use std::io::{Write, stdout};
use std::sync::Arc;

use clock::Rounds;
use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::metric::{MetricBatch, MetricDescriptor, MetricKind, Point, PointValue};
use eunomia_core::signal::Signal;
use eunomia_core::subject::Attributes;
use eunomia_core::time::WallNanos;
use eunomia_core::value::OwnedValue;
use eunomia_exporters::{PrometheusConfig, PrometheusPage};

/// Metrics, and series of each.
const METRICS: usize = 5;
const SERIES: usize = 2000;

/// Scrapes of each format, and those before them that warm caches up.
const ROUNDS: usize = 100;
const WARM_UP: usize = 5;

const BUDGET_MS: f64 = 15.0;

/// The formats, as a scraper asks for them.
const FORMATS: [(&str, &str); 3] = [
    ("text 0.0.4", "text/plain;version=0.0.4"),
    (
        "OpenMetrics 1.0.0",
        "application/openmetrics-text;version=1.0.0",
    ),
    (
        "protobuf",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let page = PrometheusPage::new(&PrometheusConfig::default(), &Host::default(), None);
    page.update(&Signal::Metrics(points()), WallNanos(0));
    let mut out = stdout().lock();
    writeln!(
        out,
        "| format | median ms | best ms | bytes | budget ms | |"
    )?;
    writeln!(out, "|---|--:|--:|--:|--:|---|")?;
    for (name, accept) in FORMATS {
        let mut rounds = Rounds::default();
        let mut bytes = 0;
        for round in 0..WARM_UP + ROUNDS {
            if round == WARM_UP {
                rounds = Rounds::default();
            }
            let (_, body) = rounds.time(|| page.render(accept, WallNanos(0)));
            bytes = black_box(body).len();
        }
        let (median, best) = rounds.per(1_000_000);
        let verdict = if median <= BUDGET_MS {
            "held"
        } else {
            "**missed**"
        };
        writeln!(
            out,
            "| {name} | {median:.2} | {best:.2} | {bytes} | {BUDGET_MS} | {verdict} |"
        )?;
    }
    Ok(())
}

/// One batch of all series.
fn points() -> MetricBatch {
    let keys = ["container.id", "device", "operation", "error.type"].map(Key::new);
    let metric = |number: usize| {
        Arc::new(MetricDescriptor {
            name: Key::new(&format!("eunomia.bench.metric{number}.io")),
            unit: "By".into(),
            description: "What the bench counts.".into(),
            kind: MetricKind::Counter,
        })
    };
    let mut points = Vec::new();
    for metric in (0..METRICS).map(metric) {
        for series in 0..SERIES {
            let mut attributes = Attributes::default();
            let values = [
                format!("{series:012x}"),
                format!("nvme{}n1", series % 16),
                "write".to_owned(),
                "ENOENT".to_owned(),
            ];
            for (key, value) in keys.iter().zip(values) {
                attributes.push(key, OwnedValue::Str(value.into()));
            }
            points.push(Point {
                metric: Arc::clone(&metric),
                attributes,
                container: None,
                cgroup: None,
                start: WallNanos(0),
                value: PointValue::Uint(1_234_567 * series as u64),
            });
        }
    }
    MetricBatch {
        time: WallNanos(0),
        points,
    }
}
