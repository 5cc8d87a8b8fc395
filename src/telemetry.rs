//! What the daemon tells of itself over OTLP: its own metrics, and spans of what
//! it does once in a while.
//!
//! This is the one use of the OpenTelemetry SDK, which drops what it has no room
//! for: events never go through it. Without `service.telemetry.otlp` none of it
//! is started.

use std::collections::BTreeMap;
use std::ops::Add;
use std::time::Duration;

use async_trait::async_trait;
use eunomia_core::account::Accounts;
use eunomia_core::component::Host;
use eunomia_core::metric::{MetricKind, PointValue};
use eunomia_core::own::{OWN_METRICS, OwnMetric, points};
use eunomia_core::value::Value;
use eunomia_exporters::{Peer, host_attributes};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider as _};
use opentelemetry::trace::{Span as _, Status, Tracer as _, TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::config::Telemetry;

/// The scope of all of it.
const SCOPE: &str = "eunomia-pipeline";
/// Stands where the SDK wants an address; the peer has its own.
const ANYWHERE: &str = "http://localhost";
/// The unit of time.
const SECONDS: &str = "s";
/// Where metrics and spans go below the endpoint.
const METRICS: &str = "/v1/metrics";
const TRACES: &str = "/v1/traces";

/// The daemon's own telemetry at work; clones share it.
#[derive(Clone, Debug)]
pub struct OwnTelemetry {
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
}

/// Makes spans, or nothing where nobody wants them.
#[derive(Clone, Debug, Default)]
pub struct Spans(Option<SdkTracer>);

/// Something that takes a while; it ends when it is dropped.
#[derive(Debug)]
pub struct Span(Option<SdkSpan>);

impl OwnTelemetry {
    /// Starts what `settings` want, if they want it; metrics come from
    /// `accounts`.
    ///
    /// # Errors
    /// What is wrong with the settings, for people.
    pub fn start(
        settings: &Telemetry,
        host: &Host,
        accounts: &Accounts,
    ) -> Result<Option<Self>, String> {
        let Some(otlp) = &settings.otlp else {
            return Ok(None);
        };
        let peer = Peer::new(&otlp.peer())?;
        let resource = resource(host);
        let exporter = MetricExporter::builder()
            .with_http()
            .with_endpoint(ANYWHERE)
            .with_http_client(Transport::new(&peer, METRICS))
            .build()
            .map_err(|error| error.to_string())?;
        let reader = PeriodicReader::builder(exporter)
            .with_interval(otlp.interval.0)
            .build();
        let meters = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(reader)
            .build();
        let meter = meters.meter(SCOPE);
        for metric in &OWN_METRICS {
            observe(&meter, metric, accounts);
        }
        let tracers = settings.traces.then(|| tracers(&peer, resource));
        Ok(Some(Self {
            meters,
            tracers: tracers.transpose()?,
        }))
    }

    /// Where spans come from.
    #[must_use]
    pub fn spans(telemetry: Option<&Self>) -> Spans {
        let tracers = telemetry.and_then(|telemetry| telemetry.tracers.as_ref());
        Spans(tracers.map(|tracers| tracers.tracer(SCOPE)))
    }

    /// Sends what is left, the last state of the metrics included, for no longer
    /// than `limit`.
    pub async fn finish(&self, limit: Duration) {
        let Self { meters, tracers } = self.clone();
        let ending = spawn_blocking(move || {
            let traces = tracers.map(|tracers| tracers.shutdown_with_timeout(limit));
            (meters.shutdown_with_timeout(limit), traces)
        });
        match timeout(limit, ending).await {
            Ok(Ok((Ok(()), None | Some(Ok(()))))) => {}
            Ok(outcome) => tracing::debug!(?outcome, "the last own telemetry was not taken"),
            Err(_) => tracing::warn!("the last own telemetry takes too long and is given up"),
        }
    }
}

fn tracers(peer: &Peer, resource: Resource) -> Result<SdkTracerProvider, String> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(ANYWHERE)
        .with_http_client(Transport::new(peer, TRACES))
        .build()
        .map_err(|error| error.to_string())?;
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

/// The resource of everything else that comes from here.
fn resource(host: &Host) -> Resource {
    let attributes = host_attributes(host).map(|(key, value)| KeyValue::new(key, value.to_owned()));
    Resource::builder_empty()
        .with_attributes(attributes)
        .build()
}

/// Lets the SDK ask for a metric.
fn observe(meter: &Meter, metric: &'static OwnMetric, accounts: &Accounts) {
    let OwnMetric {
        name,
        unit,
        description,
        kind,
    } = *metric;
    match kind {
        // Only time is no whole number.
        MetricKind::Counter if unit == SECONDS => {
            let counter = meter.f64_observable_counter(name);
            let counter = counter.with_unit(unit).with_description(description);
            let _asked = counter.with_callback(shown(accounts, name, float)).build();
        }
        MetricKind::Counter => {
            let counter = meter.u64_observable_counter(name);
            let counter = counter.with_unit(unit).with_description(description);
            let _asked = counter.with_callback(shown(accounts, name, whole)).build();
        }
        MetricKind::Gauge | MetricKind::Histogram => {
            let gauge = meter.u64_observable_gauge(name);
            let gauge = gauge.with_unit(unit).with_description(description);
            let _asked = gauge.with_callback(shown(accounts, name, whole)).build();
        }
    }
}

fn whole(value: &PointValue) -> Option<u64> {
    match value {
        PointValue::Uint(value) => Some(*value),
        PointValue::Int(_) | PointValue::Float(_) | PointValue::Histogram(_) => None,
    }
}

fn float(value: &PointValue) -> Option<f64> {
    match value {
        PointValue::Float(value) => Some(*value),
        PointValue::Uint(_) | PointValue::Int(_) | PointValue::Histogram(_) => None,
    }
}

/// Shows a metric as it stands when it is asked for.
fn shown<T: Add<Output = T> + Copy + 'static>(
    accounts: &Accounts,
    name: &'static str,
    value: fn(&PointValue) -> Option<T>,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let accounts = accounts.clone();
    move |observer| {
        for (labels, value) in totals(&accounts, name, value) {
            observer.observe(value, &labels);
        }
    }
}

