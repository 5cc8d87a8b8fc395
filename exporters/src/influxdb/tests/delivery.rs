//! The exporter against a server: what is said of every event is what happened
//! to it.

use std::net::Ipv4Addr;

use eunomia_core::config::{ByteSize, Duration, Secret};
use eunomia_core::signal::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::fake::{Answer, Fake};
use crate::compress::Compression;
use crate::crowd::Crowd;
use crate::exported::{events, export, outcome};
use crate::front::half_close;
use crate::influxdb::config::{Api, InfluxdbConfig, Precision};
use crate::net::BasicAuth;
use crate::support;

/// A configuration that waits for next to nothing.
pub(super) fn config(endpoint: &str) -> InfluxdbConfig {
    let mut config = InfluxdbConfig {
        endpoint: endpoint.into(),
        org: "o".into(),
        bucket: "b".into(),
        token: Some(Secret::new("t0ken")),
        linger: Duration::millis(1),
        ..InfluxdbConfig::default()
    };
    config.retry.initial = Duration::millis(1);
    config.retry.max = Duration::millis(2);
    config
}

/// Batches share a request; events and points go the same way.
#[tokio::test]
async fn everything_is_delivered() {
    let fake = Fake::default();
    let (endpoint, serving) = fake.serve().await;
    let signals = vec![events(), events(), Signal::Metrics(support::metrics())];
    let account = export(config(&endpoint), signals).await;
    assert_eq!(outcome(&account), (20, vec![]));
    let [write] = &*fake.writes() else {
        panic!("{:?}", fake.writes());
    };
    assert_eq!(write.points.len(), 20);
    assert_eq!(write.headers.get("content-encoding").unwrap(), "gzip");
    let kind = write.headers.get("content-type").unwrap();
    assert_eq!(kind, "text/plain; charset=utf-8");
    assert_eq!(write.authorization(), "Token t0ken");
    serving.abort();
}

/// Each version has its path, its names for units, and its word for a token.
#[tokio::test]
async fn each_version_is_written_to_as_it_wants() {
    let basic = BasicAuth {
        username: "u".into(),
        password: Secret::new("p"),
    };
    for (api, bucket, precision, uri) in [
        (Api::V1, "d", Precision::Ns, "/write?db=d&precision=n"),
        (
            Api::V1,
            "d/a b",
            Precision::Us,
            "/write?db=d&precision=u&rp=a%20b",
        ),
        (
            Api::V2,
            "b&c",
            Precision::Ms,
            "/api/v2/write?org=o&bucket=b%26c&precision=ms",
        ),
        (
            Api::V3,
            "d",
            Precision::S,
            "/api/v3/write_lp?db=d&precision=second",
        ),
    ] {
        let fake = Fake::default();
        let (endpoint, serving) = fake.serve().await;
        let mut config = config(&format!("{endpoint}/below/"));
        config.api = api;
        config.bucket = bucket.into();
        config.precision = precision;
        config.compression = Compression::None;
        if api == Api::V1 {
            config.token = None;
            config.basic_auth = Some(basic.clone());
        }
        let account = export(config, vec![events()]).await;
        assert_eq!(outcome(&account), (8, vec![]));
        let write = fake.writes().remove(0);
        assert_eq!(write.uri, format!("/below{uri}"));
        let authorization = match api {
            Api::V1 => "Basic dTpw",
            Api::V2 => "Token t0ken",
            Api::V3 => "Bearer t0ken",
        };
        assert_eq!(write.authorization(), authorization);
        serving.abort();
    }
}

/// Each answer once, then all is well: what is sent again, what is dropped and
/// how it is counted.
#[tokio::test]
async fn answers_decide_what_becomes_of_a_request() {
    let conflict = r#"{"message":"partial write: field type conflict dropped=3"}"#;
    for (status, body, delivered, dropped) in [
        (400, "", 0, vec![("http_400", 8)]),
        (400, conflict, 5, vec![("rejected", 3)]),
        (401, "", 8, vec![]),
        (403, "", 8, vec![]),
        (404, "", 8, vec![]),
        (406, "", 0, vec![("http_406", 8)]),
        (413, "", 8, vec![]),
        (422, conflict, 5, vec![("rejected", 3)]),
        (422, "", 0, vec![("http_422", 8)]),
        (429, "", 8, vec![]),
        (500, "", 8, vec![]),
        (502, "", 8, vec![]),
        (503, "", 8, vec![]),
        (504, "", 8, vec![]),
    ] {
        let fake = Fake::answering([Answer::new(status, body)]);
        let (endpoint, serving) = fake.serve().await;
        let account = export(config(&endpoint), vec![events()]).await;
        assert_eq!(outcome(&account), (delivered, dropped), "{status} {body}");
        serving.abort();
    }
}

