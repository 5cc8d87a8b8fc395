//! Processes, cgroups and containers of one batch, each written once.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RecordingError;
use crate::process::ExecId;
use crate::subject::{Attributes, Cgroup, CgroupKey, Container, Process, ProcessId, Subject};

/// Everybody that a batch refers to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Actors {
    processes: Vec<ProcessParts>,
    cgroups: Vec<CgroupParts>,
    containers: Vec<ContainerParts>,
    subjects: Vec<SubjectParts>,
}

/// A parent stands before its children.
#[derive(Debug, Serialize, Deserialize)]
struct ProcessParts {
    id: ProcessId,
    exec_id: ExecId,
    parent: Option<u32>,
    attributes: Attributes,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CgroupParts {
    key: CgroupKey,
    path: Box<[u8]>,
    attributes: Attributes,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ContainerParts {
    id: Box<str>,
    attributes: Attributes,
}

#[derive(Debug, Serialize, Deserialize)]
struct SubjectParts {
    process: Option<u32>,
    cgroup: Option<u32>,
    container: Option<u32>,
    shows_process: bool,
    shows_cgroup: bool,
}

/// Numbers of what was written, by where it stands in memory.
#[derive(Debug, Default)]
struct Numbers {
    processes: HashMap<*const Process, u32>,
    cgroups: HashMap<*const Cgroup, u32>,
    containers: HashMap<*const Container, u32>,
}

impl Actors {
    pub(super) fn of(subjects: &[Subject]) -> Self {
        let mut actors = Self::default();
        let mut numbers = Numbers::default();
        for subject in subjects {
            let parts = SubjectParts {
                process: subject
                    .process
                    .as_ref()
                    .map(|it| actors.process(it, &mut numbers)),
                cgroup: subject
                    .cgroup
                    .as_ref()
                    .map(|it| add_cgroup(it, &mut actors.cgroups, &mut numbers.cgroups)),
                container: subject
                    .container
                    .as_ref()
                    .map(|it| add_container(it, &mut actors.containers, &mut numbers.containers)),
                shows_process: subject.shows_process,
                shows_cgroup: subject.shows_cgroup,
            };
            actors.subjects.push(parts);
        }
        actors
    }

    /// The subjects, sharing what they shared.
    pub(super) fn subjects(self) -> Result<Vec<Subject>, RecordingError> {
        let mut processes: Vec<Arc<Process>> = Vec::with_capacity(self.processes.len());
        for parts in self.processes {
            let parent = shared(parts.parent, &processes)?;
            let process = Process::new(parts.id, parts.exec_id, parent, parts.attributes);
            processes.push(Arc::new(process));
        }
        let cgroups = cgroups(self.cgroups);
        let containers = containers(self.containers);
        let subject = |parts: SubjectParts| {
            Ok(Subject {
                process: shared(parts.process, &processes)?,
                cgroup: shared(parts.cgroup, &cgroups)?,
                container: shared(parts.container, &containers)?,
                shows_process: parts.shows_process,
                shows_cgroup: parts.shows_cgroup,
            })
        };
        self.subjects.into_iter().map(subject).collect()
    }

    fn process(&mut self, process: &Arc<Process>, numbers: &mut Numbers) -> u32 {
        let newest_first = std::iter::once(process).chain(process.ancestors());
        let known = |process: &&Arc<Process>| numbers.processes.contains_key(&Arc::as_ptr(process));
        let unknown: Vec<_> = newest_first.take_while(|it| !known(it)).collect();
        for process in unknown.into_iter().rev() {
            let parent = process.parent.as_ref().map(Arc::as_ptr);
            let number = number(self.processes.len());
            self.processes.push(ProcessParts {
                id: process.id,
                exec_id: process.exec_id,
                parent: parent.and_then(|parent| numbers.processes.get(&parent).copied()),
                attributes: process.attributes.clone(),
            });
            numbers.processes.insert(Arc::as_ptr(process), number);
        }
        numbers
            .processes
            .get(&Arc::as_ptr(process))
            .copied()
            .unwrap_or(u32::MAX)
    }
}

/// Adds `cgroup` to `parts`, if it is not there; gives its number.
pub(super) fn add_cgroup(
    cgroup: &Arc<Cgroup>,
    parts: &mut Vec<CgroupParts>,
    numbers: &mut HashMap<*const Cgroup, u32>,
) -> u32 {
    *numbers.entry(Arc::as_ptr(cgroup)).or_insert_with(|| {
        parts.push(CgroupParts {
            key: cgroup.key,
            path: cgroup.path.clone(),
            attributes: cgroup.attributes.clone(),
        });
        number(parts.len() - 1)
    })
}

pub(super) fn cgroups(parts: Vec<CgroupParts>) -> Vec<Arc<Cgroup>> {
    let cgroup = |parts: CgroupParts| Cgroup::new(parts.key, parts.path, parts.attributes);
    parts.into_iter().map(cgroup).map(Arc::new).collect()
}

/// Adds `container` to `parts`, if it is not there; gives its number.
pub(super) fn add_container(
    container: &Arc<Container>,
    parts: &mut Vec<ContainerParts>,
    numbers: &mut HashMap<*const Container, u32>,
) -> u32 {
    *numbers.entry(Arc::as_ptr(container)).or_insert_with(|| {
        parts.push(ContainerParts {
            id: container.id.clone(),
            attributes: container.attributes.clone(),
        });
        number(parts.len() - 1)
    })
}

pub(super) fn containers(parts: Vec<ContainerParts>) -> Vec<Arc<Container>> {
    let container = |parts: ContainerParts| {
        Arc::new(Container {
            id: parts.id,
            attributes: parts.attributes,
        })
    };
    parts.into_iter().map(container).collect()
}

/// What has this number.
pub(super) fn shared<T>(
    number: Option<u32>,
    all: &[Arc<T>],
) -> Result<Option<Arc<T>>, RecordingError> {
    let Some(number) = number else {
        return Ok(None);
    };
    let found = all.get(usize::try_from(number).unwrap_or(usize::MAX));
    found.cloned().map(Some).ok_or(RecordingError::Missing)
}

pub(super) fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
