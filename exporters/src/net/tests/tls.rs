//! What is refused of certificates and keys, and what is read again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eunomia_core::config::{self, Check, Node, Secret, Span};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::advance;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, ProtocolVersion, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::front::Authority;
use crate::net::pem::Pem;
use crate::net::tls::Tls;
use crate::net::{TlsServerSettings, TlsSettings, TlsVersion};
use crate::scratch::{Folder, certificate};

fn problems(settings: &TlsSettings) -> Vec<String> {
    let node = Node::map(Span::whole("test"));
    let mut check = Check::new(&node);
    settings.check(&["tls"], &mut check);
    let errors = check.finish().0;
    errors.into_iter().map(|error| error.message).collect()
}

/// Each file is tried; what is wrong with it is said with its name.
#[test]
fn files_that_cannot_be_used_are_refused() {
    let folder = Folder::new("tls");
    let (ca, key) = certificate(folder.path(), "one");
    let (other, _) = certificate(folder.path(), "two");
    let broken = folder.path().join("broken");
    let text = fs::read_to_string(&ca).unwrap();
    fs::write(&broken, text.replace("END", "AND")).unwrap();
    let trusts = |file: &Path| TlsSettings {
        ca_file: Some(file.into()),
        ..TlsSettings::default()
    };
    let is = |certificate: &Path, key: &Path| TlsSettings {
        cert_file: Some(certificate.into()),
        key_file: Some(key.into()),
        ..trusts(&ca)
    };
    let missing = folder.path().join("missing");
    for (settings, expected) in [
        (trusts(&missing), "missing: No such file"),
        (trusts(&key), "expected a certificate as PEM in"),
        (trusts(&broken), "broken is broken PEM"),
        (is(&missing, &key), "missing: No such file"),
        (is(&ca, &ca), "expected a private key as PEM in"),
        (is(&other, &key), "use it: keys may not be consistent"),
        (
            TlsSettings {
                key_file: None,
                ..is(&ca, &key)
            },
            "expected a key_file beside it",
        ),
        (
            TlsSettings {
                cert_file: None,
                ..is(&ca, &key)
            },
            "expected a cert_file beside it",
        ),
        (
            TlsSettings {
                ca_pem: Some(text),
                ..trusts(&ca)
            },
            "expected a file or its text, not both",
        ),
        (
            TlsSettings {
                server_name_override: Some("a b".into()),
                ..trusts(&ca)
            },
            "expected the name of a host",
        ),
    ] {
        let found = problems(&settings);
        assert!(
            matches!(&*found, [one] if one.contains(expected)),
            "{found:?} instead of {expected:?}"
        );
    }
}

/// Both at fault are told at once; neither is where nothing is.
#[test]
fn all_problems_come_at_once() {
    let settings = TlsSettings {
        ca_pem: Some("x".into()),
        cert_pem: Some("y".into()),
        key_pem: Some(Secret::new("z")),
        ..TlsSettings::default()
    };
    let expected = [
        "expected a certificate as PEM",
        "expected a certificate as PEM",
    ];
    assert_eq!(problems(&settings), expected);
    let skips = TlsSettings {
        insecure_skip_verify: true,
        ..TlsSettings::default()
    };
    assert_eq!(problems(&skips), [""; 0]);
}

/// A server with this certificate and key that speaks `versions`.
fn server(
    (certificate, key): &(PathBuf, PathBuf),
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let chain = Pem::File(certificate).certificates().unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, Pem::File(key).key().unwrap())
        .unwrap()
}

/// The version that both speak, or why none.
async fn spoken(
    client: Arc<ClientConfig>,
    server: ServerConfig,
) -> Result<ProtocolVersion, &'static str> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (accepted, _) = listener.accept().await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let (client, _server) = tokio::join!(
        TlsConnector::from(client).connect(name, stream.unwrap()),
        TlsAcceptor::from(Arc::new(server)).accept(accepted),
    );
    match client {
        Ok(client) => Ok(client.get_ref().1.protocol_version().unwrap()),
        Err(error) if error.to_string().contains("ProtocolVersion") => Err("version"),
        Err(error) => panic!("{error}"),
    }
}

