//! The exporter against a receiver: what is said of every event is what
//! happened to it.

use eunomia_core::account::ExporterAccount;
use eunomia_core::config::{ByteSize, Duration, Secret};
use eunomia_core::signal::Signal;
use tokio::net::{TcpListener, TcpSocket};
use tonic::{Code, Status};

use super::fake::{Answer, Fake};
use crate::compress::Compression;
use crate::crowd::Crowd;
use crate::exported::{events, export};
use crate::front::{half_close, unix};
use crate::net::Endpoint;
use crate::otlp::config::{OtlpConfig, Protocol};
use crate::scratch::Folder;
use crate::support;

pub(super) const PROTOCOLS: [Protocol; 3] =
    [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson];

/// A configuration that waits for next to nothing.
pub(super) fn config(endpoint: &str) -> OtlpConfig {
    let mut config = OtlpConfig {
        endpoint: Some(endpoint.into()),
        ..OtlpConfig::default()
    };
    config.retry.initial = Duration::millis(1);
    config.retry.max = Duration::millis(2);
    config
}

/// The same for requests that are given up in the end.
pub(super) fn expiring(endpoint: &str) -> OtlpConfig {
    let mut config = config(endpoint);
    config.retry.max_elapsed = Duration::millis(60_000);
    config
}

pub(super) fn dropped(account: &ExporterAccount) -> Vec<(&str, u64)> {
    account
        .dropped_by
        .iter()
        .map(|(reason, count)| (&**reason, *count))
        .collect()
}

/// Several batches share one request; points go to their own service, whatever
/// the protocol and however it is compressed.
#[tokio::test]
async fn everything_is_delivered() {
    let compressions = [
        (Compression::None, None),
        (Compression::Gzip, Some("gzip")),
        (Compression::Zstd, Some("zstd")),
    ];
    for protocol in PROTOCOLS {
        for (compression, encoding) in compressions {
            let fake = Fake::default();
            let (address, serving) = fake.serve_as(protocol).await;
            let mut config = config(&format!("http://{address}"));
            config.protocol = protocol;
            config.compression = Some(compression);
            let bearer = Secret::new("Bearer x");
            config.headers.insert("authorization".into(), bearer);
            let points = Signal::Metrics(support::metrics());
            let account = export(config, vec![events(), events(), points]).await;
            let (accepted, delivered) = (account.accepted, account.delivered);
            assert_eq!((accepted, delivered, account.queued), (20, 20, 0));
            assert_eq!(fake.counts(), (2, 16, 4), "{protocol:?} {compression:?}");
            let encoding = encoding.map(str::to_owned);
            assert_eq!(fake.headers(), (Some("Bearer x".into()), encoding));
            serving.abort();
        }
    }
}

/// Bytes that leave the machine are compressed by what every receiver understands, unless it is said how.
#[test]
fn what_leaves_the_machine_is_compressed() {
    for (endpoint, default) in [
        ("http://127.0.0.1:4317", Compression::None),
        ("https://127.8.0.1", Compression::None),
        ("http://[::1]:4317", Compression::None),
        ("http://[::ffff:127.0.0.1]:4317", Compression::None),
        ("http://localhost:4317", Compression::None),
        ("http://LOCALHOST:4317", Compression::None),
        ("unix:///run/otlp.sock", Compression::None),
        ("http://192.0.2.1:4317", Compression::Gzip),
        ("https://[2001:db8::1]", Compression::Gzip),
        ("http://localhost.example:4317", Compression::Gzip),
    ] {
        let peer = Endpoint::parse(endpoint).unwrap();
        let mut config = config(endpoint);
        assert_eq!(config.compression_to(&peer), default, "{endpoint}");
        for said in [Compression::None, Compression::Zstd] {
            config.compression = Some(said);
            assert_eq!(config.compression_to(&peer), said, "{endpoint}");
        }
    }
}

/// Over HTTP a signal goes to its path below the endpoint's, or to where it is
/// sent by an endpoint of its own.
#[tokio::test]
async fn each_signal_has_its_path() {
    for (base, own, expected) in [
        ("", None, ["/v1/logs", "/v1/metrics"]),
        ("/otlp/", None, ["/otlp/v1/logs", "/otlp/v1/metrics"]),
        (
            "/otlp",
            Some("/in/metrics"),
            ["/otlp/v1/logs", "/in/metrics"],
        ),
    ] {
        let fake = Fake::default();
        let (address, serving) = fake.serve_http().await;
        let mut config = config(&format!("http://{address}{base}"));
        config.protocol = Protocol::HttpProtobuf;
        config.metrics_endpoint = own.map(|path| format!("http://{address}{path}"));
        let points = Signal::Metrics(support::metrics());
        let account = export(config, vec![points, events()]).await;
        assert_eq!(account.delivered, 12);
        let mut paths = fake.paths();
        paths.sort_by_key(|path| path.ends_with("metrics"));
        assert_eq!(paths, expected);
        serving.abort();
    }
}

