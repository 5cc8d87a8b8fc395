//! Connections to one peer: TCP, TLS or a Unix socket, for gRPC and HTTP alike.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tonic::codegen::Service;

use super::endpoint::{Endpoint, Place};
use super::tls::{Tls, TlsSettings};

/// How long the kernel waits for a peer that has vanished to confirm what was
/// sent, in milliseconds; its own default is a quarter of an hour.
const UNCONFIRMED_MS: u32 = 30_000;
/// The name of HTTP/2 in a TLS handshake.
const H2: &[u8] = b"h2";

/// Connects to one peer, whatever address a request has.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    place: Place,
    tls: Option<Tls>,
}

impl Connector {
    /// A connector to `endpoint` that speaks `protocols`, the best first, where
    /// there is TLS.
    ///
    /// # Errors
    /// What is wrong with the certificates, for people.
    pub(crate) fn new(
        endpoint: &Endpoint,
        settings: &TlsSettings,
        protocols: &'static [&'static [u8]],
    ) -> Result<Self, String> {
        let tls = endpoint.is_tls().then(|| Tls::new(settings, protocols));
        let tls = tls.transpose()?;
        Ok(Self {
            place: endpoint.place.clone(),
            tls,
        })
    }

    async fn connect(self) -> io::Result<TokioIo<Stream>> {
        let stream = match &self.place {
            Place::Unix(path) => Stream::new(UnixStream::connect(path).await?),
            Place::Tcp { host, port } | Place::Tls { host, port } => {
                let stream = TcpStream::connect((&**host, *port)).await?;
                stream.set_nodelay(true)?;
                set_tcp_user_timeout(&stream, UNCONFIRMED_MS)?;
                match &self.tls {
                    None => Stream::new(stream),
                    Some(tls) => {
                        let stream = tls.connect(host, stream).await?;
                        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
                        Stream {
                            is_h2,
                            ..Stream::new(stream)
                        }
                    }
                }
            }
        };
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

/// What bytes go through.
trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A connection of any kind.
pub(crate) struct Stream {
    pipe: Box<dyn Pipe>,
    /// Whether both sides agreed on HTTP/2.
    is_h2: bool,
}

impl Stream {
    fn new(pipe: impl Pipe + 'static) -> Self {
        Self {
            pipe: Box::new(pipe),
            is_h2: false,
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.is_h2 {
            return connected.negotiated_h2();
        }
        connected
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}
