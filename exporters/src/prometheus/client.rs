//! The page behind its port.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use eunomia_core::build::BuildContext;
use eunomia_core::component::{ComponentError, Exporter};
use eunomia_core::queue::{Delivery, QueueReader};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::clock;
use super::config::PrometheusConfig;
use super::page::Page;
use super::write::RemoteWriter;
use crate::net::{BasicAuth, TlsListener};
use crate::throttle::Throttle;

/// How often series are looked through that nobody updates.
const SWEEP: Duration = Duration::from_secs(10);
/// What whoever has no name and password is asked for.
const CHALLENGE: &str = "Basic realm=\"eunomia\", charset=\"UTF-8\"";
/// Why points were dropped, as the account names it.
const NAME_CONFLICT: &str = "name_conflict";

#[derive(Debug)]
pub(super) struct PrometheusExporter {
    config: PrometheusConfig,
    context: BuildContext,
    page: Arc<Page>,
    ready: Option<Ready>,
    log: Throttle,
}

/// What is had before anything begins.
#[derive(Debug)]
struct Ready {
    listener: Listening,
    writer: Option<RemoteWriter>,
}

/// Where scrapers come in.
#[derive(Debug)]
enum Listening {
    Plain(TcpListener),
    Tls(Box<TlsListener>),
}

/// What a scraper is answered from.
#[derive(Debug)]
struct Served {
    page: Arc<Page>,
    basic_auth: Option<BasicAuth>,
}

impl PrometheusExporter {
    pub(super) fn new(config: &PrometheusConfig, context: &BuildContext) -> Self {
        let own = context.own_metrics.then(|| context.accounts.clone());
        Self {
            page: Arc::new(Page::new(config, &context.host, own)),
            config: config.clone(),
            context: context.clone(),
            ready: None,
            log: Throttle::default(),
        }
    }

    async fn ready(&self) -> Result<Ready, ComponentError> {
        let remote_write = self.config.remote_write.as_ref();
        let writer =
            remote_write.map(|settings| RemoteWriter::new(settings, &self.page, &self.context));
        Ok(Ready {
            listener: self.listen().await?,
            writer: writer.transpose()?,
        })
    }

    async fn listen(&self) -> Result<Listening, ComponentError> {
        let endpoint = &self.config.endpoint;
        let wrong =
            |error: String| ComponentError::failed(format!("serve metrics on {endpoint}: {error}"));
        let listener = TcpListener::bind(endpoint)
            .await
            .map_err(|error| wrong(format!("{error}; choose another `endpoint`")))?;
        match &self.config.tls {
            None => Ok(Listening::Plain(listener)),
            Some(tls) => {
                let listener = TlsListener::new(listener, tls).map_err(wrong)?;
                Ok(Listening::Tls(Box::new(listener)))
            }
        }
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
                _ = sweep.tick() => self.page.expire(clock::wall()),
            }
        }
    }

    fn show(&self, mut delivery: Delivery) {
        let refused = self.page.update(delivery.signal(), clock::wall());
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
        self.ready = Some(self.ready().await?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, queue: QueueReader) -> Result<(), ComponentError> {
        let ready = match self.ready.take() {
            Some(ready) => ready,
            None => self.ready().await?,
        };
        let served = Served {
            page: Arc::clone(&self.page),
            basic_auth: self.config.basic_auth.clone(),
        };
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(Arc::new(served));
        // What the queue had last is written too.
        let (end, ended) = oneshot::channel::<()>();
        let take = async {
            self.take(queue).await;
            drop(end);
        };
        let write = async {
            if let Some(writer) = &ready.writer {
                writer.run(ended).await;
            }
        };
        tokio::select! {
            served = ready.listener.serve(router) => served.map_err(|error| {
                let endpoint = &self.config.endpoint;
                ComponentError::failed(format!("serve metrics on {endpoint}: {error}"))
            }),
            ((), ()) = async { tokio::join!(take, write) } => Ok(()),
        }
    }
}

impl Listening {
    async fn serve(self, router: Router) -> io::Result<()> {
        match self {
            Self::Plain(listener) => axum::serve(listener, router).await,
            Self::Tls(listener) => axum::serve(*listener, router).await,
        }
    }
}

impl Served {
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let Some(expected) = &self.basic_auth else {
            return true;
        };
        let proof = headers.get(AUTHORIZATION);
        proof.is_some_and(|proof| expected.is_proven_by(proof.as_bytes()))
    }
}

async fn metrics(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if !served.lets_in(&headers) {
        let challenge = [(WWW_AUTHENTICATE, CHALLENGE)];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    let accept: Vec<_> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let (content_type, page) = served.page.render(&accept.join(","), clock::wall());
    let headers = [(CONTENT_TYPE, content_type), (VARY, "accept".to_owned())];
    (headers, page).into_response()
}
