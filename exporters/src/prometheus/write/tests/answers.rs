//! What becomes of a request, by what the receiver answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use eunomia_core::build::BuildContext;
use eunomia_core::config::Duration;
use eunomia_core::metric::PointValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::peer::Peer;
use super::peer::Reply::{self, Close, HalfClose, Hang, Status};
use super::{page, settings};
use crate::net::{Policy, TlsListener};
use crate::prometheus::write::client::RemoteWriter;
use crate::prometheus::write::config::{ProtobufMessage, RemoteWriteSettings};
use crate::scratch::{Folder, certificate};
use crate::support;

/// Samples that were taken, and that were not, by reason.
type Outcome = (u64, BTreeMap<String, u64>);

async fn write(settings: &RemoteWriteSettings) -> Outcome {
    let (writer, context) = writer(settings);
    let policy = Policy::new(settings.timeout.0, settings.retry);
    writer.write(&policy, &mut writer.requests()).await;
    counted(&context)
}

fn writer(settings: &RemoteWriteSettings) -> (RemoteWriter, BuildContext) {
    let context = support::context();
    let page = Arc::new(page(settings));
    let writer = RemoteWriter::new(settings, &page, &context).unwrap();
    (writer, context)
}

fn counted(context: &BuildContext) -> Outcome {
    let mut outcome = Outcome::default();
    for point in context.accounts.points() {
        let PointValue::Uint(value) = point.value else {
            continue;
        };
        match point.attributes.get("reason") {
            None => outcome.0 = value,
            Some(reason) => drop(outcome.1.insert(format!("{reason:?}"), value)),
        }
    }
    outcome
}

/// Samples of the page: four counts of events, `target_info`, and eight of points.
const SAMPLES: u64 = 13;

async fn outcome(message: ProtobufMessage, replies: Vec<Reply>) -> (Outcome, Vec<String>) {
    let attempts = replies.len();
    let mut settings = settings("", message);
    if replies.iter().any(|reply| matches!(reply, Hang)) {
        settings.timeout = Duration(std::time::Duration::from_millis(300));
    }
    let peer = Peer::start(replies).await;
    settings.endpoint.clone_from(&peer.endpoint);
    let outcome = write(&settings).await;
    let heads = peer.heads();
    assert!(heads.len() >= attempts, "{heads:?}");
    (outcome, heads)
}

fn dropped(reason: &str) -> Outcome {
    let reason = format!("Str({reason:?})");
    (0, [(reason, SAMPLES)].into())
}

/// Server errors and 429 are repeated, with the wait that is asked for; so are
/// requests without an answer. Everything else is dropped and counted.
#[tokio::test]
async fn answers_decide_what_becomes_of_samples() {
    let taken = || (SAMPLES, BTreeMap::new());
    let then_taken = |first| vec![first, Status(204, "")];
    let past = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (replies, expected) in [
        (vec![Status(200, "")], taken()),
        (vec![Status(204, "")], taken()),
        (vec![Status(400, "")], dropped("http_400")),
        (vec![Status(401, "")], dropped("http_401")),
        (vec![Status(403, "")], dropped("http_403")),
        (vec![Status(404, "")], dropped("http_404")),
        (vec![Status(413, "")], dropped("http_413")),
        (vec![Status(415, "")], dropped("http_415")),
        (vec![Status(422, "")], dropped("http_422")),
        (vec![Status(302, "location: /x\r\n")], dropped("http_302")),
        (then_taken(Status(429, "")), taken()),
        (then_taken(Status(429, "retry-after: 0\r\n")), taken()),
        (then_taken(Status(500, "")), taken()),
        (then_taken(Status(502, "")), taken()),
        (then_taken(Status(503, past)), taken()),
        (then_taken(Status(504, "retry-after: 0\r\n")), taken()),
        (then_taken(Close), taken()),
        (then_taken(HalfClose), taken()),
        (then_taken(Hang), taken()),
    ] {
        let name = format!("{replies:?}");
        let (outcome, _) = outcome(ProtobufMessage::V1, replies).await;
        assert_eq!(outcome, expected, "{name}");
    }
}

/// Remote write 2 says what it took; who says nothing took nothing.
#[tokio::test]
async fn written_headers_are_believed() {
    let all = "x-prometheus-remote-write-samples-written: 13\r\n";
    let some = "x-prometheus-remote-write-samples-written: 10\r\n";
    for (lines, written) in [(all, 13), (some, 10), ("", 0)] {
        let (outcome, _) = outcome(ProtobufMessage::V2, vec![Status(200, lines)]).await;
        let (reason, missing) = ("Str(\"not_written\")".to_owned(), SAMPLES - written);
        let dropped = [(reason, missing)]
            .into_iter()
            .filter(|(_, count)| *count > 0);
        assert_eq!(outcome, (written, dropped.collect()), "{lines}");
    }
}