/// A socket in the file system, for both protocols.
#[tokio::test]
async fn unix_sockets_are_spoken_to() {
    let folder = Folder::new("socket");
    for (name, protocol) in [("a", Protocol::Grpc), ("b", Protocol::HttpJson)] {
        let fake = Fake::default();
        let (address, serving) = fake.serve_as(protocol).await;
        let path = folder.path().join(name);
        let front = unix(address, &path);
        let mut config = config(&format!("unix://{}", path.display()));
        config.protocol = protocol;
        let account = export(config, vec![events()]).await;
        assert_eq!((account.delivered, fake.counts()), (8, (1, 8, 0)));
        front.abort();
        serving.abort();
    }
}

/// The table of the specification: which failures are temporary.
#[tokio::test]
async fn temporary_failures_are_repeated_and_others_are_not() {
    let repeated = [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unavailable,
        Code::DataLoss,
    ];
    let given_up = [
        (Code::Unknown, "unknown"),
        (Code::InvalidArgument, "invalid_argument"),
        (Code::NotFound, "not_found"),
        (Code::AlreadyExists, "already_exists"),
        (Code::PermissionDenied, "permission_denied"),
        (Code::Unauthenticated, "unauthenticated"),
        (Code::FailedPrecondition, "failed_precondition"),
        (Code::Unimplemented, "unimplemented"),
        (Code::Internal, "internal"),
        (Code::ResourceExhausted, "resource_exhausted"),
    ];
    for code in repeated {
        let fake = Fake::answering([Answer::Fail(Status::new(code, "later"))]);
        let (address, serving) = fake.serve().await;
        let account = export(config(&format!("http://{address}")), vec![events()]).await;
        assert_eq!(
            (account.delivered, dropped(&account)),
            (8, vec![]),
            "{code:?}"
        );
        assert_eq!(fake.counts(), (2, 8, 0), "{code:?}");
        serving.abort();
    }
    for (code, reason) in given_up {
        let fake = Fake::answering([Answer::Fail(Status::new(code, "never"))]);
        let (address, serving) = fake.serve().await;
        let account = export(config(&format!("http://{address}")), vec![events()]).await;
        assert_eq!(
            (account.delivered, dropped(&account)),
            (0, vec![(reason, 8)])
        );
        assert_eq!(fake.counts(), (1, 0, 0), "{code:?}");
        serving.abort();
    }
}

/// What was rejected is counted and never sent again; a message alone is advice.
#[tokio::test]
async fn a_partial_success_is_counted() {
    for protocol in PROTOCOLS {
        for (rejected, expected) in [(3, (13, vec![("rejected", 3)])), (0, (16, vec![]))] {
            let answer = Answer::Reject(rejected, "too old".into());
            let fake = Fake::answering([answer]);
            let (address, serving) = fake.serve_as(protocol).await;
            let mut config = config(&format!("http://{address}"));
            config.protocol = protocol;
            let account = export(config, vec![events(), events()]).await;
            assert_eq!((account.delivered, dropped(&account)), expected);
            assert_eq!(fake.counts().0, 1, "{protocol:?}");
            serving.abort();
        }
    }
}

/// An answer of more than 4 MiB is not read, and the request not sent again.
#[tokio::test]
async fn an_answer_that_is_too_long_is_given_up() {
    let compressed = (Protocol::Grpc, Compression::Gzip);
    let plain = PROTOCOLS.map(|protocol| (protocol, Compression::None));
    for (protocol, compression) in plain.into_iter().chain([compressed]) {
        let answer = Answer::Reject(0, "x".repeat(5 << 20));
        let fake = Fake::answering([answer]);
        let (address, serving) = fake.serve_as(protocol).await;
        let mut config = config(&format!("http://{address}"));
        config.protocol = protocol;
        config.compression = Some(compression);
        let account = export(config, vec![events()]).await;
        let reasons = vec![("answer_too_long", 8)];
        assert_eq!((account.delivered, dropped(&account)), (0, reasons));
        assert_eq!(fake.counts().0, 1, "{protocol:?}");
        serving.abort();
    }
}

