//! A page of metrics for Prometheus to scrape: how many events of which kind,
//! the points that probes count in the kernel, and the program's own figures.
//!
//! What is shown is kept in the form that is closest to a page; a scrape goes
//! through it once, family by family, into a writer of the format that the
//! scraper likes best. Series are bounded: what is beyond a metric's limit is
//! counted in one series with `otel_metric_overflow="true"`.

mod client;
mod clock;
mod config;
mod escape;
mod events;
mod family;
mod gone;
mod labels;
mod name;
mod native;
mod negotiate;
mod own;
mod owners;
mod page;
mod points;
mod proto;
mod rules;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod write;

pub use config::{PrometheusConfig, ResourceConstantLabels};
pub use name::TranslationStrategy;
pub use page::Page as PrometheusPage;
pub use write::{ProtobufMessage, RemoteWriteSettings};
pub use write::{Request as RemoteWriteRequest, encode_remote_write};
