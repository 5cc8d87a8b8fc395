//! What each version of InfluxDB means by its answers.
//!
//! A write may succeed in part, and every version says so in its own way; what
//! was written is never sent again, or it would be counted twice.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde_json::Value;

use crate::net::{Answer, Failure, retry_after};

/// Version 3 lists so many refused lines and no more.
const MAX_LISTED: usize = 100;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was written, all but so many items; what was said about those.
    Written { rejected: usize, said: String },
    /// It is larger than the server takes.
    TooLarge(Failure),
    /// The server has too much to do: nobody should send for a while.
    Overloaded(Failure, Option<Duration>),
    /// It may be written later: the server or its configuration has to change.
    Later(Failure),
    /// There is no such bucket or database.
    NoBucket(Failure),
    /// It will never be written.
    Refused(Failure),
}

/// Reads an answer to a request with so many `items` that came at `now`.
pub(super) fn fate(answer: &Answer, items: usize, now: SystemTime) -> Fate {
    let said = said(answer);
    let failure = answer.failure(&said.message);
    match answer.status {
        // 206 to 208 come from proxies.
        status if status.is_success() => Fate::Written {
            rejected: 0,
            said: String::new(),
        },
        StatusCode::PAYLOAD_TOO_LARGE => Fate::TooLarge(failure),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            Fate::Overloaded(failure, retry_after(&answer.headers, now))
        }
        StatusCode::UNAUTHORIZED => Fate::Later(with(failure, "please check the token")),
        StatusCode::FORBIDDEN => {
            Fate::Later(with(failure, "please use a token that may write to it"))
        }
        StatusCode::NOT_FOUND => Fate::NoBucket(failure),
        status if status.is_client_error() => match said.rejected {
            // There may be more than it lists: smaller requests tell how many. What they write again
            // has the same times, and so is there once.
            Some(rejected) if rejected >= MAX_LISTED && items > 1 => Fate::TooLarge(failure),
            Some(rejected) => Fate::Written {
                rejected: rejected.clamp(1, items),
                said: failure.message,
            },
            None => Fate::Refused(failure),
        },
        _ => Fate::Later(failure),
    }
}

/// Adds what is to be done about it.
pub(super) fn with(failure: Failure, remedy: &str) -> Failure {
    Failure::new(failure.reason, format!("{}; {remedy}", failure.message))
}

/// What the body of an answer says.
struct Said {
    message: String,
    /// How many items were refused, where the others were written.
    rejected: Option<usize>,
}

fn said(answer: &Answer) -> Said {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |key: &str| body.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let header = || {
        let value = answer.headers.get("x-influxdb-error")?;
        value.to_str().ok().map(str::to_owned)
    };
    // Version 2 has `message`, the others `error`.
    let mut message = text("message")
        .or_else(|| text("error"))
        .or_else(header)
        .unwrap_or_else(|| answer.text().into_owned());
    let listed = body.as_ref().and_then(|body| body.get("data")?.as_array());
    if let Some(first) = listed.and_then(|lines| lines.first()?.get("error_message")?.as_str()) {
        message = format!("{message}: {first}");
    }
    let rejected = match listed {
        // Version 3 lists the lines that it refused.
        Some(lines) => Some(lines.len()),
        None => message
            .contains("partial write")
            .then(|| dropped(&message) + unparsed(&message)),
    };
    Said { message, rejected }
}

/// The number behind `dropped=`.
fn dropped(message: &str) -> usize {
    let rest = message.rsplit_once("dropped=").map_or("", |(_, rest)| rest);
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Lines that version 1 could not read: it says so of each and counts none.
fn unparsed(message: &str) -> usize {
    message.matches("unable to parse '").count()
}
