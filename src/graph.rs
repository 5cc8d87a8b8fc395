//! From a configuration to a topology.

use std::collections::HashMap;
use std::sync::Arc;

use eunomia_core::account::Accounts;
use eunomia_core::build::{BuildContext, BuildExporter, BuildProcessor, BuildReceiver};
use eunomia_core::component::{Host, Reopen};
use eunomia_core::config::ConfigErrors;
use eunomia_core::pipeline::{ExporterIndex, Identity, Pipeline, ReceiverIndex, Running, Topology};

use crate::components::Configuration;
use crate::config::{self, Component};

/// What components are built with.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The machine.
    pub host: Arc<Host>,
    /// Where accounts are kept.
    pub accounts: Accounts,
    /// When files are to be opened anew.
    pub reopen: Reopen,
}

/// Builds what pipelines name; what nobody names does not run. Of what `running`
/// has with the same settings nothing is built: it goes on.
///
/// # Errors
/// What the components refuse.
pub fn build(
    configuration: Configuration,
    surroundings: &Surroundings,
    running: &Running,
) -> Result<Topology, ConfigErrors> {
    let mut building = Building {
        topology: Topology::new(surroundings.accounts.clone()),
        surroundings,
        own_metrics: configuration.service.telemetry.metrics,
        running,
    };
    let mut errors = ConfigErrors::default();
    let mut receivers = HashMap::new();
    for component in configuration.receivers.into_iter().filter(is_used) {
        let id = Arc::clone(&component.id);
        match building.receiver(component) {
            Ok(index) => drop(receivers.insert(id, index)),
            Err(more) => errors.append(more),
        }
    }
    let mut exporters = HashMap::new();
    for component in configuration.exporters.into_iter().filter(is_used) {
        let id = Arc::clone(&component.id);
        match building.exporter(component) {
            Ok(index) => drop(exporters.insert(id, index)),
            Err(more) => errors.append(more),
        }
    }
    let processors: HashMap<_, _> = configuration
        .processors
        .into_iter()
        .map(|component| (component.id, component.ready.config))
        .collect();
    for pipeline in configuration.pipelines {
        match build_pipeline(&pipeline, &receivers, &exporters, |id| {
            build_processor(&processors, id, &building.context(id))
        }) {
            Ok(pipeline) => building.topology.add_pipeline(pipeline),
            Err(more) => errors.append(more),
        }
    }
    errors.or(building.topology)
}

/// A topology that is being filled.
struct Building<'a> {
    topology: Topology,
    surroundings: &'a Surroundings,
    own_metrics: bool,
    running: &'a Running,
}

impl Building<'_> {
    fn context(&self, id: &Arc<str>) -> BuildContext {
        BuildContext {
            id: Arc::clone(id),
            host: Arc::clone(&self.surroundings.host),
            accounts: self.surroundings.accounts.clone(),
            own_metrics: self.own_metrics,
            reopen: self.surroundings.reopen.clone(),
        }
    }

    fn receiver(
        &mut self,
        component: Component<dyn BuildReceiver>,
    ) -> Result<ReceiverIndex, ConfigErrors> {
        let identity = identity(&component);
        if self.running.has_receiver(&identity) {
            return Ok(self.topology.keep_receiver(identity));
        }
        let context = self.context(&component.id);
        let receiver = component.ready.config.build(&context)?;
        Ok(self.topology.add_receiver(identity, receiver))
    }

    fn exporter(
        &mut self,
        component: Component<dyn BuildExporter>,
    ) -> Result<ExporterIndex, ConfigErrors> {
        let identity = identity(&component);
        if self.running.has_exporter(&identity) {
            return Ok(self.topology.keep_exporter(identity));
        }
        let context = self.context(&component.id);
        let settings = component.ready.config;
        let (limits, carries) = (settings.queue(), settings.carries());
        let exporter = settings.build(&context)?;
        Ok(self
            .topology
            .add_exporter(identity, exporter, limits, carries))
    }
}

type BuiltProcessor = Result<Box<dyn eunomia_core::component::Processor>, ConfigErrors>;

fn build_processor(
    settings: &HashMap<Arc<str>, Box<dyn BuildProcessor>>,
    id: &Arc<str>,
    context: &BuildContext,
) -> Option<BuiltProcessor> {
    Some(settings.get(id)?.build(context))
}

fn build_pipeline(
    pipeline: &config::Pipeline,
    receivers: &HashMap<Arc<str>, ReceiverIndex>,
    exporters: &HashMap<Arc<str>, ExporterIndex>,
    processor: impl Fn(&Arc<str>) -> Option<BuiltProcessor>,
) -> Result<Pipeline, ConfigErrors> {
    let mut built = Pipeline {
        receivers: pipeline
            .receivers
            .iter()
            .filter_map(|id| receivers.get(id).copied())
            .collect(),
        processors: Vec::new(),
        exporters: pipeline
            .exporters
            .iter()
            .filter_map(|id| exporters.get(id).copied())
            .collect(),
    };
    for id in &pipeline.processors {
        if let Some(processor) = processor(id) {
            built.processors.push((Arc::clone(id), processor?));
        }
    }
    Ok(built)
}

fn is_used<B: ?Sized>(component: &Component<B>) -> bool {
    component.used
}

fn identity<B: ?Sized>(component: &Component<B>) -> Identity {
    Identity {
        id: Arc::clone(&component.id),
        fingerprint: component.ready.fingerprint,
        claims: component.ready.claims.clone(),
    }
}
