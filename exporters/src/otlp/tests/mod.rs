mod answers;
mod delivery;
mod encoding;
mod fake;
mod http;
mod json;
mod tls;
