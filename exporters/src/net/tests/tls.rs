//! What is refused of certificates and keys, and what is read again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eunomia_core::config::{self, Check, Node, Secret, Span};
use tokio::time::advance;

use crate::net::TlsSettings;
use crate::net::tls::Tls;
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
