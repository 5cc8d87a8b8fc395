//! A receiver that answers as it is told, byte for byte.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A status with further lines of the head.
    Status(u16, &'static str),
    /// It closes the connection.
    Close,
    /// It reads and never answers.
    Hang,
}

/// A receiver that gives each of its replies once, over a connection of its own.
pub(super) struct Peer {
    pub(super) endpoint: String,
    task: JoinHandle<Vec<String>>,
}

impl Peer {
    pub(super) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/api/v1/write", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut heads, mut hanging) = (Vec::new(), Vec::new());
            for reply in replies {
                let (mut stream, _) = listener.accept().await.unwrap();
                heads.push(read_request(&mut stream).await);
                match reply {
                    Reply::Status(code, lines) => answer(&mut stream, code, lines).await,
                    Reply::Close => drop(stream),
                    Reply::Hang => hanging.push(stream),
                }
            }
            heads
        });
        Self { endpoint, task }
    }

    /// The heads of all requests.
    pub(super) async fn heads(self) -> Vec<String> {
        self.task.await.unwrap()
    }
}

async fn answer(stream: &mut TcpStream, code: u16, lines: &str) {
    let head =
        format!("HTTP/1.1 {code} x\r\nconnection: close\r\ncontent-length: 4\r\n{lines}\r\nsaid");
    stream.write_all(head.as_bytes()).await.unwrap();
}

/// Reads head and body; gives the head.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        assert_ne!(
            stream.read_buf(&mut bytes).await.unwrap(),
            0,
            "half a request"
        );
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
