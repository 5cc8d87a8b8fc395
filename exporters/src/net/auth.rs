//! Who we are to a peer: headers, a token from a file, a name with a password.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use eunomia_core::config::{Check, Secret};
use rustix::fs::{Mode, OFlags, open};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::retry::Failure;
use crate::number::write_base64;

/// How the program calls itself to its peers.
const OURSELVES: &str = concat!("eunomia-pipeline/", env!("CARGO_PKG_VERSION"));

/// Why nothing is sent without a token that can be read.
const NO_TOKEN: &str = "no_token";
/// The longest file with a token.
const MAX_TOKEN: u64 = 64 << 10;

/// What stands before a name and a password.
const SCHEME: &[u8] = b"Basic ";

/// A name and a password, sent with every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// The name, without a colon.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl BasicAuth {
    /// Refuses what cannot be; the settings stand under `keys` in those that
    /// `check` is of.
    pub(crate) fn check(&self, keys: &[&str], check: &mut Check<'_>) {
        if self.username.contains(':') {
            let path = [keys, &["username"]].concat();
            check.refuse(&path, "expected no colon in it");
        }
    }

    /// Whether the value of an `authorization` header is this name and password.
    /// How long the answer takes says nothing of how much of it is right.
    pub(crate) fn is_proven_by(&self, header: &[u8]) -> bool {
        let expected = basic(self);
        let expected = expected.as_ref().map(HeaderValue::as_bytes);
        let Some(expected) = expected.and_then(|value| value.get(SCHEME.len()..)) else {
            return false;
        };
        let Some((scheme, proof)) = header.split_at_checked(SCHEME.len()) else {
            return false;
        };
        let differing = expected
            .iter()
            .zip(proof)
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        scheme.eq_ignore_ascii_case(SCHEME)
            && expected.len() == proof.len()
            && std::hint::black_box(differing) == 0
    }
}

/// What an exporter's settings say about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthSettings<'a> {
    /// `headers`.
    pub(crate) headers: &'a BTreeMap<String, Secret>,
    /// `bearer_token_file`.
    pub(crate) bearer_token_file: Option<&'a Path>,
    /// `basic_auth`.
    pub(crate) basic_auth: Option<&'a BasicAuth>,
}

impl AuthSettings<'_> {
    /// Refuses what cannot be; the settings stand under `keys` in those that
    /// `check` is of.
    pub(crate) fn check(&self, keys: &[&str], check: &mut Check<'_>) {
        if let Some(basic) = self.basic_auth {
            basic.check(&[keys, &["basic_auth"]].concat(), check);
        }
        let mut refuse = |below: &[&str], message: String| {
            check.refuse(&[keys, below].concat(), message);
        };
        for (name, value) in self.headers {
            if header(name, value).is_none() {
                refuse(&["headers", name], "expected a header of ASCII text".into());
            }
        }
        if let Some(file) = self.bearer_token_file
            && let Err(failure) = bearer(file)
        {
            refuse(&["bearer_token_file"], failure.message);
        }
        let is_authorization = |name: &String| name.eq_ignore_ascii_case("authorization");
        let ways = [
            self.headers.keys().any(is_authorization),
            self.bearer_token_file.is_some(),
            self.basic_auth.is_some(),
        ];
        if ways.into_iter().filter(|is_used| *is_used).count() > 1 {
            let message =
                "expected one of bearer_token_file, basic_auth and the header authorization";
            refuse(&[], message.into());
        }
    }

    /// What is sent with every request.
    pub(crate) fn credentials(&self) -> Credentials {
        let mut fixed = HeaderMap::new();
        fixed.insert(USER_AGENT, HeaderValue::from_static(OURSELVES));
        let pairs = self.headers.iter();
        fixed.extend(pairs.filter_map(|(name, value)| header(name, value)));
        if let Some(value) = self.basic_auth.and_then(basic) {
            fixed.insert(AUTHORIZATION, value);
        }
        Credentials {
            fixed,
            bearer_token_file: self.bearer_token_file.map(Path::to_owned),
        }
    }
}

/// What is sent with every request.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    fixed: HeaderMap,
    bearer_token_file: Option<PathBuf>,
}

impl Credentials {
    /// The headers as they are now: a token that was replaced counts from the
    /// next request on. A file system that hangs holds up this request alone.
    ///
    /// # Errors
    /// That the token's file cannot be read.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = self.fixed.clone();
        if let Some(file) = self.bearer_token_file.clone() {
            let read = spawn_blocking(move || bearer(&file)).await;
            let read = read.map_err(|error| Failure::new(NO_TOKEN, error.to_string()))?;
            headers.insert(AUTHORIZATION, read?);
        }
        Ok(headers)
    }
}

fn header(name: &str, value: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, sensitive(value.reveal())?))
}

fn bearer(file: &Path) -> Result<HeaderValue, Failure> {
    let wrong = |what: String| Failure::new(NO_TOKEN, format!("{}: {what}", file.display()));
    let text = read_bounded(file).map_err(|error| wrong(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(wrong("expected a token".into()));
    }
    let value = sensitive(&format!("Bearer {token}"));
    value.ok_or_else(|| wrong("expected a token of ASCII text".into()))
}

/// Nobody is waited for who does not write to a pipe.
fn read_bounded(file: &Path) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(file, flags, Mode::empty())?);
    let mut text = String::new();
    file.take(MAX_TOKEN + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_TOKEN {
        return Err(io::Error::other("expected a token of 64 KiB at most"));
    }
    Ok(text)
}

fn basic(basic: &BasicAuth) -> Option<HeaderValue> {
    let pair = format!("{}:{}", basic.username, basic.password.reveal());
    let mut value = SCHEME.to_vec();
    write_base64(pair.as_bytes(), &mut value);
    sensitive(str::from_utf8(&value).ok()?)
}

/// A value that no log shows.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
