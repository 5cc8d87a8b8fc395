//! What stands in answers, read without a connection.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use eunomia_core::signal::Signal;
use tonic::{Code, Status};

use super::delivery::{PROTOCOLS, dropped, expiring};
use super::fake::{Answer, Fake};
use crate::exported::{events, export};
use crate::net::{self, Verdict};
use crate::otlp::answer::{Refused, retry_delay, status_message};
use crate::otlp::config::Protocol;
use crate::otlp::grpc::verdict;
use crate::support;

/// `google.rpc.Status` with one detail called `name`, a `Duration` of `value`.
fn details(name: &str, value: &[u8]) -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, length], content].concat()
    };
    let delay = field(0x0a, value);
    let any = [field(0x0a, name.as_bytes()), field(0x12, &delay)].concat();
    field(0x1a, &any)
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// Seconds and their fraction; what is no `RetryInfo`, or negative, is none.
#[test]
fn retry_info_is_read() {
    let negative = [
        0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
    ];
    for (name, value, expected) in [
        (RETRY_INFO, &[0x08, 7][..], Some(Duration::from_secs(7))),
        (RETRY_INFO, &[], Some(Duration::ZERO)),
        (
            RETRY_INFO,
            &[0x10, 0x80, 0x01],
            Some(Duration::from_nanos(128)),
        ),
        (RETRY_INFO, &negative, None),
        ("type.googleapis.com/google.rpc.DebugInfo", &[0x08, 7], None),
    ] {
        assert_eq!(retry_delay(&details(name, value)), expected, "{value:?}");
    }
    assert_eq!(retry_delay(b"broken"), None);
    assert_eq!(retry_delay(&[]), None);
}

/// The receiver's time goes with every code that is repeated, and makes one more
/// of them.
#[test]
fn retry_info_decides_the_wait() {
    let info = Bytes::from(details(RETRY_INFO, &[0x08, 7]));
    for (code, is_repeated_without) in [
        (Code::Unavailable, true),
        (Code::DataLoss, true),
        (Code::ResourceExhausted, false),
    ] {
        let asking = Status::with_details(code, "busy", info.clone());
        let Verdict::Retry(failure, asked) = verdict(&asking) else {
            panic!("{code:?} is given up");
        };
        assert!(failure.message.ends_with(": busy"), "{failure:?}");
        assert_eq!(asked, Some(Duration::from_secs(7)));
        let plain = verdict(&Status::new(code, "busy"));
        let is_repeated = matches!(plain, Verdict::Retry(_, None));
        assert_eq!(is_repeated, is_repeated_without, "{code:?}");
    }
}

/// A time makes no answer one of those that are repeated but that one.
#[test]
fn retry_info_alone_repeats_nothing() {
    let info = Bytes::from(details(RETRY_INFO, &[0x08, 7]));
    for code in [Code::Internal, Code::InvalidArgument, Code::Unauthenticated] {
        let said = verdict(&Status::with_details(code, "busy", info.clone()));
        assert!(matches!(said, Verdict::GiveUp(_)), "{code:?}");
    }
}

/// The same with a receiver: who asks for more time than a request has is not asked
/// again before it is over.
#[tokio::test]
async fn retry_info_goes_before_our_own_wait() {
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        let info = Bytes::from(details(RETRY_INFO, &[0x08, 0x90, 0x1c]));
        let fake = Fake::answering([Answer::Fail(Status::with_details(code, "busy", info))]);
        let (address, serving) = fake.serve().await;
        let account = export(expiring(&format!("http://{address}")), vec![events()]).await;
        let reasons = vec![("retry_expired", 8)];
        assert_eq!((account.delivered, dropped(&account)), (0, reasons));
        assert_eq!(fake.counts(), (1, 0, 0), "{code:?}");
        serving.abort();
    }
}

/// Who asks for time is left alone by all that is sent there, not by the request alone
/// that was told; a receiver of its own has nothing to do with it.
#[tokio::test]
async fn a_receiver_that_asks_for_time_is_left_alone() {
    let info = Bytes::from(details(RETRY_INFO, &[0x08, 0x90, 0x1c]));
    let busy = Answer::Fail(Status::with_details(Code::Unavailable, "busy", info));
    let told = Answer::Http(429, &[("retry-after", "3600")], b"");
    for protocol in PROTOCOLS {
        for (is_shared, requests) in [(true, 1), (false, 2)] {
            let answer = match protocol {
                Protocol::Grpc => busy.clone(),
                Protocol::HttpProtobuf | Protocol::HttpJson => told.clone(),
            };
            let fake = Fake::answering([answer]);
            let (address, serving) = fake.serve_as(protocol).await;
            let mut config = expiring(&format!("http://{address}"));
            config.protocol = protocol;
            config.max_in_flight = 1;
            config.metrics_endpoint = (!is_shared).then(|| format!("http://{address}/v1/metrics"));
            let points = Signal::Metrics(support::metrics());
            let account = export(config, vec![events(), points]).await;
            assert_eq!(fake.counts().0, requests, "{protocol:?}");
            assert_eq!(account.delivered == 0, is_shared, "{account:?}");
            serving.abort();
        }
    }
}

/// How many were refused and why; an answer without it refused nothing.
#[test]
fn a_partial_success_is_read() {
    let refused = |items, message: &str| Refused {
        items,
        message: message.into(),
    };
    for (answer, expected) in [
        (&b""[..], refused(0, "")),
        (&[0x0a, 0], refused(0, "")),
        (&[0x0a, 2, 0x08, 3], refused(3, "")),
        (&[0x0a, 5, 0x12, 3, b'o', b'l', b'd'], refused(0, "old")),
        (b"<html>", refused(0, "")),
    ] {
        assert_eq!(Refused::from_protobuf(answer), expected, "{answer:?}");
    }
    for (answer, expected) in [
        ("", refused(0, "")),
        ("{}", refused(0, "")),
        (r#"{"partialSuccess":{}}"#, refused(0, "")),
        (
            r#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#,
            refused(3, ""),
        ),
        (
            r#"{"partialSuccess":{"errorMessage":"old","rejectedDataPoints":4}}"#,
            refused(4, "old"),
        ),
        ("<html>", refused(0, "")),
    ] {
        assert_eq!(Refused::from_json(answer.as_bytes()), expected, "{answer}");
    }
}

/// Whatever a receiver says, what is told of it is a short line.
#[test]
fn what_is_told_is_short() {
    let long = "x\n".repeat(1000);
    let Verdict::GiveUp(failure) = verdict(&Status::internal(&*long)) else {
        panic!("it is sent again");
    };
    let json = format!(
        r#"{{"partialSuccess":{{"errorMessage":"{}"}}}}"#,
        "x".repeat(1000)
    );
    let answer = net::Answer {
        status: StatusCode::BAD_REQUEST,
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    for told in [
        failure.message,
        Refused::from_json(json.as_bytes()).message,
        answer.failure(&long).message,
    ] {
        assert!(told.len() < 300 && !told.contains('\n'), "{told}");
    }
}

/// The body of an error is a status or a text.
#[test]
fn errors_are_told_in_their_words() {
    for (body, expected) in [
        (&b""[..], ""),
        (&[0x08, 3, 0x12, 4, b'l', b'a', b't', b'e'], "late"),
        (br#"{"code":3,"message":"late"}"#, "late"),
        (b"404 page not found\n", "404 page not found"),
    ] {
        assert_eq!(status_message(body), expected);
    }
    assert_eq!(status_message(&[b'x'; 1000]).len(), 200);
}
