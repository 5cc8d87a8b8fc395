//! Real servers that tests send to, each a process of the test on ports of its own, killed on drop.
//! They come from `make peers`.

mod collector;
mod credentials;
mod csv;
mod forwarder;
mod http;
mod influxdb;
mod influxdb1;
mod open_metrics;
mod otlp_sink;
mod prometheus;
mod series;
mod server;
mod signals;
mod victoria;

pub use collector::Collector;
pub use csv::csv_rows;
pub use forwarder::{Forwarder, Sink};
pub use http::{get, post};
pub use influxdb::InfluxDb;
pub use influxdb1::InfluxDb1;
pub use open_metrics::open_metrics;
pub use otlp_sink::OtlpSink;
pub use prometheus::{Prometheus, Release, check_metrics};
pub use series::{Labels, Series, in_open_metrics, latest};
pub use signals::Signals;
pub use victoria::{VictoriaLogs, VictoriaMetrics};
