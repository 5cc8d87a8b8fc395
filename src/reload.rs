//! Another configuration for a graph that runs.
//!
//! The new one is read, checked and built as a whole before anything changes.
//! What is wrong with it is said, and the old one goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eunomia_core::account::{Account, Accountable};
use eunomia_core::config::Node;
use eunomia_core::metric::{Point, PointValue};
use eunomia_core::own::CONFIG_RELOADS;
use eunomia_core::pipeline::{Ended, Running, SwitchError, Topology};
use eunomia_core::time::WallNanos;

use crate::cli::ConfigSources;
use crate::commands::{self, complain};
use crate::components::{Configuration, REGISTRY};
use crate::config::{self, Report, Telemetry};
use crate::exit::Exit;
use crate::graph::{self, Surroundings};
use crate::telemetry::Span;

/// What a graph was made from, and is made from again.
#[derive(Debug)]
pub struct Reload {
    sources: ConfigSources,
    /// The configuration in force.
    current: Node,
    /// The daemon's own logs and metrics, which hold until its end.
    telemetry: Telemetry,
    surroundings: Surroundings,
    counts: Arc<ReloadCounts>,
}

impl Reload {
    /// What is made of `sources` is `current` and has this telemetry; components
    /// are built with `surroundings`.
    #[must_use]
    pub fn new(
        sources: &ConfigSources,
        current: Node,
        telemetry: Telemetry,
        surroundings: Surroundings,
    ) -> Self {
        let counts = Arc::new(ReloadCounts::default());
        surroundings
            .accounts
            .register(Arc::<ReloadCounts>::clone(&counts));
        Self {
            sources: sources.clone(),
            current,
            telemetry,
            surroundings,
            counts,
        }
    }

    /// Reads the configuration again and changes `running` to it. Components
    /// that are left out have `grace` to get rid of what they hold.
    ///
    /// # Errors
    /// How the program ends, because the old graph could not be restored after
    /// the new one had failed; the reason is logged.
    pub async fn reload(
        &mut self,
        running: &mut Running,
        grace: Duration,
        span: &mut Span,
    ) -> Result<(), Exit> {
        let (root, topology) = match self.build(running) {
            Ok(built) => built,
            Err(report) => {
                complain(&report.to_text());
                return self.refused(span, "the new configuration is wrong");
            }
        };
        self.surroundings.accounts.close_ended();
        match running.switch(topology, grace).await {
            Ok(()) => {
                self.current = root;
                self.counts.successes.fetch_add(1, Ordering::Relaxed);
                tracing::info!("the configuration was reloaded");
                Ok(())
            }
            Err(SwitchError::Refused(ended)) => self.refused(span, &describe(&ended)),
            Err(SwitchError::Broken(ended)) => {
                tracing::error!("{}; the old configuration is built again", describe(&ended));
                self.restore(running, grace).await?;
                self.refused(span, "a component could not start")
            }
        }
    }

    fn refused(&self, span: &mut Span, reason: &str) -> Result<(), Exit> {
        span.failed(reason);
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!("reload failed: {reason}; the old configuration stays in force");
        Ok(())
    }

    /// The graph of the configuration as it stands now.
    fn build(&self, running: &Running) -> Result<(Node, Topology), Box<Report>> {
        let (mut configuration, mut report) = commands::load(&self.sources)?;
        let root = configuration.root.clone();
        if configuration.service.telemetry != self.telemetry {
            tracing::warn!("service.telemetry has changed: that takes a new start");
            configuration.service.telemetry = self.telemetry.clone();
        }
        match graph::build(configuration, &self.surroundings, running) {
            Ok(topology) => {
                complain(&report.to_text());
                Ok((root, topology))
            }
            Err(errors) => {
                report.errors.append(errors);
                Err(Box::new(report))
            }
        }
    }

    /// Goes back to the configuration that was in force.
    async fn restore(&self, running: &mut Running, grace: Duration) -> Result<(), Exit> {
        let failed = |reason: String| {
            tracing::error!("the old configuration could not be restored: {reason}");
            Exit::Failed
        };
        let (configuration, _): (Configuration, _) =
            config::check(&self.current, &REGISTRY, Report::default())
                .map_err(|report| failed(report.to_text()))?;
        let topology = graph::build(configuration, &self.surroundings, running)
            .map_err(|errors| failed(errors.to_string()))?;
        match running.switch(topology, grace).await {
            Ok(()) => Ok(()),
            Err(SwitchError::Refused(ended) | SwitchError::Broken(ended)) => {
                Err(failed(describe(&ended)))
            }
        }
    }
}

fn describe(ended: &Ended) -> String {
    match &ended.result {
        Ok(()) => format!("{} ended", ended.id),
        Err(error) => format!("{}: {error}", ended.id),
    }
}

/// How often the configuration was reloaded.
#[derive(Debug, Default)]
struct ReloadCounts {
    successes: AtomicU64,
    failures: AtomicU64,
}

impl Accountable for ReloadCounts {
    fn accounts(&self) -> Vec<Account> {
        Vec::new()
    }

    fn points(&self) -> Vec<Point> {
        let point = |result, count: &AtomicU64| {
            let value = PointValue::Uint(count.load(Ordering::Relaxed));
            CONFIG_RELOADS.point(&[("result", result)], WallNanos::default(), value)
        };
        vec![
            point("success", &self.successes),
            point("failure", &self.failures),
        ]
    }
}
