mod auth;
mod endpoint;
mod hanging;
mod retrying;
mod tls;
