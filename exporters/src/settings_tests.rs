//! What is refused about an exporter's settings, through the table that the
//! program reads.

use eunomia_core::config::{Entry, Node, Span, Value};

use crate::EXPORTERS;

fn node(path: &str, value: Value) -> Node {
    Node {
        value,
        span: Span::whole("test"),
        path: path.into(),
    }
}

fn entry(key: &str, node: Node) -> Entry {
    Entry {
        key: key.into(),
        key_span: Span::whole("test"),
        node,
    }
}

/// The errors about `exporter` with one `key`, or its claims.
fn read(exporter: &str, key: &str, value: Value) -> Result<Vec<String>, String> {
    let value = node(&format!("{exporter}.{key}"), value);
    let body = node(exporter, Value::Map(vec![entry(key, value)]));
    let factory = EXPORTERS.iter().find(|factory| factory.name == exporter);
    let ready = factory.unwrap().read(&body, &mut Vec::new());
    ready
        .map(|ready| ready.claims)
        .map_err(|errors| errors.to_string())
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[track_caller]
fn refuses(exporter: &str, key: &str, value: Value, message: &str) {
    let errors = read(exporter, key, value).unwrap_err();
    assert!(errors.contains(message), "{errors}");
}

/// Each range and form that is checked.
#[test]
fn wrong_settings_are_refused() {
    let address = "expected an address such as http://127.0.0.1:4317";
    refuses("json", "path", text(""), "expected the path of a file");
    refuses("json", "pth", text("x"), "path");
    let known = "known are {event}, {signal}, {date} and attributes";
    refuses("json", "path", text("{evnt}"), known);
    refuses("json", "format", text("xml"), "ndjson");
    refuses("json", "format", text("otlp"), "expected {signal} in it");
    refuses("json", "compression", text("lz4"), "zstd");
    refuses("json", "fsync", text("always"), "batch");
    refuses("json", "max_open_files", Value::Integer(0), "1 to 65536");
    let no_rotation = "standard output cannot be rotated";
    refuses("json", "rotate", Value::Map(Vec::new()), no_rotation);
    refuses("record", "path", text("-"), "expected the path of a file");
    refuses("csv", "path", text("out.csv"), "expected {event} in it");
    refuses("csv", "path", text("-"), "expected {event} in it");
    refuses("console", "path", text(""), "expected the path of a file");
    refuses("record", "path", text(""), "expected the path of a file");
    refuses("otlp", "endpoint", text("127.0.0.1:4317"), address);
    refuses("otlp", "endpoint", text("unix:/x"), address);
    refuses("otlp", "endpoint", text("http://a:1/b"), "expected no path");
    refuses("otlp", "metrics_endpoint", text("a"), address);
    refuses("otlp", "protocol", text("http"), "http/json");
    refuses("otlp", "compression", text("snappy"), "zstd");
    refuses(
        "otlp",
        "bearer_token_file",
        text("/nowhere/a"),
        "/nowhere/a: No such file",
    );
    refuses("otlp", "max_request_bytes", text("1B"), "1KiB to 64MiB");
    refuses("otlp", "max_in_flight", Value::Integer(0), "1 to 64");
    refuses("otlp", "timeout", text("0s"), "more than zero");
    refuses("prometheus", "endpoint", text("9464"), "127.0.0.1:9464");
    refuses("prometheus", "series_limit", Value::Integer(0), "1 or more");
    influxdb_refuses();
    let skips = Entry {
        key: "insecure_skip_verify".into(),
        key_span: Span::whole("test"),
        node: node("otlp.tls.insecure_skip_verify", Value::Bool(true)),
    };
    let tls = Value::Map(vec![skips]);
    refuses(
        "otlp",
        "tls",
        tls,
        "expected an endpoint that begins with https",
    );
    refuses("prometheus", "metric_expiration", text("1s"), "10s or more");
    let sent = [
        ("endpoint", "127.0.0.1:9090"),
        ("interval", "10ms"),
        ("timeout", "0s"),
    ];
    let sent = sent.map(|(key, value)| entry(key, node("remote_write", text(value))));
    let sent = Value::Map(sent.into());
    for message in ["api/v1/write", "1s or more", "more than zero"] {
        refuses("prometheus", "remote_write", sent.clone(), message);
    }
    let labels = ["a.b", "a_b"].map(|label| node("labels", text(label)));
    let labels = Value::List(labels.into());
    refuses("prometheus", "labels", labels, "two labels are called a_b");
}

fn influxdb_refuses() {
    for (key, value, message) in [
        ("endpoint", text("8086"), "http://127.0.0.1:8086"),
        (
            "bucket",
            text(""),
            "expected `bucket`, the name of a bucket",
        ),
        (
            "org",
            text(""),
            "expected `org`, the name or id of an organisation",
        ),
        ("api", text("v4"), "v3"),
        ("schema", text("telegraf"), "telegraf-prometheus-v2"),
        ("token", text(""), "expected a token"),
        ("bearer_token_file", text("/nowhere"), "No such file"),
        (
            "create_bucket",
            Value::Bool(true),
            "expected api v2, a token",
        ),
        ("compression", text("zstd"), "InfluxDB reads no zstd"),
        ("max_lines", Value::Integer(0), "1 to 100000"),
        ("max_bytes", text("1B"), "1KiB to 64MiB"),
        ("max_in_flight", Value::Integer(65), "1 to 64"),
        ("timeout", text("0s"), "more than zero"),
        ("precision", text("m"), "ms"),
    ] {
        refuses("influxdb", key, value, message);
    }
}

/// What two exporters cannot share is claimed by each.
#[test]
fn places_are_claimed() {
    for (exporter, key, value, claim) in [
        ("json", "path", "-", "stdout"),
        ("json", "path", "/a//b", "file /a/b"),
        ("json", "path", "/a/{event}.x", "file /a/*.x"),
        ("csv", "path", "/a/{event}.csv", "file /a/*.csv"),
        ("console", "path", "-", "stdout"),
        ("record", "path", "/a/b", "file /a/b"),
        (
            "prometheus",
            "endpoint",
            "127.0.0.1:1",
            "address 127.0.0.1:1",
        ),
    ] {
        assert_eq!(read(exporter, key, text(value)), Ok(vec![claim.to_owned()]));
    }
    let port_zero = read("prometheus", "endpoint", text("127.0.0.1:0"));
    assert_eq!(port_zero, Ok(Vec::new()));
}
