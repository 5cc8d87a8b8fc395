//! What an answer means for the request, by the OTLP specification.

use std::time::Duration;

use tonic::{Code, Status};

use crate::protobuf::Reader;

/// The longest time that the other side can make us wait.
const MAX_DELAY: Duration = Duration::from_secs(600);

/// What is to be done with a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send it again, after the time that the other side asked for, if it did.
    Retry(Option<Duration>),
    /// It will never be taken.
    GiveUp,
}

/// Reads a gRPC status.
pub(super) fn verdict(status: &Status) -> Verdict {
    let delay = retry_delay(status.details());
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Verdict::Retry(delay),
        // Without a time it says that a quota is used up, which waiting won't change.
        Code::ResourceExhausted if delay.is_some() => Verdict::Retry(delay),
        Code::ResourceExhausted
        | Code::Ok
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Internal
        | Code::Unauthenticated => Verdict::GiveUp,
    }
}

/// `google.rpc.RetryInfo.retry_delay` in the details of a status, which are a
/// `google.rpc.Status` with a list of `Any`.
fn retry_delay(details: &[u8]) -> Option<Duration> {
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
    let delay = Duration::from_secs(seconds) + Duration::from_nanos(nanos);
    is_sane.then_some(delay.min(MAX_DELAY))
}

/// What an answer to a request says was refused: how many items, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) items: usize,
    pub(super) message: String,
}

/// Reads `ExportLogsServiceResponse` or `ExportMetricsServiceResponse`, which
/// are alike.
pub(super) fn refused(response: &[u8]) -> Refused {
    const PARTIAL_SUCCESS: u32 = 1;
    const REJECTED: u32 = 1;
    const MESSAGE: u32 = 2;
    let Some(partial) = Reader::new(response).bytes(PARTIAL_SUCCESS) else {
        return Refused::default();
    };
    let partial = Reader::new(partial);
    let items = partial.number(REJECTED).unwrap_or(0).cast_signed().max(0);
    Refused {
        items: usize::try_from(items).unwrap_or(usize::MAX),
        message: String::from_utf8_lossy(partial.bytes(MESSAGE).unwrap_or_default()).into_owned(),
    }
}
