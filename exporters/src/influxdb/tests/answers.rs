//! What each answer means, with the bodies of real servers.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use crate::influxdb::answer::{Fate, fate};
use crate::net::Answer;

/// Items of the requests that are answered.
const ITEMS: usize = 10;

fn answer(status: u16, headers: HeaderMap, body: &str) -> Fate {
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    fate(&answer, ITEMS, now)
}

fn rejected(status: u16, body: &str) -> Option<usize> {
    match answer(status, HeaderMap::new(), body) {
        Fate::Written { rejected, .. } => Some(rejected),
        Fate::Refused(_) => None,
        Fate::TooLarge(_) | Fate::Overloaded(..) | Fate::Later(_) | Fate::NoBucket(_) => {
            panic!("{status} {body}")
        }
    }
}

/// What is written in part is counted as each version counts it; what is not
/// written at all is refused as a whole.
#[test]
fn partial_writes_are_read() {
    let conflict = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: input field \"v\" on measurement \"m\" is type string, already exists as type float dropped=2"}"#;
    let old = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=10"}"#;
    let unread = r#"{"code":"invalid","message":"unable to parse 'm v=': missing field value"}"#;
    let conflict1 = r#"{"error":"partial write: field type conflict: input field \"v\" on measurement \"m\" is type string, already exists as type float dropped=1"}"#;
    let unread1 = r#"{"error":"partial write: unable to parse 'm v=': missing field value\nunable to parse 'x': missing fields dropped=0"}"#;
    let all_unread1 = r#"{"error":"unable to parse 'm v=': missing field value"}"#;
    let listed3 = r#"{"error":"partial write of line protocol occurred","data":[{"original_line":"m v=\"a\"","line_number":2,"error_message":"invalid column type"},{"original_line":"m","line_number":4,"error_message":"no fields"}]}"#;
    let none3 = r#"{"error":"parsing failed for write_lp endpoint","data":{"original_line":"m","line_number":1,"error_message":"no fields"}}"#;
    for (status, body, expected) in [
        (204, "", Some(0)),
        (200, "", Some(0)),
        (206, "", Some(0)),
        (422, conflict, Some(2)),
        (422, old, Some(10)),
        (
            422,
            r#"{"code":"unprocessable entity","message":"other"}"#,
            None,
        ),
        (400, unread, None),
        (400, conflict1, Some(1)),
        (400, unread1, Some(2)),
        (400, all_unread1, None),
        (400, listed3, Some(2)),
        (400, none3, None),
        (400, "partial write", Some(1)),
        (400, "partial write dropped=99", Some(10)),
        (406, "", None),
        (418, "", None),
    ] {
        assert_eq!(rejected(status, body), expected, "{status} {body}");
    }
}

/// A list of a hundred may have been cut: how many were refused is asked of smaller requests, down to
/// one of a single item.
#[test]
fn a_list_that_may_be_longer_is_asked_for_again() {
    let refused = r#"{"line_number":1,"error_message":"x"}"#;
    let body = |count| {
        let lines = vec![refused; count].join(",");
        format!(r#"{{"error":"partial write of line protocol occurred","data":[{lines}]}}"#)
    };
    let of = |listed, items| {
        let answer = Answer {
            status: StatusCode::BAD_REQUEST,
            headers: HeaderMap::new(),
            body: body(listed).into(),
        };
        match fate(&answer, items, SystemTime::UNIX_EPOCH) {
            Fate::Written { rejected, .. } => Some(rejected),
            Fate::TooLarge(_) => None,
            other @ (Fate::Overloaded(..)
            | Fate::Later(_)
            | Fate::NoBucket(_)
            | Fate::Refused(_)) => {
                panic!("{other:?}")
            }
        }
    };
    assert_eq!(of(99, 5000), Some(99));
    assert_eq!(of(100, 5000), None);
    assert_eq!(of(100, 1), Some(1));
}

/// Whose fault it is decides what follows.
#[test]
fn each_status_has_its_fate() {
    let body = r#"{"code":"x","message":"why"}"#;
    let of = |status| match answer(status, HeaderMap::new(), body) {
        Fate::Written { .. } => "written".to_owned(),
        Fate::TooLarge(failure) => format!("too large: {}", failure.reason),
        Fate::Overloaded(failure, None) => format!("overloaded: {}", failure.reason),
        Fate::Overloaded(..) => "asked".to_owned(),
        Fate::Later(failure) => format!("later: {}", failure.message),
        Fate::NoBucket(failure) => format!("no bucket: {}", failure.message),
        Fate::Refused(failure) => format!("refused: {}", failure.message),
    };
    for (status, expected) in [
        (400, "refused: 400 Bad Request: why"),
        (401, "later: 401 Unauthorized: why; please check the token"),
        (
            403,
            "later: 403 Forbidden: why; please use a token that may write to it",
        ),
        (404, "no bucket: 404 Not Found: why"),
        (405, "refused: 405 Method Not Allowed: why"),
        (413, "too large: http_413"),
        (429, "overloaded: http_429"),
        (500, "later: 500 Internal Server Error: why"),
        (502, "overloaded: http_502"),
        (503, "overloaded: http_503"),
        (504, "overloaded: http_504"),
        (507, "later: 507 Insufficient Storage: why"),
    ] {
        assert_eq!(of(status), expected);
    }
}

/// `Retry-After` in both its forms.
#[test]
fn an_overloaded_server_says_when() {
    for (value, seconds) in [("7", 7), ("Sun, 06 Nov 1994 08:50:37 GMT", 60)] {
        let headers =
            HeaderMap::from_iter([("retry-after".parse().unwrap(), value.parse().unwrap())]);
        let Fate::Overloaded(_, asked) = answer(503, headers, "") else {
            panic!("not overloaded");
        };
        assert_eq!(asked, Some(Duration::from_secs(seconds)));
    }
}
