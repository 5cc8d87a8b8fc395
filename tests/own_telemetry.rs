//! What the daemon tells of itself over OTLP, as a receiver gets it.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use eunomia_core::account::{Account, Accountable, Accounts, ExporterAccount, ProcessorAccount};
use eunomia_core::component::Host;
use eunomia_core::config::Secret;
use eunomia_pipeline::config::{OwnOtlp, Telemetry};
use eunomia_pipeline::telemetry::OwnTelemetry;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use prost::Message as _;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(60);

struct Fixed(Vec<Account>);

impl Accountable for Fixed {
    fn accounts(&self) -> Vec<Account> {
        self.0.clone()
    }
}

/// One processor in two pipelines, and an exporter.
fn accounts() -> Accounts {
    let processor = Account::Processor(ProcessorAccount {
        processor: "filter".into(),
        incoming: 6,
        outgoing: 6,
        ..ProcessorAccount::default()
    });
    let exporter = Account::Exporter(ExporterAccount {
        exporter: "json".into(),
        accepted: 12,
        delivered: 7,
        dropped: 2,
        dropped_by: [("disk_full".into(), 2)].into(),
        queued: 3,
        queued_bytes: 300,
    });
    let accounts = Accounts::default();
    accounts.register(Arc::new(Fixed(vec![
        processor.clone(),
        processor,
        exporter,
    ])));
    accounts
}

/// Paths, keys and bodies of requests.
type Requests = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// A receiver that takes everything, and where it listens.
async fn receiver() -> (Requests, String) {
    let requests = Requests::default();
    let taken = Arc::clone(&requests);
    let take = move |request: Request| {
        let taken = Arc::clone(&taken);
        async move {
            let key = request.headers()["x-key"].to_str().unwrap().to_owned();
            let path = request.uri().path().to_owned();
            let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
            taken.lock().unwrap().push((path, key, body));
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = axum::serve(listener, Router::new().fallback(take));
    tokio::spawn(serving.into_future());
    (requests, format!("http://{address}/below"))
}

fn settings(endpoint: String) -> Telemetry {
    Telemetry {
        otlp: Some(OwnOtlp {
            endpoint,
            headers: [("x-key".to_owned(), Secret::new("s3cret"))].into(),
            ..OwnOtlp::default()
        }),
        traces: true,
        ..Telemetry::default()
    }
}

fn labels(attributes: &[KeyValue]) -> String {
    let each = attributes.iter().map(|one| {
        match one.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => format!("{}={text}", one.key),
            other => format!("{}={other:?}", one.key),
        }
    });
    each.collect::<Vec<_>>().join(",")
}

/// The integers of a request by their metric and labels.
fn values(body: &Bytes) -> BTreeMap<String, i64> {
    let request = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
    let groups = request.resource_metrics.into_iter();
    let metrics = groups.flat_map(|group| {
        assert!(labels(&group.resource.unwrap().attributes).contains("service.name=eunomia"));
        group
            .scope_metrics
            .into_iter()
            .flat_map(|scope| scope.metrics)
    });
    let mut values = BTreeMap::new();
    for metric in metrics {
        let points = match metric.data.unwrap() {
            Data::Sum(sum) => {
                assert!(sum.is_monotonic);
                sum.data_points
            }
            Data::Gauge(gauge) => gauge.data_points,
            other @ (Data::Histogram(_) | Data::ExponentialHistogram(_) | Data::Summary(_)) => {
                unreachable!("no own metric is {other:?}")
            }
        };
        for point in points {
            let key = format!("{} {}", metric.name, labels(&point.attributes));
            if let Some(number_data_point::Value::AsInt(value)) = point.value {
                values.insert(key, value);
            }
        }
    }
    values
}

/// The last state reaches the receiver at the end: names with dots, the same values as the account,
/// what has the same labels added up; and a span that says why it failed.
#[tokio::test(flavor = "multi_thread")]
async fn own_metrics_and_spans_reach_a_receiver() {
    let (requests, endpoint) = receiver().await;
    let host = Host::default();
    let telemetry = OwnTelemetry::start(&settings(endpoint), &host, &accounts());
    let telemetry = telemetry.unwrap().unwrap();
    let mut span = OwnTelemetry::spans(Some(&telemetry)).begin("reload");
    span.failed("a wrong file");
    drop(span);
    telemetry.finish(LIMIT).await;
    let requests = requests.lock().unwrap().clone();
    assert!(requests.iter().all(|(_, key, _)| key == "s3cret"));
    let body = |path: &str| {
        let found = requests.iter().rfind(|(at, ..)| at == path);
        found.map(|(.., body)| body.clone()).unwrap()
    };
    let expected = [
        ("eunomia.exporter.accepted.events exporter=json", 12),
        ("eunomia.exporter.delivered.events exporter=json", 7),
        (
            "eunomia.exporter.dropped.events exporter=json,reason=disk_full",
            2,
        ),
        (
            "eunomia.exporter.dropped.events exporter=json,reason=queue_full",
            0,
        ),
        ("eunomia.exporter.queue.bytes exporter=json", 300),
        ("eunomia.exporter.queue.events exporter=json", 3),
        ("eunomia.processor.incoming.events processor=filter", 12),
        ("eunomia.processor.outgoing.events processor=filter", 12),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(values(&body("/below/v1/metrics")), expected.into());
    let spans = ExportTraceServiceRequest::decode(body("/below/v1/traces")).unwrap();
    let span = &spans.resource_spans[0].scope_spans[0].spans[0];
    let status = span.status.as_ref().unwrap();
    assert_eq!((&*span.name, &*status.message), ("reload", "a wrong file"));
}

/// Without `otlp` nothing is started.
#[tokio::test]
async fn nothing_runs_that_nobody_wants() {
    let started = OwnTelemetry::start(&Telemetry::default(), &Host::default(), &accounts());
    assert!(started.unwrap().is_none());
}

/// A receiver that never answers holds nothing up: the end comes when the time for it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_receiver_holds_up_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let telemetry = OwnTelemetry::start(&settings(endpoint), &Host::default(), &accounts());
    telemetry.unwrap().unwrap().finish(Duration::ZERO).await;
}
