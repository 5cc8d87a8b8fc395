//! HTTP to one peer: kept connections, answers bounded in bytes, no redirects. A
//! request is sent anew by itself only where nothing of it was sent, because the
//! connection that was kept for it had ended.

use std::borrow::Cow;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::{Bytes, BytesMut};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Connector;
use super::endpoint::Endpoint;
use super::excerpt::excerpt;
use super::retry::{Failure, Verdict};
use super::tls::TlsSettings;

/// The longest answer that is read.
pub(crate) const MAX_ANSWER: usize = 4 << 20;
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(90);
/// How long nothing comes over a connection of HTTP/2 with a request on it before the peer is asked
/// whether it is there. One without a request is not asked: servers of gRPC in Go hang up on those who
/// ask then. They do so too at the fourth question in one silence, which is longer than requests wait.
const PING: Duration = Duration::from_secs(30);
/// How long the peer has to answer that.
const PONG: Duration = Duration::from_secs(10);

/// Connections to one peer; clones share them.
pub(crate) type Pool<B> = Client<Connector, B>;

/// The versions of HTTP that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    /// HTTP/2 from the first byte.
    Two,
    /// What TLS agrees on, HTTP/1.1 without it.
    Any,
}

/// Connections to `endpoint`, made when they are needed.
///
/// # Errors
/// What is wrong with the certificates, for people.
pub(crate) fn pool<B>(
    endpoint: &Endpoint,
    tls: &TlsSettings,
    versions: Versions,
) -> Result<Pool<B>, String>
where
    B: HttpBody + Send,
    B::Data: Send,
{
    let protocols: &[&[u8]] = match versions {
        Versions::Two => &[b"h2"],
        Versions::Any => &[b"h2", b"http/1.1"],
    };
    let connector = Connector::new(endpoint, tls, protocols)?;
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .timer(TokioTimer::new())
        .http2_only(versions == Versions::Two)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .build(connector))
}

/// Sends requests to one peer; clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient(Pool<Body>);

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// How it went.
    pub(crate) status: StatusCode,
    /// What stands before the body.
    pub(crate) headers: HeaderMap,
    /// The body, whole.
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) enum NoAnswer {
    /// The peer was not there, or went away.
    Disconnected(Failure),
    /// It is longer than is read.
    TooLong(Failure),
}

impl HttpClient {
    /// A client of the peer at `endpoint`.
    ///
    /// # Errors
    /// What is wrong with the certificates, for people.
    pub(crate) fn new(endpoint: &Endpoint, tls: &TlsSettings) -> Result<Self, String> {
        pool(endpoint, tls, Versions::Any).map(Self)
    }

    /// Sends `request` and reads all of the answer.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, NoAnswer> {
        let response = self.0.request(request.map(Body::from)).await;
        let (head, body) = response.map_err(|error| gone(&error))?.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: collect(body).await?,
        })
    }
}

/// All of `body`, unless that is too much.
async fn collect<B: HttpBody<Data = Bytes, Error: Error> + Unpin>(
    mut body: B,
) -> Result<Bytes, NoAnswer> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| gone(&error))?;
        // What is no data is a trailer.
        let data = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > MAX_ANSWER {
            let failure = Failure::new("answer_too_long", "an answer of more than 4 MiB");
            return Err(NoAnswer::TooLong(failure));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn gone(error: &dyn Error) -> NoAnswer {
    NoAnswer::Disconnected(Failure::new("disconnected", reason(error)))
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The failure that its status is, with what the other side said.
    pub(crate) fn failure(&self, said: &str) -> Failure {
        let status = self.status;
        let message = match &*excerpt(said.as_bytes()) {
            "" => status.to_string(),
            said => format!("{status}: {said}"),
        };
        Failure::new(format!("http_{}", status.as_u16()), message)
    }
}

impl<T> From<NoAnswer> for Verdict<T> {
    /// What was not answered may be sent again.
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Disconnected(failure) => Self::Retry(failure, None),
            NoAnswer::TooLong(failure) => Self::GiveUp(failure),
        }
    }
}

/// The innermost cause: the others say only that there was one.
pub(crate) fn reason(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