/// As many requests at once as are configured, and no more.
#[tokio::test]
async fn several_requests_are_on_their_way() {
    for protocol in PROTOCOLS {
        for max_in_flight in [2, 4] {
            let wanted = usize::try_from(max_in_flight).unwrap();
            let crowd = Crowd::of(wanted);
            let fake = Fake::crowded(&crowd);
            let (address, serving) = fake.serve_as(protocol).await;
            let mut config = config(&format!("http://{address}"));
            config.protocol = protocol;
            config.max_in_flight = max_in_flight;
            // Who waits for an answer alone waits for ever.
            config.timeout = Duration::seconds(300);
            config.retry.max_elapsed = config.timeout;
            // Each batch of points has a request of its own.
            let points = || Signal::Metrics(support::metrics());
            let account = export(config, (0..16).map(|_| points()).collect()).await;
            assert_eq!((account.delivered, dropped(&account)), (64, vec![]));
            assert_eq!(crowd.most(), wanted, "{protocol:?}");
            serving.abort();
        }
    }
}

/// Who takes a request and stays silent is given up after the time that is
/// configured; without one he is asked again.
#[tokio::test]
async fn silence_is_a_failure() {
    for protocol in PROTOCOLS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = config(&format!("http://{address}"));
        config.protocol = protocol;
        config.timeout = Duration::millis(5);
        config.retry.max_elapsed = Duration::millis(20);
        // Connections are made by the kernel; nobody takes them.
        let account = export(config, vec![events()]).await;
        let reasons = vec![("retry_expired", 8)];
        assert_eq!((account.delivered, dropped(&account)), (0, reasons));
        drop(listener);
    }
}

/// Events that no request can hold are dropped, the others are not.
#[tokio::test]
async fn oversized_events_are_counted() {
    let fake = Fake::default();
    let (address, serving) = fake.serve().await;
    let kind = support::open_kind();
    let long = vec![b'x'; 4000];
    let batch = support::batch(
        &[
            (&kind, support::open(&kind, b"/short")),
            (&kind, support::open(&kind, &long)),
        ],
        Vec::new(),
    );
    let mut config = config(&format!("http://{address}"));
    config.max_request_bytes = ByteSize(2048);
    let account = export(config, vec![Signal::Events(batch)]).await;
    assert_eq!(
        (account.delivered, dropped(&account)),
        (1, vec![("too_large", 1)])
    );
    serving.abort();
}

/// Nobody listens: given up after the time that is configured, counted.
#[tokio::test]
async fn a_request_expires_where_that_is_configured() {
    // Bound, so that nobody else gets the port, and deaf.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = deaf.local_addr().unwrap();
    let mut config = config(&format!("http://{address}"));
    config.retry.max_elapsed = Duration::millis(20);
    let account = export(config, vec![events()]).await;
    assert_eq!(
        (account.delivered, dropped(&account)),
        (0, vec![("retry_expired", 8)])
    );
}

/// Over each protocol, who does this with the connections gets the same request again and again.
async fn is_no_answer(does: impl AsyncFn(&TcpListener)) {
    for protocol in PROTOCOLS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = config(&format!("http://{address}"));
        config.protocol = protocol;
        tokio::select! {
            account = export(config, vec![events()]) => panic!("{account:?}"),
            () = does(&listener) => {}
        }
    }
}

/// Ends so many connections as soon as they are there.
async fn hang_up(listener: &TcpListener, times: usize) {
    for _ in 0..times {
        drop(listener.accept().await.unwrap());
    }
}

/// A connection that ends unanswered says nothing of the request: it is sent
/// again.
#[tokio::test]
async fn a_connection_that_ends_is_no_answer() {
    is_no_answer(async |listener| hang_up(listener, 5).await).await;
}

/// Neither is one that is closed in half, by whoever still listens.
#[tokio::test]
async fn a_half_closed_connection_is_no_answer() {
    is_no_answer(async |listener| half_close(listener, 3).await).await;
}

/// A receiver that comes back gets what was waiting for it.
#[tokio::test]
async fn what_was_collected_in_an_outage_is_delivered_after_it() {
    let outage = (0..5).map(|_| Answer::Fail(Status::unavailable("down")));
    let fake = Fake::answering(outage);
    let (address, serving) = fake.serve().await;
    let signals = (0..50).map(|_| events()).collect();
    let account = export(config(&format!("http://{address}")), signals).await;
    assert_eq!((account.accepted, account.delivered), (400, 400));
    assert_eq!(fake.counts().1, 400);
    serving.abort();
}
