//! Certificates that are right and wrong.

use eunomia_core::config::{Duration, Secret};

use super::delivery::config;
use super::fake::Fake;
use crate::exported::{events, export, outcome};
use crate::front::{Authority, tls};
use crate::net::TlsSettings;

/// Nothing reaches a server that is not trusted, or does not trust us: it is waited for, and given up
/// and counted when the time for that is over.
#[tokio::test]
async fn certificates_decide_whether_anything_is_sent() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let right = ours.sign("127.0.0.1");
    let expired = ours.sign_until("127.0.0.1", 2001);
    let misnamed = ours.sign("other.example");
    let (client, stranger) = (ours.sign("client"), other.sign("client"));
    let rows = [
        (&right, &ours, None, None, true),
        (&right, &other, None, None, false),
        (&expired, &ours, None, None, false),
        (&misnamed, &ours, None, None, false),
        (&right, &ours, Some(&ours), Some(&client), true),
        (&right, &ours, Some(&ours), None, false),
        (&right, &ours, Some(&ours), Some(&stranger), false),
    ];
    for (number, (certificate, trusted, clients, client, is_right)) in rows.into_iter().enumerate()
    {
        let fake = Fake::default();
        let (behind, _serving) = fake.serve().await;
        let behind = behind.trim_start_matches("http://").parse().unwrap();
        let (address, _front) = tls(behind, certificate, clients, b"http/1.1").await;
        let mut config = config(&format!("https://{address}"));
        config.retry.max_elapsed = Duration::millis(20);
        config.tls = TlsSettings {
            ca_pem: Some(trusted.pem()),
            cert_pem: client.map(|client| client.pem.clone()),
            key_pem: client.map(|client| Secret::new(&*client.key)),
            ..TlsSettings::default()
        };
        let account = export(config, vec![events()]).await;
        let expected = if is_right {
            (8, Vec::new())
        } else {
            (0, vec![("retry_expired", 8)])
        };
        assert_eq!(outcome(&account), expected, "row {number}");
        assert_eq!(fake.taken(), usize::try_from(account.delivered).unwrap());
    }
}
