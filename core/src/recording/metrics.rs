//! Batches of metric points as frames.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RecordingError;
use super::actors::{
    CgroupParts, ContainerParts, add_cgroup, add_container, cgroups, containers, number, shared,
};
use super::frame::{FrameKind, read_content, write_frame};
use crate::metric::{MetricBatch, MetricDescriptor, Point, PointValue};
use crate::subject::Attributes;
use crate::time::WallNanos;

#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    time: WallNanos,
    metrics: Vec<Arc<MetricDescriptor>>,
    cgroups: Vec<CgroupParts>,
    containers: Vec<ContainerParts>,
    points: Vec<PointParts>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PointParts {
    metric: u32,
    attributes: Attributes,
    cgroup: Option<u32>,
    container: Option<u32>,
    start: WallNanos,
    value: PointValue,
}

pub(super) fn write(batch: &MetricBatch, out: &mut Vec<u8>) -> Result<(), RecordingError> {
    let mut meta = Meta {
        time: batch.time,
        metrics: Vec::new(),
        cgroups: Vec::new(),
        containers: Vec::new(),
        points: Vec::new(),
    };
    let mut metric_numbers = HashMap::new();
    let mut cgroup_numbers = HashMap::new();
    let mut container_numbers = HashMap::new();
    for point in &batch.points {
        let metric = *metric_numbers
            .entry(Arc::as_ptr(&point.metric))
            .or_insert_with(|| {
                meta.metrics.push(Arc::clone(&point.metric));
                number(meta.metrics.len() - 1)
            });
        let cgroup = point.cgroup.as_ref();
        let cgroup = cgroup.map(|it| add_cgroup(it, &mut meta.cgroups, &mut cgroup_numbers));
        let container = point.container.as_ref();
        let container =
            container.map(|it| add_container(it, &mut meta.containers, &mut container_numbers));
        meta.points.push(PointParts {
            metric,
            attributes: point.attributes.clone(),
            cgroup,
            container,
            start: point.start,
            value: point.value.clone(),
        });
    }
    write_frame(FrameKind::Metrics, &meta, &[], out)
}

pub(super) fn read(content: &[u8]) -> Result<MetricBatch, RecordingError> {
    let (meta, _): (Meta, _) = read_content(content)?;
    let cgroups = cgroups(meta.cgroups);
    let containers = containers(meta.containers);
    let point = |parts: PointParts| {
        let metric = shared(Some(parts.metric), &meta.metrics)?;
        Ok(Point {
            metric: metric.ok_or(RecordingError::Missing)?,
            attributes: parts.attributes,
            cgroup: shared(parts.cgroup, &cgroups)?,
            container: shared(parts.container, &containers)?,
            start: parts.start,
            value: parts.value,
        })
    };
    let points: Result<_, RecordingError> = meta.points.into_iter().map(point).collect();
    Ok(MetricBatch {
        time: meta.time,
        points: points?,
    })
}
