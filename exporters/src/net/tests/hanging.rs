//! Peers that are there and say nothing, on a clock that stands still.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::net::{Endpoint, TlsSettings, Versions, pool};

/// Long after every timer of ours.
const LATE: Duration = Duration::from_secs(3600);

/// A connection of HTTP/2 whose peer answers nothing, not even whether it is there, ends
/// by itself, and the next request has another.
#[tokio::test(start_paused = true)]
async fn a_hung_peer_loses_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::parse(&endpoint).unwrap();
    let pool = pool::<Body>(&endpoint, &TlsSettings::default(), Versions::Two).unwrap();
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = endpoint.at("/");
        let asked = timeout(LATE, pool.request(request));
        let (answer, connection) = tokio::join!(asked, listener.accept());
        answer.expect("the connection is kept").unwrap_err();
        open.push(connection.unwrap());
    }
}
