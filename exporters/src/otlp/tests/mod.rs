mod answers;
mod delivery;
mod encoding;
mod fake;
mod front;
mod http;
mod json;
mod tls;
