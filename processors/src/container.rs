//! The processor `container`: names the container of the actor.
//!
//! Id and runtime are in the cgroup's path. A path is taken apart once a cgroup,
//! and all rows of one container share what came of it.

use std::sync::Arc;

use eunomia_core::batch::Batch;
use eunomia_core::build::{BuildContext, BuildProcessor};
use eunomia_core::component::{Emit, Processor};
use eunomia_core::config::{ConfigErrors, Settings};
use eunomia_core::container::ContainerRef;
use eunomia_core::metric::MetricBatch;
use eunomia_core::signal::Signal;
use eunomia_core::subject::{Cgroup, CgroupKey, Container};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds id and runtime of the container that the acting process runs in, and
/// the path of its cgroup; to metric points whose key has a cgroup likewise.
///
/// It has no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "container")]
pub struct ContainerConfig {}

impl Settings for ContainerConfig {}

impl BuildProcessor for ContainerConfig {
    fn build(&self, _context: &BuildContext) -> Result<Box<dyn Processor>, ConfigErrors> {
        Ok(Box::new(ContainerProcessor::default()))
    }
}

/// How many cgroups are remembered; beyond it all are looked at anew.
const MAX_CGROUPS: usize = 8192;

/// Fills in containers by the paths of cgroups.
#[derive(Debug, Default)]
pub struct ContainerProcessor {
    known: FxHashMap<CgroupKey, Known>,
    containers: FxHashMap<Box<str>, Arc<Container>>,
}

#[derive(Debug)]
struct Known {
    cgroup: Arc<Cgroup>,
    container: Option<Arc<Container>>,
}

impl ContainerProcessor {
    fn container(&mut self, cgroup: &Arc<Cgroup>) -> Option<Arc<Container>> {
        if let Some(known) = self.known.get(&cgroup.key)
            // A cgroup of v1 can be renamed.
            && (Arc::ptr_eq(&known.cgroup, cgroup) || known.cgroup.path == cgroup.path)
        {
            return known.container.clone();
        }
        if self.known.len() >= MAX_CGROUPS {
            self.known.clear();
            self.containers.clear();
        }
        let container = ContainerRef::from_path(&cgroup.path).map(|found| self.shared(&found));
        let known = Known {
            cgroup: Arc::clone(cgroup),
            container: container.clone(),
        };
        self.known.insert(cgroup.key, known);
        container
    }

    /// One container for all cgroups below its own.
    fn shared(&mut self, found: &ContainerRef) -> Arc<Container> {
        let fresh = found.container();
        match self.containers.get(&fresh.id) {
            // Two runtimes may have used one name.
            Some(known) if known.attributes == fresh.attributes => Arc::clone(known),
            _ => {
                let id = fresh.id.clone();
                let fresh = Arc::new(fresh);
                self.containers.insert(id, Arc::clone(&fresh));
                fresh
            }
        }
    }
}

impl Processor for ContainerProcessor {
    fn process(&mut self, mut batch: Batch, out: &mut Emit) {
        for subject in &mut batch.subjects {
            let Some(cgroup) = &subject.cgroup else {
                continue;
            };
            subject.shows_cgroup = true;
            if subject.container.is_none() {
                subject.container = self.container(cgroup);
            }
        }
        out.emit(Signal::Events(batch));
    }

