//! What is sent of who we are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eunomia_core::config::Secret;

use crate::net::{AuthSettings, BasicAuth, Credentials};
use crate::scratch::Folder;

async fn authorization(credentials: &Credentials) -> Result<String, String> {
    let headers = credentials
        .headers()
        .await
        .map_err(|failure| failure.message)?;
    let value = headers.get("authorization").unwrap();
    assert!(value.is_sensitive(), "it would be shown");
    Ok(value.to_str().unwrap().to_owned())
}

fn with_token(file: &Path) -> Credentials {
    let settings = AuthSettings {
        headers: &BTreeMap::new(),
        bearer_token_file: Some(file),
        basic_auth: None,
    };
    settings.credentials()
}

/// A token that was replaced is used by the next request; one that is gone is
/// told, with its file.
#[tokio::test]
async fn a_token_is_read_for_every_request() {
    let folder = Folder::new("token");
    let file = folder.path().join("token");
    let credentials = with_token(&file);
    for token in ["first", "second\n"] {
        fs::write(&file, token).unwrap();
        let expected = format!("Bearer {}", token.trim());
        assert_eq!(authorization(&credentials).await, Ok(expected));
    }
    for broken in ["", "\n", "a\nb", "\u{e9}\u{1}"] {
        fs::write(&file, broken).unwrap();
        let error = authorization(&credentials).await.unwrap_err();
        assert!(error.contains("expected a token"), "{broken:?}: {error}");
    }
    fs::write(&file, "x".repeat(64 << 10)).unwrap();
    assert!(authorization(&credentials).await.is_ok());
    fs::write(&file, "x".repeat((64 << 10) + 1)).unwrap();
    let error = authorization(&credentials).await.unwrap_err();
    assert!(error.contains("64 KiB at most"), "{error}");
    fs::remove_file(&file).unwrap();
    let error = authorization(&credentials).await.unwrap_err();
    assert!(error.contains("/token: No such file"), "{error}");
}

/// A name and a password are one value; headers are sent as they stand.
#[tokio::test]
async fn a_name_and_a_password_are_sent() {
    let basic = BasicAuth {
        username: "Aladdin".into(),
        password: Secret::new("open sesame"),
    };
    let headers = BTreeMap::from([("x-scope-orgid".to_owned(), Secret::new("7"))]);
    let settings = AuthSettings {
        headers: &headers,
        bearer_token_file: None,
        basic_auth: Some(&basic),
    };
    let credentials = settings.credentials();
    let expected = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert_eq!(authorization(&credentials).await, Ok(expected.into()));
    let headers = credentials.headers().await.unwrap();
    assert_eq!(headers.get("x-scope-orgid").unwrap(), "7");
    let agent = headers.get("user-agent").unwrap().to_str().unwrap();
    assert!(agent.starts_with("eunomia-pipeline/"), "{agent}");
}
