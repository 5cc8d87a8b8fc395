//! Real servers that tests send to, each a process of the test on ports of its own, killed on drop.
//! They come from `make peers`.

mod collector;
mod http;
mod prometheus;
mod server;

pub use collector::{Collector, Signals};
pub use http::{get, post};
pub use prometheus::{Prometheus, check_metrics};
