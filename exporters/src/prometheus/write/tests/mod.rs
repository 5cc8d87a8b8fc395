mod answers;
mod encoding;
mod model;
mod peer;

use eunomia_core::signal::Signal;
use eunomia_core::time::WallNanos;

use super::config::{ProtobufMessage, RemoteWriteSettings};
use crate::prometheus::config::PrometheusConfig;
use crate::prometheus::page::Page;
use crate::support;

const NOW: WallNanos = WallNanos(1_795_334_400_000_000_000);

fn settings(endpoint: &str, message: ProtobufMessage) -> RemoteWriteSettings {
    serde_json::from_value(serde_json::json!({
        "endpoint": endpoint,
        "protobuf_message": message,
        "retry": { "initial": "1ms" },
    }))
    .unwrap()
}

/// A page with events and points, written to `settings`.
fn page(settings: &RemoteWriteSettings) -> Page {
    let config = PrometheusConfig {
        remote_write: Some(settings.clone()),
        ..PrometheusConfig::default()
    };
    let page = Page::new(&config, &support::host(), None);
    page.update(&Signal::Events(support::sample()), NOW);
    page.update(&Signal::Metrics(support::metrics()), NOW);
    page
}
