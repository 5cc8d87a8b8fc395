//! What may stand before a receiver, or in its place: TLS, a Unix socket, who closes in half.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig};

/// An authority of certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate with its key, as PEM.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key: String,
    chain: rcgen::Certificate,
    pair: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn sign(&self, name: &str) -> Certificate {
        self.sign_until(name, 4096)
    }

    /// A certificate that is valid until the beginning of `year`.
    pub(crate) fn sign_until(&self, name: &str, year: i32) -> Certificate {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let pair = KeyPair::generate().unwrap();
        let chain = params.signed_by(&pair, &self.issuer).unwrap();
        Certificate {
            pem: chain.pem(),
            key: pair.serialize_pem(),
            chain,
            pair,
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }
}

/// TLS as a receiver speaks it: with `certificate`, to whom `clients` signed for.
fn accepting(
    certificate: &Certificate,
    clients: Option<&Authority>,
    protocol: &[u8],
) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(ALL_VERSIONS)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let roots = Arc::new(authority.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(certificate.pair.serialize_der()).unwrap();
    let chain = vec![certificate.chain.der().clone()];
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Speaks TLS before the receiver at `behind`; its address.
pub(crate) async fn tls(
    behind: SocketAddr,
    certificate: &Certificate,
    clients: Option<&Authority>,
    protocol: &[u8],
) -> (SocketAddr, JoinHandle<()>) {
    let acceptor = accepting(certificate, clients, protocol);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(secure(acceptor.clone(), stream, behind));
        }
    });
    (address, serving)
}

/// Listens on a Unix socket before the receiver at `behind`.
pub(crate) fn unix(behind: SocketAddr, path: &Path) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(stream, behind));
        }
    })
}

async fn secure(acceptor: TlsAcceptor, stream: TcpStream, behind: SocketAddr) {
    // Who does not trust us goes away.
    if let Ok(stream) = acceptor.accept(stream).await {
        relay(stream, behind).await;
    }
}

async fn relay(mut stream: impl AsyncRead + AsyncWrite + Unpin, behind: SocketAddr) {
    let mut behind = TcpStream::connect(behind).await.unwrap();
    // Both sides end a connection as they like.
    drop(copy_bidirectional(&mut stream, &mut behind).await);
}

/// Reads a part of so many requests and then says that nothing will follow, on connections that stay
/// open.
pub(crate) async fn half_close(listener: &TcpListener, times: usize) {
    let mut open = Vec::new();
    for _ in 0..times {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 15]).await.unwrap();
        stream.shutdown().await.unwrap();
        open.push(stream);
    }
}
