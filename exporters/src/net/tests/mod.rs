mod auth;
mod endpoint;
mod retrying;
mod tls;
