//! Certificates and keys as PEM, from a file or as they stand in the
//! configuration.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::{Error, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where the text is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pem<'a> {
    /// In this file.
    File(&'a Path),
    /// Here.
    Text(&'a str),
}

impl Pem<'_> {
    /// The certificates, at least one.
    ///
    /// # Errors
    /// What is wrong with them, for people.
    pub(crate) fn certificates(self) -> Result<Vec<CertificateDer<'static>>, String> {
        let bytes = self.bytes()?;
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        match all {
            Ok(found) if found.is_empty() => Err(self.lacks("a certificate")),
            Ok(found) => Ok(found),
            Err(_) => Err(self.broken()),
        }
    }

    /// The first private key.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(crate) fn key(self) -> Result<PrivateKeyDer<'static>, String> {
        let bytes = self.bytes()?;
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
            if matches!(error, Error::NoItemsFound) {
                return self.lacks("a private key");
            }
            self.broken()
        })
    }

    fn bytes(&self) -> Result<Cow<'_, [u8]>, String> {
        match self {
            Self::File(path) => match fs::read(path) {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(format!("read {}: {error}", path.display())),
            },
            Self::Text(text) => Ok(text.as_bytes().into()),
        }
    }

    fn lacks(self, what: &str) -> String {
        match self {
            Self::File(path) => format!("expected {what} as PEM in {}", path.display()),
            Self::Text(_) => format!("expected {what} as PEM"),
        }
    }

    /// The error would quote a line, which may be of a key.
    fn broken(self) -> String {
        match self {
            Self::File(path) => format!("{} is broken PEM", path.display()),
            Self::Text(_) => "broken PEM".to_owned(),
        }
    }
}
