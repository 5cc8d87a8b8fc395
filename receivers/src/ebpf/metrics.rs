//! Maps that are exported as metrics, read as they stand.
//!
//! Counters and histograms are cumulative since the receiver started: nothing
//! is reset in the kernel, so no update is lost between reading and resetting.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use aya::maps::{Map, MapData};
use eunomia_core::metric::{MetricBatch, Point};
use eunomia_core::time::WallNanos;

use super::cgroups::KnownCgroups;
use super::clock;
use super::error::LoadError;
use super::load::Loaded;
use super::probe::Probe;
use super::sys::RawMap;
use crate::object::Metric;

/// The metric maps of a receiver's probes.
#[derive(Debug)]
pub(super) struct MetricMaps {
    maps: Vec<(Metric, MapData)>,
    cgroups: KnownCgroups,
    started: WallNanos,
}

impl MetricMaps {
    /// Takes the maps of `probes`; `cgroups` tells what the cgroups in their keys are.
    pub(super) fn new(
        probes: &[Probe],
        loaded: &mut Loaded,
        cgroups: KnownCgroups,
    ) -> Result<Self, LoadError> {
        let mut maps = Vec::new();
        for (index, probe) in probes.iter().enumerate() {
            for metric in &probe.object.metrics {
                let name = &metric.map.name;
                let failed = |reason: &str| LoadError::Map {
                    probe: (&*probe.name).into(),
                    map: name.clone(),
                    reason: reason.to_owned(),
                };
                let map = loaded
                    .take_map(index, name)
                    .ok_or_else(|| failed("is missing"))?;
                maps.push((
                    metric.clone(),
                    data_of(map).ok_or_else(|| failed("is of a type that can't be read"))?,
                ));
            }
        }
        Ok(Self {
            maps,
            cgroups,
            started: clock::wall(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.maps.is_empty()
    }

    /// The points as they stand.
    pub(super) fn read(&self) -> MetricBatch {
        let mut batch = MetricBatch {
            time: clock::wall(),
            points: Vec::new(),
        };
        for (metric, map) in &self.maps {
            if let Err(error) = self.read_map(metric, map.fd().as_fd(), &mut batch) {
                tracing::error!(%error, map = %metric.map.name, "reading a metric map failed");
            }
        }
        batch
    }

    fn read_map(
        &self,
        metric: &Metric,
        fd: BorrowedFd<'_>,
        batch: &mut MetricBatch,
    ) -> io::Result<()> {
        let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
        let cpus = if metric.map.map_type.is_per_cpu() {
            aya::util::nr_cpus().map_err(|(_, error)| error)?
        } else {
            0
        };
        let width = size(metric.map.value_size);
        let map = RawMap::new(fd, size(metric.map.key_size), (width, cpus))?;
        let (mut key, mut next, mut value) = (Vec::new(), Vec::new(), Vec::new());
        let mut has_key = map.next_key(None, &mut next)?;
        // Entries that come and go may make the kernel begin anew: no map has more than this.
        let mut left = metric.map.max_entries;
        while has_key && left > 0 {
            left -= 1;
            std::mem::swap(&mut key, &mut next);
            if map.lookup(&key, &mut value)? {
                self.add_points(metric, &key, &of_each_cpu(&value, width, cpus), batch);
            }
            has_key = map.next_key(Some(&key), &mut next)?;
        }
        Ok(())
    }

    fn add_points(&self, metric: &Metric, key: &[u8], values: &[&[u8]], batch: &mut MetricBatch) {
        let cgroup = metric.cgroup(key);
        let cgroup = cgroup.and_then(|cgroup| self.cgroups.lookup(cgroup));
        metric.points(key, values, self.started, |point| {
            batch.points.push(Point {
                cgroup: cgroup.clone(),
                ..point
            });
        });
    }
}

/// A value as each CPU has it, and as it is where a map is not per CPU.
fn of_each_cpu(value: &[u8], width: usize, cpus: usize) -> Vec<&[u8]> {
    let step = if cpus == 0 {
        value.len().max(1)
    } else {
        width.next_multiple_of(8)
    };
    let of_cpu = value.chunks(step);
    of_cpu
        .map(|bytes| bytes.get(..width).unwrap_or(bytes))
        .collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library knows some thirty types that cannot be metric maps"
)]
fn data_of(map: Map) -> Option<MapData> {
    match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::PerCpuHashMap(data)
        | Map::PerCpuLruHashMap(data) => Some(data),
        _ => None,
    }
}
