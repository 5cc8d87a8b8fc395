//! The page behind its port.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::response::IntoResponse;
use axum::routing::get;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter};
use eunomia_core::queue::{Delivery, QueueReader};
use eunomia_core::time::WallNanos;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use super::config::PrometheusConfig;
use super::page::Page;
use crate::throttle::Throttle;

/// How often series are looked through that nobody updates.
const SWEEP: Duration = Duration::from_secs(10);
/// Why points were dropped, as the account names it.
const NAME_CONFLICT: &str = "name_conflict";

#[derive(Debug)]
pub(super) struct PrometheusExporter {
    endpoint: String,
    page: Arc<Page>,
    listener: Option<TcpListener>,
    log: Throttle,
}

impl PrometheusExporter {
    pub(super) fn new(config: &PrometheusConfig, context: &BuildContext) -> Self {
        let own = context.own_metrics.then(|| context.accounts.clone());
        Self {
            endpoint: config.endpoint.clone(),
            page: Arc::new(Page::new(config, &context.host, own)),
            listener: None,
            log: Throttle::default(),
        }
    }

    async fn bind(&self) -> Result<TcpListener, ComponentError> {
        let endpoint = &self.endpoint;
        TcpListener::bind(endpoint).await.map_err(|error| {
            ComponentError::failed(format!(
                "serve metrics on {endpoint}: {error}; choose another `endpoint`"
            ))
        })
    }

    async fn take(&self, mut queue: QueueReader) {
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                delivery = queue.next() => match delivery {
                    Some(delivery) => self.show(delivery),
                    None => return,
                },
                _ = sweep.tick() => self.page.expire(wall_clock()),
            }
        }
    }

    fn show(&self, mut delivery: Delivery) {
        let refused = self.page.update(delivery.signal(), wall_clock());
        delivery.dropped_some(refused, NAME_CONFLICT);
        delivery.delivered();
        if refused > 0 && self.log.passes() {
            tracing::warn!(
                refused,
                "metric points are dropped: another metric has their name"
            );
        }
    }
}

#[async_trait]
impl Exporter for PrometheusExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.listener = Some(self.bind().await?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, queue: QueueReader) -> Result<(), ComponentError> {
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => self.bind().await?,
        };
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(&self.page));
        tokio::select! {
            served = axum::serve(listener, router) => served.map_err(|error| {
                ComponentError::failed(format!("serve metrics on {}: {error}", self.endpoint))
            }),
            () = self.take(queue) => Ok(()),
        }
    }
}

async fn metrics(State(page): State<Arc<Page>>, headers: HeaderMap) -> impl IntoResponse {
    let accept: Vec<_> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let format = page.format(&accept.join(","));
    let headers = [
        (CONTENT_TYPE, format.content_type()),
        (VARY, "accept".to_owned()),
    ];
    (headers, page.render(format, wall_clock()))
}

fn wall_clock() -> WallNanos {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
