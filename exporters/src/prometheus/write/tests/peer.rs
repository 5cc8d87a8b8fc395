//! A receiver that answers as it is told, byte for byte.

use std::iter;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A status with further lines of the head.
    Status(u16, &'static str),
    /// It closes the connection.
    Close,
    /// It says that nothing will follow, and keeps the connection.
    HalfClose,
    /// It reads and never answers.
    Hang,
}

/// A receiver that gives its replies one after another, each over a connection of
/// its own, and the last of them to everybody who comes later.
pub(super) struct Peer {
    pub(super) endpoint: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(super) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/api/v1/write", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&heads);
        tokio::spawn(async move {
            let last = replies.last().cloned();
            let mut open = Vec::new();
            for reply in replies
                .into_iter()
                .chain(iter::repeat_n(last, usize::MAX).flatten())
            {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = read_request(&mut stream).await;
                known.lock().unwrap().push(head);
                match reply {
                    Reply::Status(code, lines) => answer(&mut stream, code, lines).await,
                    Reply::Close => drop(stream),
                    Reply::HalfClose => open.push(half_closed(stream).await),
                    Reply::Hang => open.push(stream),
                }
            }
        });
        Self { endpoint, heads }
    }

    /// The heads of all requests so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn half_closed(mut stream: TcpStream) -> TcpStream {
    stream.shutdown().await.unwrap();
    stream
}

async fn answer(stream: &mut TcpStream, code: u16, lines: &str) {
    let head =
        format!("HTTP/1.1 {code} x\r\nconnection: close\r\ncontent-length: 4\r\n{lines}\r\nsaid");
    // It may have gone meanwhile.
    stream.write_all(head.as_bytes()).await.unwrap_or_default();
}

/// Reads head and body; gives the head.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return "half a request".to_owned();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        if bytes.len() >= head.len() + 4 + length {
            return head.to_owned();
        }
    }
}