    fn process_metrics(&mut self, mut batch: MetricBatch, out: &mut Emit) {
        for point in &mut batch.points {
            let Some(cgroup) = point.cgroup.clone() else {
                continue;
            };
            // Points of two cgroups are two series, so the cgroup is shown as well.
            if point.shown_cgroup().is_none() {
                point.attributes.extend(&cgroup.attributes);
            }
            if point.container.is_none() {
                point.container = self.container(&cgroup);
            }
        }
        out.emit(Signal::Metrics(batch));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eunomia_core::component::{Emit, Processor as _};
    use eunomia_core::container::{CONTAINER_ID, CONTAINER_RUNTIME};
    use eunomia_core::metric::{MetricBatch, Point};
    use eunomia_core::signal::Signal;
    use eunomia_core::value::Value;

    use super::{ContainerProcessor, MAX_CGROUPS};
    use crate::support::{batch, point, run};

    const ID: &str = "4f5b3cc8b3f0d2a1b0e9c8d7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7";

    /// A process in a container carries its id and runtime, and its cgroup.
    #[test]
    fn container_is_named_by_the_cgroups_path() {
        let mut processor = ContainerProcessor::default();
        let (after, dropped) = run(&mut processor, batch(&[1], &format!("/docker/{ID}")));
        let row = after.row(0).unwrap();
        assert_eq!(row.get(CONTAINER_ID), Some(Value::Str(ID)));
        assert_eq!(row.get(CONTAINER_RUNTIME), Some(Value::Str("docker")));
        assert_eq!(row.get("test.cgroup"), Some(Value::Bool(true)));
        assert!(dropped.is_empty());
    }

    /// The host's processes carry their cgroup alone.
    #[test]
    fn host_has_no_container() {
        let mut processor = ContainerProcessor::default();
        let (after, _) = run(&mut processor, batch(&[1], "/system.slice/cron.service"));
        assert_eq!(after.row(0).unwrap().get(CONTAINER_ID), None);
        assert_eq!(
            after.row(0).unwrap().get("test.cgroup"),
            Some(Value::Bool(true))
        );
    }

    /// All rows of a container share it, over batches and over the cgroups below
    /// its own; a renamed cgroup is looked at again.
    #[test]
    fn container_is_shared() {
        let mut processor = ContainerProcessor::default();
        let mut container = |path: &str| {
            let (after, _) = run(&mut processor, batch(&[1], path));
            after.row(0).unwrap().container().map(Arc::clone)
        };
        let first = container(&format!("/docker/{ID}")).unwrap();
        let again = container(&format!("/docker/{ID}")).unwrap();
        let below = container(&format!("/docker/{ID}/init.scope")).unwrap();
        assert!(Arc::ptr_eq(&first, &again) && Arc::ptr_eq(&first, &below));
        let other = container(&format!("/libpod-{ID}")).unwrap();
        assert_ne!(other.attributes, first.attributes);
        assert!(container("/renamed").is_none());
    }

    /// A metric point about a cgroup carries its path and the container, once.
    #[test]
    fn points_about_a_cgroup_name_their_container() {
        let mut processor = ContainerProcessor::default();
        let cgroup = |path: &str| batch(&[], path).subjects[0].cgroup.clone();
        let points = [
            cgroup(&format!("/docker/{ID}")),
            cgroup("/system.slice/cron.service"),
            None,
        ];
        let batch = MetricBatch {
            points: points.map(point).into(),
            ..MetricBatch::default()
        };
        let mut out = Emit::default();
        processor.process_metrics(batch, &mut out);
        let Some(Signal::Metrics(after)) = out.take().pop() else {
            panic!("no points");
        };
        processor.process_metrics(after.clone(), &mut out);
        let Some(Signal::Metrics(again)) = out.take().pop() else {
            panic!("no points");
        };
        let seen = |batch: &MetricBatch| {
            let of_point = |point: &Point| {
                let container = point.container.as_ref().map(|one| one.id.to_string());
                let cgroups = point
                    .attributes
                    .iter()
                    .filter(|(key, _)| key.name() == "test.cgroup");
                (container, cgroups.count())
            };
            batch.points.iter().map(of_point).collect::<Vec<_>>()
        };
        let expected = [(Some(ID.to_owned()), 1), (None, 1), (None, 0)];
        assert_eq!(seen(&after), expected);
        assert_eq!(seen(&again), expected);
    }

    /// What is remembered is bounded.
    #[test]
    fn cgroups_beyond_the_bound_begin_anew() {
        let mut processor = ContainerProcessor::default();
        for number in 0..=MAX_CGROUPS as u64 {
            let mut one = batch(&[1], "/lxc/web");
            let cgroup = Arc::get_mut(one.subjects[0].cgroup.as_mut().unwrap()).unwrap();
            cgroup.key.id = number;
            drop(run(&mut processor, one));
            assert!(processor.known.len() <= MAX_CGROUPS);
        }
        assert_eq!(processor.known.len(), 1);
    }
}