/// Who is older than `min_version` is not spoken to, be it a server or a client of a page; with
/// others the newest version is.
#[tokio::test]
async fn old_versions_are_refused() {
    use TlsVersion::{V12, V13};
    let folder = Folder::new("versions");
    let files = certificate(folder.path(), "server");
    let trusting = |min_version| TlsSettings {
        ca_file: Some(files.0.clone()),
        min_version,
        ..TlsSettings::default()
    };
    for (min_version, versions, expected) in [
        (V12, &[&TLS12][..], Ok(ProtocolVersion::TLSv1_2)),
        (V12, &[&TLS12, &TLS13], Ok(ProtocolVersion::TLSv1_3)),
        (V13, &[&TLS12, &TLS13], Ok(ProtocolVersion::TLSv1_3)),
        (V13, &[&TLS12], Err("version")),
    ] {
        let client = Tls::new(&trusting(min_version), &[]).unwrap().config();
        assert_eq!(spoken(client, server(&files, versions)).await, expected);
        let roots = trusting(min_version).roots_beside(&[]).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let page = TlsServerSettings {
            cert_file: files.0.clone(),
            key_file: files.1.clone(),
            client_ca_file: None,
            min_version,
            reload_interval: config::Duration::default(),
        };
        let page = page.server_config().unwrap();
        assert_eq!(spoken(Arc::new(client), page).await, expected);
    }
}

/// The system's list is trusted where there is no other, or where it is wanted beside it.
#[test]
fn the_systems_list_is_trusted_where_it_is_wanted() {
    let folder = Folder::new("system");
    let [system, own] = ["the system's", "our own"].map(|name| Authority::new(name).pem());
    let file = folder.path().join("system");
    fs::write(&file, system).unwrap();
    let files = ["/nowhere/at/all", file.to_str().unwrap()];
    for (ca_pem, include_system_ca_certs_pool, expected) in [
        (None, false, &["the system's"][..]),
        (None, true, &["the system's"]),
        (Some(&own), false, &["our own"]),
        (Some(&own), true, &["the system's", "our own"]),
    ] {
        let settings = TlsSettings {
            ca_pem: ca_pem.cloned(),
            include_system_ca_certs_pool,
            ..TlsSettings::default()
        };
        let roots = settings.roots_beside(&files).unwrap();
        let names = roots.roots.iter();
        let names: Vec<_> = names
            .map(|root| String::from_utf8_lossy(&root.subject).into_owned())
            .collect();
        assert_eq!(names.len(), expected.len(), "{names:?}");
        for (name, expected) in names.iter().zip(expected) {
            assert!(name.ends_with(expected), "{names:?}");
        }
    }
    let none = TlsSettings::default().roots_beside(&files[..1]);
    assert_eq!(none.unwrap_err().key, "ca_file");
}

/// Files that were replaced count from the interval on; broken ones never.
#[tokio::test(start_paused = true)]
async fn files_are_read_again() {
    let folder = Folder::new("reload");
    let (certificate, key) = certificate(folder.path(), "one");
    let text = fs::read_to_string(&certificate).unwrap();
    let settings = TlsSettings {
        ca_file: Some(certificate.clone()),
        cert_file: Some(certificate.clone()),
        key_file: Some(key),
        reload_interval: config::Duration::seconds(10),
        ..TlsSettings::default()
    };
    let tls = Tls::new(&settings, &[]).unwrap();
    let mut last = tls.config();
    for (seconds, content, is_read) in [
        (9, &*text, false),
        (1, &*text, true),
        (10, "half of", false),
        (10, &*text, true),
    ] {
        fs::write(&certificate, content).unwrap();
        advance(Duration::from_secs(seconds)).await;
        let now = tls.config();
        assert_eq!(!Arc::ptr_eq(&last, &now), is_read, "{content}");
        last = now;
    }
}
