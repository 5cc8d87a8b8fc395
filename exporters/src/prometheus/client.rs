//! The page behind its port.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use eunomia_core::account::Accounts;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter};
use eunomia_core::metric::MetricBatch;
use eunomia_core::queue::{Delivery, QueueReader};
use eunomia_core::signal::Signal;
use eunomia_core::time::WallNanos;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use super::config::PrometheusConfig;
use super::encode::Number;
use super::events::{EVENTS, EventCounts};
use super::own::{OVERFLOW, OwnMetrics, SERIES, is_own};
use super::points::Points;
use crate::throttle::Throttle;

/// The text format that every Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
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

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct Page {
    shown: Mutex<Shown>,
    series_limit: usize,
    /// The accounts, where own metrics are shown.
    own: Option<Accounts>,
}

#[derive(Debug)]
struct Shown {
    events: EventCounts,
    points: Points,
}

impl Page {
    pub(super) fn new(config: &PrometheusConfig, own: Option<Accounts>) -> Self {
        let limit = usize::try_from(config.series_limit).unwrap_or(usize::MAX);
        Self {
            shown: Mutex::new(Shown {
                events: EventCounts::new(&config.labels, limit),
                points: Points::new(limit),
            }),
            series_limit: limit,
            own,
        }
    }

    /// Shows `signal` too; gives the number of points whose name is taken.
    pub(super) fn update(&self, signal: &Signal, now: WallNanos) -> usize {
        let mut shown = self.lock();
        match signal {
            Signal::Events(batch) => {
                shown.events.count(batch, now);
                0
            }
            Signal::Metrics(batch) => shown.points.update(batch, is_taken),
        }
    }

    pub(super) fn expire(&self, now: WallNanos) {
        let mut shown = self.lock();
        shown.events.expire(now);
        shown.points.expire(now);
    }

    pub(super) fn render(&self, now: WallNanos) -> String {
        let own = self.own.as_ref().map(|accounts| {
            let own = OwnMetrics::new(&accounts.read());
            (own, self.further_points(accounts, now))
        });
        let shown = self.lock();
        let mut text = String::new();
        shown.events.family().write(&mut text);
        shown
            .points
            .families()
            .for_each(|family| family.write(&mut text));
        if let Some((mut own, further)) = own {
            shown.add_sizes(&mut own);
            drop(shown);
            own.families()
                .iter()
                .for_each(|family| family.write(&mut text));
            further
                .families()
                .for_each(|family| family.write(&mut text));
        }
        text
    }

    /// What components tell of themselves beside their accounts.
    fn further_points(&self, accounts: &Accounts, now: WallNanos) -> Points {
        let mut further = Points::new(self.series_limit);
        let batch = MetricBatch {
            time: now,
            points: accounts.points(),
        };
        let refused = further.update(&batch, is_taken);
        if refused > 0 {
            tracing::debug!(refused, "own points have the name of an own metric");
        }
        further
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn add_sizes(&self, own: &mut OwnMetrics) {
        let (series, overflow) = self.events.size();
        let events = (EVENTS, series, overflow);
        for (metric, series, overflow) in self.points.sizes().chain([events]) {
            let labels = [("metric", metric)];
            own.add(SERIES, &labels, Number::Uint(series as u64));
            own.add(OVERFLOW, &labels, Number::Uint(overflow));
        }
    }
}

/// Whether something else on the page has this name.
fn is_taken(name: &str) -> bool {
    name == EVENTS || is_own(name)
}

impl PrometheusExporter {
    pub(super) fn new(config: &PrometheusConfig, context: &BuildContext) -> Self {
        let own = context.own_metrics.then(|| context.accounts.clone());
        Self {
            endpoint: config.endpoint.clone(),
            page: Arc::new(Page::new(config, own)),
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

async fn metrics(State(page): State<Arc<Page>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT)], page.render(wall_clock()))
}

fn wall_clock() -> WallNanos {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallNanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
