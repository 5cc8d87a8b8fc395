//! Where a peer listens, as it is written: `http://HOST:PORT`, `https://...`,
//! `unix:///PATH`.

use std::net::IpAddr;
use std::path::Path;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use url::Url;

/// The scheme of Unix sockets.
const UNIX: &str = "unix://";
/// What requests through a Unix socket name as their host.
const UNIX_URI: &str = "http://localhost/";

/// A peer's address and the path that its requests begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Where it is connected to.
    pub(crate) place: Place,
    uri: Uri,
}

/// Where a peer is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A host and a port.
    Tcp { host: Box<str>, port: u16 },
    /// The same, through TLS.
    Tls { host: Box<str>, port: u16 },
    /// A socket in the file system.
    Unix(Box<Path>),
}

impl Endpoint {
    /// Reads what is written in a configuration.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix(UNIX) {
            let place = Place::Unix(Path::new(path).into());
            let uri = Uri::from_static(UNIX_URI);
            return path.starts_with('/').then_some(Self { place, uri });
        }
        let uri: Uri = text.parse().ok()?;
        // Which texts are addresses of hosts is known to `url` alone: 1.2.3.999 is not.
        Url::parse(text).ok()?;
        let authority = uri.authority()?;
        let port = uri.port_u16();
        let is_all = match port {
            Some(port) => authority.as_str() == format!("{}:{port}", authority.host()),
            // What was written as a port may be none, and a name and password are
            // keys of their own.
            None => authority.as_str() == authority.host(),
        };
        // An address of IPv6 stands in brackets, for the colons in it.
        let host = authority.host().trim_matches(['[', ']']);
        if !is_all || host.is_empty() || uri.query().is_some() {
            return None;
        }
        let host = host.into();
        let place = match uri.scheme_str()? {
            "http" => Place::Tcp {
                host,
                port: port.unwrap_or(80),
            },
            "https" => Place::Tls {
                host,
                port: port.unwrap_or(443),
            },
            _ => return None,
        };
        Some(Self { place, uri })
    }

    /// Whether it is spoken to through TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.place, Place::Tls { .. })
    }

    /// Whether it is on this machine, where bytes cost less than compressing them.
    pub(crate) fn is_local(&self) -> bool {
        match &self.place {
            Place::Unix(_) => true,
            Place::Tcp { host, .. } | Place::Tls { host, .. } => {
                let address = host.parse::<IpAddr>();
                address.map_or_else(
                    |_| host.eq_ignore_ascii_case("localhost"),
                    |address| address.to_canonical().is_loopback(),
                )
            }
        }
    }

    /// The path that was written, without a slash at its end.
    pub(crate) fn path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    /// What requests to `path` and the query behind it are addressed to; `path`
    /// is the whole of it.
    pub(crate) fn at(&self, path: &str) -> Uri {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = path.parse::<PathAndQuery>().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| self.uri.clone())
    }
}
