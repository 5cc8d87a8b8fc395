//! Peers that are there and say nothing, on a clock that stands still.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::net::{Endpoint, Pool, TlsSettings, Versions, pool};

/// Long after every timer of ours.
const LATE: Duration = Duration::from_secs(3600);

/// Sends one request after another, each given up after `patience`.
async fn ask(pool: &Pool<Body>, endpoint: &Endpoint, patience: Duration) {
    loop {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = endpoint.at("/");
        let asked = timeout(patience, pool.request(request)).await;
        assert!(!matches!(asked, Ok(Ok(_))));
        sleep(Duration::from_secs(1)).await;
    }
}

/// Takes two connections and keeps both open.
async fn take_two(listener: &TcpListener) {
    let first = listener.accept().await.unwrap();
    let second = listener.accept().await.unwrap();
    drop((first, second));
}

/// A connection of HTTP/2 whose peer answers nothing, not even whether it is there, ends
/// by itself, and the next request has another; also where requests are given up before that.
#[tokio::test(start_paused = true)]
async fn a_hung_peer_loses_its_connection() {
    for patience in [LATE, Duration::from_secs(10), Duration::from_secs(1)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint::parse(&endpoint).unwrap();
        let pool = pool::<Body>(&endpoint, &TlsSettings::default(), Versions::Two).unwrap();
        let both = async {
            tokio::select! {
                () = take_two(&listener) => {}
                () = ask(&pool, &endpoint, patience) => {}
            }
        };
        timeout(LATE, both).await.expect("the connection is kept");
    }
}