/// The values of a metric by their labels; what has the same ones adds up.
fn totals<T: Add<Output = T> + Copy>(
    accounts: &Accounts,
    name: &str,
    value: fn(&PointValue) -> Option<T>,
) -> Vec<(Vec<KeyValue>, T)> {
    let mut totals = BTreeMap::<Vec<(String, String)>, T>::new();
    let all = points(accounts);
    for point in all.iter().filter(|point| point.metric.name.name() == name) {
        let labels = point.attributes.iter().filter_map(|(key, value)| {
            let Value::Str(value) = value else {
                return None;
            };
            Some((key.name().to_owned(), value.to_owned()))
        });
        let Some(value) = value(&point.value) else {
            continue;
        };
        totals
            .entry(labels.collect())
            .and_modify(|total| *total = *total + value)
            .or_insert(value);
    }
    let labels = |pairs: Vec<(String, String)>| {
        let pairs = pairs.into_iter();
        pairs
            .map(|(key, value)| KeyValue::new(key, value))
            .collect()
    };
    totals
        .into_iter()
        .map(|(pairs, value)| (labels(pairs), value))
        .collect()
}

impl Spans {
    /// Begins a span.
    #[must_use]
    pub fn begin(&self, name: &'static str) -> Span {
        Span(self.0.as_ref().map(|tracer| tracer.start(name)))
    }
}

impl Span {
    /// Says that it failed, and why.
    pub fn failed(&mut self, reason: impl Into<String>) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(reason.into()));
        }
    }
}

/// The SDK's requests over the program's own client, on its own threads.
#[derive(Debug)]
struct Transport {
    peer: Peer,
    path: &'static str,
    runtime: Handle,
}

impl Transport {
    fn new(peer: &Peer, path: &'static str) -> Self {
        Self {
            peer: peer.clone(),
            path,
            runtime: Handle::current(),
        }
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (peer, path) = (self.peer.clone(), self.path);
        let sending = self
            .runtime
            .spawn(async move { peer.send(path, request).await });
        Ok(sending.await??)
    }
}
