//! A page of metrics for Prometheus to scrape: how many events of which kind,
//! the points that probes count in the kernel, and the program's own figures.
//!
//! The page is text format 0.0.4. Series are bounded: what is beyond a metric's
//! limit is counted in one series with `otel_metric_overflow="true"`.

mod client;
mod config;
mod encode;
mod events;
mod name;
mod own;
mod points;
#[cfg(test)]
mod tests;

pub use config::PrometheusConfig;
