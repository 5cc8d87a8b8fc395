//! Certificates that are right and wrong, over both protocols.

use bytes::Bytes;
use eunomia_core::config::{Duration, Secret};
use tokio::task::JoinHandle;

use super::delivery::config;
use super::fake::Fake;
use crate::exported::{events, export, outcome};
use crate::front::{Authority, Certificate, tls};
use crate::net::{TlsSettings, Verdict};
use crate::otlp::config::{OtlpConfig, Protocol};
use crate::otlp::http::Path;
use crate::otlp::link::Link;
use crate::otlp::service::Service;

/// Protocols with their names in the handshake.
const PROTOCOLS: [(Protocol, &[u8]); 3] = [
    (Protocol::Grpc, b"h2"),
    (Protocol::HttpProtobuf, b"h2"),
    (Protocol::HttpProtobuf, b"http/1.1"),
];

/// A receiver behind TLS, and what it takes to reach it.
struct Secure {
    fake: Fake,
    config: OtlpConfig,
    serving: [JoinHandle<()>; 2],
}

impl Secure {
    async fn new(
        (protocol, name): (Protocol, &[u8]),
        certificate: &Certificate,
        clients: Option<&Authority>,
        settings: TlsSettings,
    ) -> Self {
        let fake = Fake::default();
        let (behind, receiver) = fake.serve_as(protocol).await;
        let (address, front) = tls(behind, certificate, clients, name).await;
        let mut config = config(&format!("https://{address}"));
        config.protocol = protocol;
        config.tls = settings;
        Self {
            fake,
            config,
            serving: [receiver, front],
        }
    }

    /// What becomes of a request that is sent once.
    async fn call(&self) -> String {
        let endpoint = self.config.common_endpoint();
        let link = Link::new(&self.config, endpoint, Path::Base).unwrap();
        match link.call(Service::Logs, Bytes::new()).await {
            Verdict::Done(_) => "done".to_owned(),
            Verdict::Retry(failure, None) => format!("again: {}", failure.message),
            Verdict::Retry(_, Some(asked)) => panic!("nobody asked for {asked:?}"),
            Verdict::GiveUp(failure) => format!("given up: {}", failure.message),
        }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

fn trusting(authority: &Authority) -> TlsSettings {
    TlsSettings {
        ca_pem: Some(authority.pem()),
        ..TlsSettings::default()
    }
}

fn being(certificate: &Certificate, settings: TlsSettings) -> TlsSettings {
    TlsSettings {
        cert_pem: Some(certificate.pem.clone()),
        key_pem: Some(Secret::new(&*certificate.key)),
        ..settings
    }
}

/// A certificate may be mended while events wait: the request is sent again, and
/// what is wrong is said, until the time for that is over. Nothing is sent before.
#[tokio::test]
async fn a_wrong_certificate_is_told_and_waited_for() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let right = ours.sign("127.0.0.1");
    let expired = ours.sign_until("127.0.0.1", 2001);
    let misnamed = ours.sign("other.example");
    let stranger = other.sign("client");
    let expected = [
        (&right, None, trusting(&other), "UnknownIssuer"),
        (&expired, None, trusting(&ours), "expired"),
        (&misnamed, None, trusting(&ours), "not valid for name"),
        // Whether its word comes through before the connection breaks is chance.
        (&right, Some(&ours), trusting(&ours), ""),
        (&right, Some(&ours), being(&stranger, trusting(&ours)), ""),
    ];
    for (certificate, clients, settings, message) in expected {
        for protocol in PROTOCOLS {
            let secure = Secure::new(protocol, certificate, clients, settings.clone()).await;
            let said = secure.call().await;
            assert!(said.starts_with("again: "), "{said}");
            assert!(said.contains(message), "{:?}: {said}", protocol.0);
            let mut limited = secure.config.clone();
            limited.retry.max_elapsed = Duration::millis(20);
            let account = export(limited, vec![events()]).await;
            assert_eq!(outcome(&account), (0, vec![("retry_expired", 8)]));
            assert_eq!(secure.fake.counts(), (0, 0, 0));
        }
    }
}

/// Every way to be trusted, and the client's own certificate.
#[tokio::test]
async fn a_right_certificate_lets_everything_through() {
    let ours = Authority::new("ours");
    let right = ours.sign("127.0.0.1");
    let misnamed = ours.sign("other.example");
    let client = ours.sign("client");
    let renamed = TlsSettings {
        server_name_override: Some("other.example".into()),
        ..trusting(&ours)
    };
    let blind = TlsSettings {
        insecure_skip_verify: true,
        ..TlsSettings::default()
    };
    for (certificate, clients, settings) in [
        (&right, None, trusting(&ours)),
        (&misnamed, None, renamed),
        (&misnamed, None, blind),
        (&right, Some(&ours), being(&client, trusting(&ours))),
    ] {
        for protocol in PROTOCOLS {
            let secure = Secure::new(protocol, certificate, clients, settings.clone()).await;
            let account = export(secure.config.clone(), vec![events()]).await;
            assert_eq!(account.delivered, 8, "{:?}", protocol.0);
            assert_eq!(secure.fake.counts(), (1, 8, 0));
        }
    }
}
