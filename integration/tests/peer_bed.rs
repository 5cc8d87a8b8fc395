//! The peers themselves: that what goes in is what a test reads.

use eunomia_integration::{Collector, InfluxDb, OtlpSink, Prometheus, check_metrics, post, until};
use serde_json::json;

const LOG: &str = r#"{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"scope":{},
    "logRecords":[{"timeUnixNano":"1","body":{"stringValue":"hello"}}]}]}]}"#;
const METRIC: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[]},"scopeMetrics":[{"scope":{},
    "metrics":[{"name":"bed.count","sum":{"aggregationTemporality":2,"isMonotonic":true,
    "dataPoints":[{"timeUnixNano":"1","asInt":"42"}]}}]}]}]}"#;

/// A log record reaches the file, a metric the file, the page and from there Prometheus.
#[test]
#[ignore = "needs `make peers`"]
fn collector_and_prometheus_return_what_they_were_sent() {
    let collector = Collector::start().unwrap();
    let port: u16 = collector
        .http()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    post(port, "/v1/logs", LOG).unwrap();
    post(port, "/v1/metrics", METRIC).unwrap();
    let page = collector.page().unwrap();
    assert!(page.contains("bed_count_total"), "{page}");
    let prometheus = Prometheus::scraping(collector.page_port()).unwrap();
    // A scrape that takes too long says for a second that there is no such series.
    let count = until("the count", || {
        Ok(prometheus.query("bed_count_total")?.pop())
    });
    assert_eq!(count.unwrap().1, "42");
    let signals = collector.stop().unwrap();
    assert_eq!(
        (signals.logs.len(), signals.metrics.len()),
        (1, 1),
        "{signals:?}"
    );
}

/// What was posted as JSON is read like what came as protobuf.
#[test]
#[ignore = "needs `make peers`"]
fn sink_returns_what_it_was_sent() {
    let sink = OtlpSink::start().unwrap();
    let port: u16 = sink.http().rsplit(':').next().unwrap().parse().unwrap();
    post(port, "/v1/logs", LOG).unwrap();
    post(port, "/v1/metrics", METRIC).unwrap();
    let signals = sink.signals().unwrap();
    assert_eq!(
        (signals.events().len(), signals.points().len()),
        (1, 1),
        "{signals:?}"
    );
}

/// A tag, a field of each type and a time to the nanosecond; nothing of a line that is none.
#[test]
#[ignore = "needs `make peers`"]
fn influxdb_returns_what_was_written() {
    let influxdb = InfluxDb::start().unwrap();
    let line =
        "file.open,host=a\\ b pid=9007199254740993i,path=\"x \\\"y\",ok=true 1795334400123456789";
    influxdb.write(line).unwrap();
    assert!(influxdb.write("no line protocol").is_err());
    let points = influxdb.points(InfluxDb::BUCKET).unwrap();
    let expected = json!([{ "measurement": "file.open", "time": "2026-11-22T08:00:00.123456789Z",
        "host": "a b", "pid": 9_007_199_254_740_993_u64, "path": "x \"y", "ok": true }]);
    assert_eq!(json!(points), expected);
}

/// promtool tells a page in order from one that is not.
#[test]
fn promtool_finds_what_is_wrong() {
    let good = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n";
    assert_eq!(check_metrics(good).unwrap(), "");
    assert!(
        check_metrics("a_total 1\n")
            .unwrap()
            .contains("no help text")
    );
    assert!(check_metrics("a_total\n").unwrap().contains("exit status"));
}
