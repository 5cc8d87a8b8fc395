//! Requests over HTTP: what each answer means, and connections that end.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::delivery::{config, dropped, expiring};
use super::fake::{Answer, Fake};
use crate::exported::{events, export};
use crate::net;
use crate::net::{Failure, Verdict};
use crate::otlp::config::{OtlpConfig, Protocol};
use crate::otlp::encode::Format;
use crate::otlp::http::verdict;

fn http(endpoint: &str) -> OtlpConfig {
    http_as(Protocol::HttpProtobuf, endpoint)
}

fn http_as(protocol: Protocol, endpoint: &str) -> OtlpConfig {
    OtlpConfig {
        protocol,
        ..config(endpoint)
    }
}

/// The table of the specification, as the account shows it.
#[tokio::test]
async fn four_answers_are_repeated_and_others_are_not() {
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        answers_mean_what_the_specification_says(protocol).await;
    }
}

async fn answers_mean_what_the_specification_says(protocol: Protocol) {
    for status in [429, 502, 503, 504] {
        let fake = Fake::answering([Answer::Http(status, &[], b"")]);
        let (address, serving) = fake.serve_http().await;
        let config = http_as(protocol, &format!("http://{address}"));
        let account = export(config, vec![events()]).await;
        assert_eq!(
            (account.delivered, dropped(&account)),
            (8, vec![]),
            "{status}"
        );
        assert_eq!(fake.counts(), (2, 8, 0), "{status}");
        serving.abort();
    }
    let to_itself: &[_] = &[("location", "/v1/logs")];
    for (status, headers, reason) in [
        (301, to_itself, "http_301"),
        (400, &[], "http_400"),
        (401, &[], "http_401"),
        (403, &[], "http_403"),
        (404, &[], "http_404"),
        (405, &[], "http_405"),
        (408, &[], "http_408"),
        (413, &[], "http_413"),
        (422, &[], "http_422"),
        (500, &[], "http_500"),
        (501, &[], "http_501"),
    ] {
        let fake = Fake::answering([Answer::Http(status, headers, b"no")]);
        let (address, serving) = fake.serve_http().await;
        let config = http_as(protocol, &format!("http://{address}"));
        let account = export(config, vec![events()]).await;
        assert_eq!(
            (account.delivered, dropped(&account)),
            (0, vec![(reason, 8)])
        );
        assert_eq!(fake.counts(), (1, 0, 0), "{status}");
        serving.abort();
    }
}

/// Who asks for more time than a request has is not asked again before it is over:
/// the request expires at once.
#[tokio::test]
async fn the_time_of_an_answer_goes_before_ours() {
    let seconds: &[_] = &[("retry-after", "3600")];
    let date: &[_] = &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")];
    for (status, headers) in [(429, seconds), (503, date)] {
        let fake = Fake::answering([Answer::Http(status, headers, b"later")]);
        let (address, serving) = fake.serve_http().await;
        let config = OtlpConfig {
            protocol: Protocol::HttpProtobuf,
            ..expiring(&format!("http://{address}"))
        };
        let account = export(config, vec![events()]).await;
        let reasons = vec![("retry_expired", 8)];
        assert_eq!((account.delivered, dropped(&account)), (0, reasons));
        assert_eq!(fake.counts(), (1, 0, 0), "{status}");
        serving.abort();
    }
}

/// What the receiver says of when, and of why.
#[test]
fn answers_are_read() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (status, retry_after, body, asked, message) in [
        (
            503,
            Some("7"),
            &b""[..],
            seconds(7),
            "503 Service Unavailable",
        ),
        (
            429,
            Some("Sun, 06 Nov 1994 08:50:37 GMT"),
            b"slow down\n",
            seconds(60),
            "429 Too Many Requests: slow down",
        ),
        (502, Some("soon"), b"", None, "502 Bad Gateway"),
        (504, None, b"", None, "504 Gateway Timeout"),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert("retry-after", HeaderValue::from_static(value));
        }
        let answer = net::Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from_static(body),
        };
        let failure = Failure::new(format!("http_{status}"), message);
        let expected = Verdict::Retry(failure, asked);
        assert_eq!(verdict(Format::Protobuf, &answer, now), expected);
    }
}

/// An answer that breaks off says nothing: the request is sent again.
#[tokio::test]
async fn half_an_answer_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let breaking_off = async {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 64]).await.unwrap();
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
            stream.write_all(half).await.unwrap();
        }
    };
    let config = http(&format!("http://{address}"));
    tokio::select! {
        account = export(config, vec![events()]) => panic!("{account:?}"),
        () = breaking_off => {}
    }
}
