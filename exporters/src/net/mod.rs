//! What exporters with a peer share: where it is, how it is trusted, who we are
//! to it, and what happens when it does not answer.

mod auth;
mod connect;
mod endpoint;
mod excerpt;
mod http;
mod pause;
mod peer;
mod pem;
mod reload;
mod retry;
#[cfg(test)]
mod tests;
mod tls;
mod tls_server;
mod verify;

pub use auth::BasicAuth;
pub(crate) use auth::{AuthSettings, Credentials};
pub(crate) use endpoint::{Endpoint, Place};
pub(crate) use excerpt::excerpt;
pub(crate) use http::{Answer, HttpClient, MAX_ANSWER, Pool, Versions, pool, reason};
pub use peer::{Peer, PeerSettings};
pub use retry::RetrySettings;
pub(crate) use retry::{Failure, Policy, Verdict, retry_after, send};
pub use tls::{TlsSettings, TlsVersion};
pub(crate) use tls_server::TlsListener;
pub use tls_server::TlsServerSettings;
