//! The receiver as the pipeline sees it.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use eunomia_core::account::Accounts;
use eunomia_core::build::{BuildContext, BuildReceiver};
use eunomia_core::component::{ComponentError, Receiver, Stop};
use eunomia_core::config::ConfigErrors;
use eunomia_core::expression::Vocabulary;
use eunomia_core::findings::ProbeFindings;
use eunomia_core::pipeline::Output;
use eunomia_core::schema::Attribute;
use eunomia_core::signal::Signal;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::catalogue;
use super::doctor;
use super::error::LoadError;
use super::losses;
use super::metrics::MetricMaps;
use super::probe::{self, Probe};
use super::settings::EbpfSettings;
use super::start::{self, Started};
use super::sys::give_memory_back;
use super::tally::ProbeAccounts;

impl BuildReceiver for EbpfSettings {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Receiver>, ConfigErrors> {
        let probes = probe::resolve(&self)?;
        let boot_id = context.host.boot_id.clone();
        let accounts = context.accounts.clone();
        Ok(Box::new(Ebpf {
            settings: Arc::new(*self),
            probes,
            boot_id,
            accounts,
            started: None,
        }))
    }

    fn vocabulary(&self) -> Option<Vocabulary> {
        let own = probe::resolve(self).ok()?;
        let own = own.into_iter().map(|probe| probe.object);
        let built_in = catalogue::built_in().into_iter().map(|probe| probe.object);
        let events = own.chain(built_in).flat_map(|object| object.events);
        let loss = Arc::new(losses::schema());
        let mut known = Vocabulary::default();
        for schema in events.map(|event| event.schema).chain([loss]) {
            known.kinds.insert(schema.name.name().into());
            for (key, value_type) in schema.attributes.iter().flat_map(Attribute::columns) {
                known.add(key.name().into(), Some(value_type));
            }
        }
        Some(known)
    }

    fn examine(&self) -> Vec<ProbeFindings> {
        doctor::examine(self)
    }
}

struct Ebpf {
    settings: Arc<EbpfSettings>,
    probes: Vec<Probe>,
    boot_id: Box<str>,
    accounts: Accounts,
    started: Option<Started>,
}

#[async_trait]
impl Receiver for Ebpf {
    async fn start(&mut self) -> Result<(), ComponentError> {
        let probes = std::mem::take(&mut self.probes);
        let (settings, boot_id) = (Arc::clone(&self.settings), self.boot_id.clone());
        let started = spawn_blocking(move || start_what_works(&settings, probes, &boot_id)).await;
        self.started = Some(started.map_err(ComponentError::failed)??);
        Ok(())
    }

    async fn run(self: Box<Self>, output: Output, mut stop: Stop) -> Result<(), ComponentError> {
        let Some(Started {
            loaded,
            drain,
            accounts,
            metrics,
            wake,
            stop: stop_thread,
        }) = self.started
        else {
            return Err(ComponentError::failed("the receiver was not started"));
        };
        // What was started and never runs has no account: nobody waits for its events.
        self.accounts
            .register(Arc::<ProbeAccounts>::clone(&accounts));
        let (output, metrics) = (Arc::new(output), Arc::new(metrics));
        let (handle, to_pipelines) = (Handle::current(), Arc::clone(&output));
        let thread = std::thread::Builder::new().name("drain".to_owned());
        let (ended, mut has_ended) = oneshot::channel();
        let work = move || {
            let send = |signal| handle.block_on(to_pipelines.send(signal));
            let result = drain.run(&to_pipelines, send);
            // Nobody waits for the result of a receiver that was dropped.
            ended.send(result).unwrap_or_default();
        };
        let thread = thread.spawn(work).map_err(|source| LoadError::Io {
            what: "starting the drain thread",
            source,
        })?;

        // Whatever waits for a pipeline is given up on a stop: detaching waits for nobody.
        let every = self.settings.metrics_interval.0;
        let early = tokio::select! {
            () = stop.requested() => None,
            result = &mut has_ended => Some(result),
            never = keep_reading(&metrics, every, &output) => match never {},
        };
        accounts.freeze_missed();
        // Detaching may block, and the thread is to find the rings at rest afterwards.
        spawn_blocking(move || drop(loaded))
            .await
            .map_err(ComponentError::failed)?;
        stop_thread.store(true, Ordering::Release);
        rustix::io::write(&wake, &1_u64.to_ne_bytes()).map_err(ComponentError::failed)?;
        read_metrics(&metrics, &output).await;
        let result = match early {
            Some(result) => result,
            None => has_ended.await,
        };
        accounts.detached();
        spawn_blocking(move || thread.join())
            .await
            .map_err(ComponentError::failed)?
            .map_err(|panic| {
                tracing::error!(?panic, "the drain thread broke down");
                ComponentError::failed("the drain thread broke down")
            })?;
        result
            .map_err(ComponentError::failed)?
            .map_err(ComponentError::from)
    }
}

/// Starts without the probes that this kernel does not take: a missing hook
/// costs a feature, not the daemon. The base object and the last probe are not
/// done without.
fn start_what_works(
    settings: &EbpfSettings,
    mut probes: Vec<Probe>,
    boot_id: &str,
) -> Result<Started, LoadError> {
    loop {
        let error = match start::start(settings, &probes, boot_id) {
            Ok(started) => {
                give_memory_back();
                return Ok(started);
            }
            Err(error) => error,
        };
        let named = probes.iter().filter(|probe| probe.is_named).count();
        let refused = error
            .refused_probe()
            .filter(|probe| *probe != probe::BASE && named > 1);
        let Some(refused) = refused else {
            return Err(error);
        };
        tracing::error!(probe = refused, "{error}; going on without this probe");
        probes.retain(|probe| *probe.name != *refused);
    }
}

/// Sends the points of the metric maps again and again.
async fn keep_reading(metrics: &Arc<MetricMaps>, every: Duration, output: &Output) -> Infallible {
    if metrics.is_empty() {
        return pending().await;
    }
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        read_metrics(metrics, output).await;
    }
}

/// Reads the metric maps off the async threads and sends their points, which are what was counted
/// since the start: a reading that is given up is in the next one.
async fn read_metrics(metrics: &Arc<MetricMaps>, output: &Output) {
    if metrics.is_empty() {
        return;
    }
    let maps = Arc::clone(metrics);
    match spawn_blocking(move || maps.read()).await {
        Ok(batch) => drop(output.send(Signal::Metrics(batch)).await),
        Err(error) => tracing::error!(%error, "reading metric maps broke down"),
    }
}
