//! A page that is not for everybody.

use std::path::{Path, PathBuf};

use axum::http::header::{AUTHORIZATION, HeaderValue};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use eunomia_core::build::BuildExporter as _;
use eunomia_core::config::{Check, Node, Secret, Settings as _, Span};
use eunomia_core::queue::{QueueWriter, queue};
use eunomia_core::signal::Carries;

use super::{context, free_address};
use crate::net::{BasicAuth, Endpoint, HttpClient, TlsServerSettings, TlsSettings};
use crate::prometheus::config::PrometheusConfig;
use crate::scratch::{Folder, certificate};

/// A page that is served as long as the writer lives.
async fn serve(config: PrometheusConfig) -> (String, QueueWriter) {
    let address = free_address().await;
    let config = PrometheusConfig {
        endpoint: address.clone(),
        ..config
    };
    let (writer, reader, _) = queue("prometheus", config.queue(), Carries::ALL);
    let mut exporter = Box::new(config).build(&context()).unwrap();
    exporter.start().await.unwrap();
    tokio::spawn(exporter.run(reader));
    (address, writer)
}

/// What a scraper gets that trusts and shows what `tls` says: a status, or none.
async fn scrape(url: &str, tls: &TlsSettings, proof: Option<&str>) -> Option<StatusCode> {
    let endpoint = Endpoint::parse(url).unwrap();
    let client = HttpClient::new(&endpoint, tls).unwrap();
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = endpoint.at("/metrics");
    if let Some(proof) = proof {
        let value = HeaderValue::from_str(proof).unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let answer = client.send(request).await.ok()?;
    let shows = String::from_utf8_lossy(&answer.body).contains("target_info");
    assert_eq!(shows, answer.status == StatusCode::OK);
    Some(answer.status)
}

fn trusting(file: &Path) -> TlsSettings {
    TlsSettings {
        ca_file: Some(file.into()),
        ..TlsSettings::default()
    }
}

fn server((certificate, key): &(PathBuf, PathBuf)) -> TlsServerSettings {
    serde_json::from_value(serde_json::json!({ "cert_file": certificate, "key_file": key }))
        .unwrap()
}

/// Name and password, and nothing else, open the page.
#[tokio::test]
async fn a_page_with_a_password_is_for_those_who_have_it() {
    let (address, _writer) = serve(PrometheusConfig {
        basic_auth: Some(BasicAuth {
            username: "Aladdin".into(),
            password: Secret::new("open sesame"),
        }),
        ..PrometheusConfig::default()
    })
    .await;
    let url = format!("http://{address}");
    let token = "QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    for (proof, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(""), StatusCode::UNAUTHORIZED),
        (Some("Basic"), StatusCode::UNAUTHORIZED),
        (Some("Basic QWxhZGRpbjo="), StatusCode::UNAUTHORIZED),
        (Some(&*format!("Basic {token}=")), StatusCode::UNAUTHORIZED),
        (Some(&*format!("Bearer {token}")), StatusCode::UNAUTHORIZED),
        (Some(&*format!("Basic {token}")), StatusCode::OK),
        (Some(&*format!("basic {token}")), StatusCode::OK),
    ] {
        let status = scrape(&url, &TlsSettings::default(), proof).await;
        assert_eq!(status, Some(expected), "{proof:?}");
    }
}

/// A scraper that trusts the certificate reads the page; one that does not, or
/// speaks without TLS, gets nothing.
#[tokio::test]
async fn a_page_behind_tls_is_read_by_those_who_trust_it() {
    let folder = Folder::new("page-tls");
    let own = certificate(folder.path(), "own");
    let other = certificate(folder.path(), "other");
    let (address, _writer) = serve(PrometheusConfig {
        tls: Some(server(&own)),
        ..PrometheusConfig::default()
    })
    .await;
    let secure = format!("https://{address}");
    assert_eq!(
        scrape(&secure, &trusting(&own.0), None).await,
        Some(StatusCode::OK)
    );
    assert_eq!(scrape(&secure, &trusting(&other.0), None).await, None);
    let plain = format!("http://{address}");
    assert_eq!(scrape(&plain, &TlsSettings::default(), None).await, None);
}

/// Where scrapers need a certificate, only those who have one read the page.
#[tokio::test]
async fn scrapers_can_be_asked_for_a_certificate() {
    let folder = Folder::new("page-mtls");
    let own = certificate(folder.path(), "own");
    let scraper = certificate(folder.path(), "scraper");
    let (address, _writer) = serve(PrometheusConfig {
        tls: Some(TlsServerSettings {
            client_ca_file: Some(scraper.0.clone()),
            ..server(&own)
        }),
        ..PrometheusConfig::default()
    })
    .await;
    let url = format!("https://{address}");
    let with = |identity: &(PathBuf, PathBuf)| TlsSettings {
        cert_file: Some(identity.0.clone()),
        key_file: Some(identity.1.clone()),
        ..trusting(&own.0)
    };
    assert_eq!(
        scrape(&url, &with(&scraper), None).await,
        Some(StatusCode::OK)
    );
    assert_eq!(scrape(&url, &trusting(&own.0), None).await, None);
    assert_eq!(scrape(&url, &with(&own), None).await, None);
}

/// One client that begins TLS and goes no further holds up nobody.
#[tokio::test]
async fn a_client_that_hangs_holds_up_nobody() {
    let folder = Folder::new("page-hang");
    let own = certificate(folder.path(), "own");
    let (address, _writer) = serve(PrometheusConfig {
        tls: Some(server(&own)),
        ..PrometheusConfig::default()
    })
    .await;
    let _hanging = tokio::net::TcpStream::connect(&address).await.unwrap();
    let url = format!("https://{address}");
    assert_eq!(
        scrape(&url, &trusting(&own.0), None).await,
        Some(StatusCode::OK)
    );
}

/// A file that cannot be used is told with its key before anything is bound.
#[test]
fn certificates_that_cannot_be_used_are_refused() {
    let folder = Folder::new("page-broken");
    let own = certificate(folder.path(), "own");
    let other = certificate(folder.path(), "other");
    let missing = folder.path().join("missing");
    for (settings, expected) in [
        (
            server(&(missing.clone(), own.1.clone())),
            "missing: No such file",
        ),
        (
            server(&(own.0.clone(), own.0.clone())),
            "expected a private key",
        ),
        (
            server(&(own.0.clone(), other.1)),
            "use it: keys may not be consistent",
        ),
        (
            TlsServerSettings {
                client_ca_file: Some(missing),
                ..server(&own)
            },
            "missing: No such file",
        ),
    ] {
        let config = PrometheusConfig {
            tls: Some(settings),
            ..PrometheusConfig::default()
        };
        let node = Node::map(Span::whole("test"));
        let mut check = Check::new(&node);
        config.check(&mut check);
        let errors = check.finish().0;
        assert!(
            matches!(&*errors, [one] if one.message.contains(expected)),
            "{errors:?} instead of {expected}"
        );
    }
}
