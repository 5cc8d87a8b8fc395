//! A server of InfluxDB's interfaces on a port of 127.0.0.1 that answers writes
//! as it is told.

use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use flate2::read::GzDecoder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Point, parse};
use crate::crowd::Crowd;

/// One answer to a write.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: &'static str,
}

impl Answer {
    pub(super) fn new(status: u16, body: &'static str) -> Self {
        Self {
            status,
            headers: &[],
            body,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Fake(Arc<Mutex<Server>>);

#[derive(Debug, Default)]
struct Server {
    answers: VecDeque<Answer>,
    /// The largest request that is taken, uncompressed.
    max_bytes: Option<usize>,
    lacks_bucket: bool,
    /// Whether other requests than writes fail.
    is_broken: bool,
    /// Writes are answered when so many are there.
    crowd: Option<Crowd>,
    writes: Vec<Write>,
    /// Other requests: method, path and query.
    asked: Vec<String>,
}

/// A write that came.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// Path and query.
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
    pub(super) points: Vec<Point>,
    pub(super) status: u16,
}

impl Fake {
    /// Gives `answers` one after another, and takes everything after them.
    pub(super) fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let fake = Self::default();
        fake.server().answers.extend(answers);
        fake
    }

    /// Takes no request of more than `bytes`.
    pub(super) fn taking(bytes: usize) -> Self {
        let fake = Self::default();
        fake.server().max_bytes = Some(bytes);
        fake
    }

    pub(super) fn without_bucket() -> Self {
        let fake = Self::default();
        fake.server().lacks_bucket = true;
        fake
    }

    /// The same, and its other interfaces fail.
    pub(super) fn broken() -> Self {
        let fake = Self::without_bucket();
        fake.server().is_broken = true;
        fake
    }

    /// Answers writes together with others.
    pub(super) fn crowded(crowd: &Crowd) -> Self {
        let fake = Self::default();
        fake.server().crowd = Some(crowd.clone());
        fake
    }

    pub(super) async fn serve(&self) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(answer).with_state(self.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (format!("http://{address}"), serving)
    }

    pub(super) fn writes(&self) -> Vec<Write> {
        self.server().writes.clone()
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.server().asked.clone()
    }

    /// How many points were taken.
    pub(super) fn taken(&self) -> usize {
        let writes = self.writes();
        let taken = writes.iter().filter(|write| write.status == 204);
        taken.map(|write| write.points.len()).sum()
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.0.lock().unwrap()
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if !head.uri.path().contains("/write") {
        return fake.server().ask(&head.method, &head.uri);
    }
    let mut text = String::new();
    match head.headers.get(CONTENT_ENCODING) {
        Some(_) => drop(GzDecoder::new(&*body).read_to_string(&mut text).unwrap()),
        None => text.push_str(str::from_utf8(&body).unwrap()),
    }
    let crowd = fake.server().crowd.clone();
    if let Some(crowd) = crowd {
        crowd.join().await;
    }
    let mut server = fake.server();
    let answer = server.answer_to(&text);
    server.writes.push(Write {
        uri: head.uri.to_string(),
        headers: head.headers,
        points: parse(&text),
        status: answer.status,
    });
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

impl Server {
    fn answer_to(&mut self, text: &str) -> Answer {
        if self.lacks_bucket {
            let body = r#"{"code":"not found","message":"bucket \"b\" not found"}"#;
            return Answer::new(404, body);
        }
        if self.max_bytes.is_some_and(|max| text.len() > max) {
            return Answer::new(413, "");
        }
        let next = self.answers.pop_front();
        next.unwrap_or_else(|| Answer::new(204, ""))
    }

    /// Health, organisations and buckets, as a server of version 2 shows them.
    fn ask(&mut self, method: &Method, uri: &Uri) -> Response {
        self.asked.push(format!("{method} {uri}"));
        if self.is_broken {
            return (StatusCode::INTERNAL_SERVER_ERROR, "broken at line 404").into_response();
        }
        let body = match (method, uri.path()) {
            (&Method::GET, "/health") => {
                r#"{"name":"influxdb","message":"ready","status":"pass","version":"v2.10.0"}"#
            }
            (&Method::GET, "/api/v2/orgs") => r#"{"orgs":[{"id":"0f","name":"o"}]}"#,
            (&Method::GET, "/api/v2/buckets") if self.lacks_bucket => r#"{"buckets":[]}"#,
            (&Method::GET, "/api/v2/buckets") => {
                r#"{"buckets":[{"id":"0b","name":"b","retentionRules":[]}]}"#
            }
            (&Method::POST, "/api/v2/buckets") => {
                self.lacks_bucket = false;
                return (StatusCode::CREATED, "{}").into_response();
            }
            _ => return StatusCode::NOT_FOUND.into_response(),
        };
        ([("content-type", "application/json")], body).into_response()
    }
}

impl Write {
    pub(super) fn authorization(&self) -> &str {
        self.headers.get(AUTHORIZATION).unwrap().to_str().unwrap()
    }
}
