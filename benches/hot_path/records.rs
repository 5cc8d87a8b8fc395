//! Records as the built-in probes write them: the bytes are laid out by the
//! schemas in the objects themselves.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use eunomia_core::schema::{EventSchema, Field, Shape};
use eunomia_core::subject::{CgroupKey, ProcessId};
use eunomia_core::time::BootNanos;
use eunomia_probes::PROBES;
use eunomia_receivers::object::Object;

/// `flags` of `struct text`.
const PRESENT: u16 = 1;
const LEAF_FIRST: u16 = 4;

/// The schemas of all built-in events, by their names.
pub(crate) type Schemas = BTreeMap<String, Arc<EventSchema>>;

/// Reads the schemas out of the objects.
pub(crate) fn schemas() -> Result<Schemas, Box<dyn Error>> {
    let mut found = Schemas::new();
    for probe in PROBES {
        for event in Object::parse(probe.name, probe.object)?.events {
            found.insert(event.schema.name.name().to_owned(), event.schema);
        }
    }
    Ok(found)
}

/// Who an event is about.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) id: ProcessId,
    pub(crate) parent: u32,
    pub(crate) cgroup: CgroupKey,
    pub(crate) comm: &'static str,
    pub(crate) executable: &'static str,
}

/// A record in the making; a field that the schema lacks makes it unusable.
pub(crate) struct Record<'a> {
    schema: &'a EventSchema,
    bytes: Vec<u8>,
    missing: Option<String>,
}

impl<'a> Record<'a> {
    /// A record of `actor` at `time`, as long as its fixed part.
    pub(crate) fn new(schema: &'a EventSchema, kind: u16, actor: &Actor, time: BootNanos) -> Self {
        let mut bytes = vec![0; schema.size as usize];
        bytes[..2].copy_from_slice(&kind.to_le_bytes());
        let mut record = Self {
            schema,
            bytes,
            missing: None,
        };
        record.header(actor, time);
        record
            .integer("process.vpid", u64::from(actor.id.pid.0))
            .integer("eunomia.process.tid", u64::from(actor.id.pid.0))
            .integer("process.group_leader.pid", u64::from(actor.parent))
            .integer("process.user.id", 1000)
            .chars("eunomia.process.comm", actor.comm)
    }

    fn header(&mut self, actor: &Actor, time: BootNanos) {
        let Some(header) = self.schema.header.as_ref() else {
            self.missing = Some("header".to_owned());
            return;
        };
        for (field, value) in [
            (&header.time, time.0),
            (&header.start_time, actor.id.start_time.0),
            (&header.exec_count, u64::from(actor.id.exec_count)),
            (&header.pid, u64::from(actor.id.pid.0)),
            (&header.parent_pid, u64::from(actor.parent)),
            (&header.cgroup_id, actor.cgroup.id),
            (&header.cgroup_hierarchy, u64::from(actor.cgroup.hierarchy)),
        ] {
            self.put(field, value);
        }
    }

    /// Sets an integer or an enumeration.
    pub(crate) fn integer(mut self, name: &str, value: u64) -> Self {
        if let Some(field) = self.field(name) {
            self.put(field, value);
        }
        self
    }

    /// Sets a text of fixed length.
    pub(crate) fn chars(mut self, name: &str, text: &str) -> Self {
        if let Some(field) = self.field(name) {
            let start = field.offset as usize;
            self.bytes[start..start + text.len()].copy_from_slice(text.as_bytes());
        }
        self
    }

    /// Sets an IPv4 address.
    pub(crate) fn ipv4(mut self, name: &str, address: [u8; 4]) -> Self {
        if let Some(field) = self.field(name) {
            let start = field.offset as usize;
            self.bytes[start] = 2;
            self.bytes[start + 4..start + 8].copy_from_slice(&address);
        }
        self
    }

    /// Appends a path in the order in which the kernel walks it.
    pub(crate) fn path(mut self, name: &str, path: &str) -> Self {
        if let Some(field) = self.field(name) {
            self.tail(field, &leaf_first(path), PRESENT | LEAF_FIRST);
        }
        self
    }

    /// Appends a list of arguments.
    pub(crate) fn arguments(mut self, name: &str, arguments: &[&str]) -> Self {
        let joined: String = arguments.iter().flat_map(|one| [*one, "\0"]).collect();
        if let Some(field) = self.field(name) {
            self.tail(field, joined.as_bytes(), PRESENT);
        }
        self
    }

    /// Appends the path that the process table takes the program from.
    pub(crate) fn executable(mut self, path: &str) -> Self {
        let lifecycle = self.schema.lifecycle.as_ref();
        match lifecycle.and_then(|lifecycle| lifecycle.field("executable")) {
            Some(field) => self.tail(field, &leaf_first(path), PRESENT | LEAF_FIRST),
            None => self.missing = Some("executable".to_owned()),
        }
        self
    }

    /// The bytes.
    ///
    /// # Errors
    /// The schema lacks a field that was set.
    pub(crate) fn finish(self) -> Result<Vec<u8>, String> {
        match self.missing {
            Some(name) => Err(format!("{} has no {name}", self.schema.name)),
            None => Ok(self.bytes),
        }
    }

    fn field(&mut self, name: &str) -> Option<&'a Field> {
        let position = self.schema.position(name);
        let found = position.and_then(|position| self.schema.attributes.get(position));
        if found.is_none() {
            self.missing = Some(name.to_owned());
        }
        found.map(|attribute| &attribute.field)
    }

    fn put(&mut self, field: &Field, value: u64) {
        let Shape::Integer { size, .. } = &field.shape else {
            self.missing = Some(format!("integer at {}", field.offset));
            return;
        };
        let start = field.offset as usize;
        let value = value.to_le_bytes();
        self.bytes[start..start + size.bytes()].copy_from_slice(&value[..size.bytes()]);
    }

    fn tail(&mut self, field: &Field, text: &[u8], flags: u16) {
        let offset = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        let start = field.offset as usize;
        self.bytes[start..start + 4].copy_from_slice(&offset.to_le_bytes());
        self.bytes[start + 4..start + 6].copy_from_slice(&length.to_le_bytes());
        self.bytes[start + 6..start + 8].copy_from_slice(&flags.to_le_bytes());
        self.bytes.extend_from_slice(text);
    }
}

fn leaf_first(path: &str) -> Vec<u8> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts: Vec<_> = parts.rev().collect();
    parts
        .iter()
        .flat_map(|part| [part.as_bytes(), b"/"].concat())
        .collect()
}
