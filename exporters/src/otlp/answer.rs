//! What stands in an answer, by the OTLP specification.

use std::time::Duration;

use serde_json::Value;

use crate::net::excerpt;
use crate::protobuf::Reader;

/// `google.rpc.RetryInfo.retry_delay` in the details of a status, which are a
/// `google.rpc.Status` with a list of `Any`.
pub(super) fn retry_delay(details: &[u8]) -> Option<Duration> {
    const STATUS_DETAILS: u32 = 3;
    const ANY_TYPE: u32 = 1;
    const ANY_VALUE: u32 = 2;
    const RETRY_DELAY: u32 = 1;
    const SECONDS: u32 = 1;
    const NANOS: u32 = 2;
    let is_retry_info = |any: &Reader<'_>| {
        any.bytes(ANY_TYPE)
            .is_some_and(|name| name.ends_with(b"/google.rpc.RetryInfo"))
    };
    let any = Reader::new(details)
        .all_bytes(STATUS_DETAILS)
        .map(Reader::new)
        .find(is_retry_info)?;
    let delay = Reader::new(Reader::new(any.bytes(ANY_VALUE)?).bytes(RETRY_DELAY)?);
    let seconds = delay.number(SECONDS).unwrap_or(0);
    let nanos = delay.number(NANOS).unwrap_or(0);
    // A negative time is as good as none.
    let is_sane = seconds < 1 << 62 && nanos < 1_000_000_000;
    is_sane.then(|| Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

/// The message of a `google.rpc.Status`, which is the body of an error over HTTP;
/// of anything else its beginning, where that is text.
pub(super) fn status_message(body: &[u8]) -> String {
    const MESSAGE: u32 = 2;
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let in_json = json.as_ref().and_then(|status| status["message"].as_str());
    let in_protobuf = || Reader::new(body).bytes(MESSAGE);
    let message = in_json.map(str::as_bytes).or_else(in_protobuf);
    excerpt(message.unwrap_or(body))
}

/// What an answer to a request says was refused: how many items, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) items: usize,
    pub(super) message: String,
}

impl Refused {
    /// Reads `ExportLogsServiceResponse` or `ExportMetricsServiceResponse`, which
    /// are alike.
    pub(super) fn from_protobuf(response: &[u8]) -> Self {
        const PARTIAL_SUCCESS: u32 = 1;
        const REJECTED: u32 = 1;
        const MESSAGE: u32 = 2;
        let Some(partial) = Reader::new(response).bytes(PARTIAL_SUCCESS) else {
            return Self::default();
        };
        let partial = Reader::new(partial);
        let items = partial.number(REJECTED).unwrap_or(0).cast_signed().max(0);
        let message = partial.bytes(MESSAGE).unwrap_or_default();
        Self {
            items: usize::try_from(items).unwrap_or(usize::MAX),
            message: excerpt(message),
        }
    }

    /// Reads the same in JSON, where numbers of 64 bits are text or numbers.
    pub(super) fn from_json(response: &[u8]) -> Self {
        let response: Value = serde_json::from_slice(response).unwrap_or_default();
        let partial = &response["partialSuccess"];
        // What is rejected is named after the signal.
        let fields = partial.as_object().into_iter().flatten();
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let rejected = fields.filter(|(name, _)| name.starts_with("rejected"));
        let items = rejected.filter_map(|(_, value)| number(value)).next();
        Self {
            items: usize::try_from(items.unwrap_or(0)).unwrap_or(usize::MAX),
            message: excerpt(partial["errorMessage"].as_str().unwrap_or("").as_bytes()),
        }
    }
}
