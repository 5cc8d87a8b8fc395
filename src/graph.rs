//! From a configuration to a topology.

use std::collections::HashMap;
use std::sync::Arc;

use eunomia_core::account::Accounts;
use eunomia_core::build::{BuildContext, BuildProcessor};
use eunomia_core::component::Host;
use eunomia_core::config::ConfigErrors;
use eunomia_core::pipeline::{ExporterIndex, Pipeline, ReceiverIndex, Topology};

use crate::components::Configuration;
use crate::config;

/// What components are built with.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The machine.
    pub host: Arc<Host>,
    /// Where accounts are kept.
    pub accounts: Accounts,
}

/// Builds what pipelines name; what nobody names does not run.
///
/// # Errors
/// What the components refuse.
pub fn build(
    configuration: Configuration,
    surroundings: &Surroundings,
) -> Result<Topology, ConfigErrors> {
    let own_metrics = configuration.service.telemetry.metrics;
    let context = |id: &Arc<str>| BuildContext {
        id: Arc::clone(id),
        host: Arc::clone(&surroundings.host),
        accounts: surroundings.accounts.clone(),
        own_metrics,
    };
    let mut topology = Topology::new(surroundings.accounts.clone());
    let mut errors = ConfigErrors::default();
    let mut receivers = HashMap::new();
    for component in configuration
        .receivers
        .into_iter()
        .filter(|component| component.used)
    {
        match component.ready.config.build(&context(&component.id)) {
            Ok(receiver) => drop(receivers.insert(
                Arc::clone(&component.id),
                topology.add_receiver(&component.id, receiver),
            )),
            Err(more) => errors.append(more),
        }
    }
    let mut exporters = HashMap::new();
    for component in configuration
        .exporters
        .into_iter()
        .filter(|component| component.used)
    {
        let settings = component.ready.config;
        let (limits, carries) = (settings.queue(), settings.carries());
        match settings.build(&context(&component.id)) {
            Ok(exporter) => {
                let index = topology.add_exporter(&component.id, exporter, limits, carries);
                exporters.insert(Arc::clone(&component.id), index);
            }
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
            build_processor(&processors, id, &context(id))
        }) {
            Ok(pipeline) => topology.add_pipeline(pipeline),
            Err(more) => errors.append(more),
        }
    }
    errors.or(topology)
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