/// What was written counts, whatever the status says of the rest; where all was, nothing
/// is sent again.
#[tokio::test]
async fn written_headers_of_refusals_are_believed() {
    let all = "x-prometheus-remote-write-samples-written: 13\r\n";
    let some = "x-prometheus-remote-write-samples-written: 10\r\n";
    let partly = |reason: &str| (10, [(format!("Str({reason:?})"), 3)].into());
    for (message, reply, expected) in [
        (ProtobufMessage::V2, Status(400, some), partly("http_400")),
        (ProtobufMessage::V2, Status(400, ""), dropped("http_400")),
        (ProtobufMessage::V2, Status(500, all), (13, BTreeMap::new())),
        (ProtobufMessage::V1, Status(400, some), dropped("http_400")),
    ] {
        let name = format!("{message:?} {reply:?}");
        let (outcome, heads) = outcome(message, vec![reply]).await;
        assert_eq!((outcome, heads.len()), (expected, 1), "{name}");
    }
    // All is sent again; what was told before it was given up counts.
    let peer = Peer::start(vec![Status(503, some), Status(503, "")]).await;
    let mut settings = settings(&peer.endpoint, ProtobufMessage::V2);
    settings.retry.max_elapsed = Duration(std::time::Duration::from_millis(20));
    assert_eq!(write(&settings).await, partly("retry_expired"));
}

/// A receiver that is not there holds up no end: what waits for it is given up and
/// counted, and the last of the page is sent once.
#[tokio::test]
async fn the_end_waits_for_no_receiver() {
    let peer = Peer::start(vec![Status(503, "")]).await;
    let mut settings = settings(&peer.endpoint, ProtobufMessage::V1);
    settings.interval = Duration(std::time::Duration::from_millis(1));
    settings.retry.initial = Duration::seconds(3600);
    settings.retry.max = Duration::seconds(3600);
    let (writer, context) = writer(&settings);
    let (end, ended) = oneshot::channel();
    let asked = async {
        while peer.heads().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(end);
    };
    let deadline = std::time::Duration::from_secs(60);
    let run = async { tokio::join!(writer.run(ended), asked) };
    timeout(deadline, run).await.expect("it waits");
    let reasons = ["retry_expired", "stopped"];
    let dropped = reasons.map(|reason| (format!("Str({reason:?})"), SAMPLES));
    assert_eq!(counted(&context), (0, dropped.into()));
}

/// A receiver that asked for time is left alone at the end, too.
#[tokio::test]
async fn the_end_leaves_alone_who_asked_for_it() {
    let peer = Peer::start(vec![Status(503, "retry-after: 3600\r\n")]).await;
    let mut settings = settings(&peer.endpoint, ProtobufMessage::V1);
    settings.interval = Duration(std::time::Duration::from_millis(1));
    settings.retry.max_elapsed = Duration(std::time::Duration::from_millis(1));
    let (writer, context) = writer(&settings);
    let (end, ended) = oneshot::channel();
    let told = async {
        while counted(&context).1.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(end);
    };
    tokio::join!(writer.run(ended), told);
    assert_eq!(peer.heads().len(), 1);
}

/// Each version names itself as its specification says.
#[tokio::test]
async fn requests_have_the_headers_that_are_required() {
    for (message, content_type, version) in [
        (ProtobufMessage::V1, "application/x-protobuf", "0.1.0"),
        (
            ProtobufMessage::V2,
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "2.0.0",
        ),
    ] {
        let (_, heads) = outcome(message, vec![Status(204, "")]).await;
        for line in [
            "POST /api/v1/write HTTP/1.1",
            &format!("content-type: {content_type}"),
            "content-encoding: snappy",
            &format!("x-prometheus-remote-write-version: {version}"),
        ] {
            assert!(heads[0].lines().any(|own| own == line), "{line}: {heads:?}");
        }
        assert!(heads[0].contains("user-agent: eunomia-pipeline/"));
    }
}

/// A receiver whose certificate nobody vouches for is not written to.
#[tokio::test]
async fn a_certificate_error_is_told_and_tried_again() {
    let folder = Folder::new("write-tls");
    let (own, key) = certificate(folder.path(), "own");
    let (other, _) = certificate(folder.path(), "other");
    let tls = serde_json::json!({ "cert_file": own, "key_file": key });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}/", listener.local_addr().unwrap());
    let listener = TlsListener::new(listener, &serde_json::from_value(tls).unwrap()).unwrap();
    tokio::spawn(async { axum::serve(listener, Router::new()).await });
    let mut settings = settings(&endpoint, ProtobufMessage::V1);
    settings.retry.max_elapsed = Duration(std::time::Duration::from_millis(1));
    settings.retry.initial = Duration::seconds(60);
    settings.tls.ca_file = Some(other);
    assert_eq!(write(&settings).await, dropped("retry_expired"));
    // Nothing is at that path, but the certificate is trusted.
    settings.tls.ca_file = Some(own);
    assert_eq!(write(&settings).await, dropped("http_404"));
}