/// Who asks for more time than a request has is not asked again before it is over: what was on its
/// way expires at once, and what waits is not sent at all.
#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_from_all() {
    let seconds: &[_] = &[("retry-after", "3600")];
    let date: &[_] = &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")];
    for (status, headers, max_in_flight) in [
        (429, seconds, 1),
        (502, date, 1),
        (503, date, 1),
        (504, seconds, 1),
        (503, seconds, 3),
    ] {
        let answer = Answer {
            headers,
            ..Answer::new(status, "")
        };
        let fake = Fake::answering([answer.clone(), answer.clone(), answer]);
        let (endpoint, serving) = fake.serve().await;
        let mut config = config(&endpoint);
        config.retry.max_elapsed = Duration::seconds(60);
        config.max_lines = 1;
        config.max_in_flight = max_in_flight;
        let account = export(config, vec![events()]).await;
        assert_eq!(outcome(&account), (0, vec![("retry_expired", 8)]));
        let writes = fake.writes().len();
        let may_be = 1..=usize::try_from(max_in_flight).unwrap();
        assert!(may_be.contains(&writes), "{status}: {writes}");
        serving.abort();
    }
}

/// As many writes at once as are configured, and no more.
#[tokio::test]
async fn writers_write_at_once() {
    for max_in_flight in [2, 4] {
        let wanted = usize::try_from(max_in_flight).unwrap();
        let crowd = Crowd::of(wanted);
        let fake = Fake::crowded(&crowd);
        let (endpoint, serving) = fake.serve().await;
        let mut config = config(&endpoint);
        config.max_lines = 1;
        config.max_in_flight = max_in_flight;
        // Who waits for an answer alone waits for ever.
        config.timeout = Duration::seconds(300);
        config.retry.max_elapsed = config.timeout;
        let account = export(config, vec![events(), events()]).await;
        assert_eq!(outcome(&account), (16, vec![]));
        assert_eq!(crowd.most(), wanted);
        serving.abort();
    }
}

/// A request that is too large is halved until it fits; an event that is too
/// large by itself is dropped and counted, and nothing comes twice.
#[tokio::test]
async fn what_is_too_large_is_halved() {
    let fake = Fake::taking(2500);
    let (endpoint, serving) = fake.serve().await;
    let kind = support::open_kind();
    let long = vec![b'x'; 3000];
    let batch = support::batch(
        &[
            (&kind, support::open(&kind, b"/a")),
            (&kind, support::open(&kind, &long)),
            (&kind, support::open(&kind, b"/b")),
        ],
        Vec::new(),
    );
    let account = export(
        config(&endpoint),
        vec![events(), Signal::Events(batch), events()],
    )
    .await;
    assert_eq!(outcome(&account), (18, vec![("too_large", 1)]));
    assert_eq!(fake.taken(), 18);
    serving.abort();
}

/// What no request may hold is not sent at all.
#[tokio::test]
async fn oversized_events_are_counted() {
    let fake = Fake::default();
    let (endpoint, serving) = fake.serve().await;
    let kind = support::open_kind();
    let long = vec![b'x'; 3000];
    let records = [&b"/a"[..], &long].map(|path| (&kind, support::open(&kind, path)));
    let batch = support::batch(&records, Vec::new());
    let mut config = config(&endpoint);
    config.max_bytes = ByteSize(2048);
    let account = export(config, vec![Signal::Events(batch)]).await;
    assert_eq!(outcome(&account), (1, vec![("too_large", 1)]));
    serving.abort();
}

/// A bucket that is not there is made, once, where that is wanted.
#[tokio::test]
async fn a_missing_bucket_is_made() {
    let fake = Fake::without_bucket();
    let (endpoint, serving) = fake.serve().await;
    let mut config = config(&endpoint);
    config.create_bucket = true;
    config.max_lines = 2;
    let account = export(config, vec![events()]).await;
    assert_eq!(outcome(&account), (8, vec![]));
    let asked = fake.asked();
    let made = asked
        .iter()
        .filter(|asked| *asked == "POST /api/v2/buckets");
    assert_eq!(made.count(), 1, "{asked:?}");
    serving.abort();
}

/// An organisation may be given by its id, which is 16 hex digits.
#[tokio::test]
async fn an_organisation_is_looked_up_by_name_or_id() {
    for (org, query) in [
        ("o", "org=o"),
        ("0123456789abcdef", "orgID=0123456789abcdef"),
        ("0123456789ABCDEF", "org=0123456789ABCDEF"),
        ("0123456789abcde", "org=0123456789abcde"),
    ] {
        let fake = Fake::without_bucket();
        let (endpoint, serving) = fake.serve().await;
        let mut config = config(&endpoint);
        config.org = org.into();
        config.create_bucket = true;
        let account = export(config, vec![events()]).await;
        assert_eq!(outcome(&account), (8, vec![]));
        let asked = fake.asked();
        for path in ["buckets?", "orgs?"] {
            let begin = format!("GET /api/v2/{path}");
            let asked = asked.iter().find(|asked| asked.starts_with(&begin));
            let mut pairs = asked.unwrap().split(['?', '&']);
            assert!(pairs.any(|pair| pair == query), "{asked:?}");
        }
        serving.abort();
    }
}

/// A bucket is missing where the server says so by its status; whatever else it says, no bucket is made.
#[tokio::test]
async fn a_bucket_is_missing_by_the_status_alone() {
    let fake = Fake::broken();
    let (endpoint, serving) = fake.serve().await;
    let mut config = config(&endpoint);
    config.create_bucket = true;
    config.retry.max_elapsed = Duration::millis(20);
    let account = export(config, vec![events()]).await;
    assert_eq!(outcome(&account), (0, vec![("retry_expired", 8)]));
    let asked = fake.asked();
    assert!(
        asked
            .iter()
            .any(|asked| asked.starts_with("GET /api/v2/buckets"))
    );
    let orgs = asked.iter().filter(|asked| asked.contains("orgs"));
    assert_eq!(orgs.count(), 0, "{asked:?}");
    serving.abort();
}

/// Where it is not wanted nothing is made, and nothing is lost before the queue
/// is full.
#[tokio::test]
async fn a_missing_bucket_is_waited_for() {
    let fake = Fake::without_bucket();
    let (endpoint, serving) = fake.serve().await;
    let mut config = config(&endpoint);
    config.retry.max_elapsed = Duration::millis(20);
    let account = export(config, vec![events()]).await;
    assert_eq!(outcome(&account), (0, vec![("retry_expired", 8)]));
    assert!(!fake.writes().is_empty());
    assert!(!fake.asked().iter().any(|asked| asked.starts_with("POST")));
    serving.abort();
}

/// A server that comes back gets what was waiting for it.
#[tokio::test]
async fn what_was_collected_in_an_outage_is_delivered_after_it() {
    let fake = Fake::answering((0..5).map(|_| Answer::new(503, "")));
    let (endpoint, serving) = fake.serve().await;
    let signals = (0..50).map(|_| events()).collect();
    let mut config = config(&endpoint);
    config.max_lines = 16;
    let account = export(config, signals).await;
    assert_eq!(outcome(&account), (400, vec![]));
    assert_eq!(fake.taken(), 400);
    serving.abort();
}

/// A connection that ends or stays silent says nothing of the request: it is
/// sent again.
#[tokio::test]
async fn silence_and_disconnection_are_no_answers() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut config = config(&endpoint);
    config.api = Api::V1;
    config.org.clear();
    config.timeout = Duration::millis(50);
    tokio::select! {
        account = export(config, vec![events()]) => panic!("{account:?}"),
        () = be_silent_or_gone(&listener, 3) => {}
    }
}

/// Reads a part of so many requests and answers none; the connection behind each of them it ends.
async fn be_silent_or_gone(listener: &TcpListener, attempts: usize) {
    let mut silent = Vec::new();
    while silent.len() < attempts {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut beginning = [0; 15];
        // On a busy machine the time may be over before anything is said.
        if stream.read_exact(&mut beginning).await.is_err() {
            continue;
        }
        assert_eq!(&beginning, b"POST /write?db=");
        silent.push(stream);
        drop(listener.accept().await.unwrap());
    }
}

/// Neither is a connection that is closed in half, by whoever still listens.
#[tokio::test]
async fn a_half_closed_connection_is_no_answer() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut config = config(&format!("http://{}", listener.local_addr().unwrap()));
    config.api = Api::V1;
    config.org.clear();
    // Who takes it for silence gives up.
    config.timeout = Duration::seconds(300);
    config.retry.max_elapsed = config.timeout;
    tokio::select! {
        account = export(config, vec![events()]) => panic!("{account:?}"),
        () = half_close(&listener, 3) => {}
    }
}
