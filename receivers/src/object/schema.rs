//! The events of an object, as schemas.
//!
//! Tags make the schema. An object without tags is shown as its struct is:
//! every member an attribute called `eunomia.<probe>.<member>`, structs within
//! with dots, array elements that are no integers by their index, and of a union
//! every member, since only the reader knows which one was meant.

use std::collections::BTreeSet;
use std::sync::Arc;

use eunomia_core::key::Key;
use eunomia_core::schema::{Attribute, EventSchema, Field, HeaderFields, Lifecycle};

use super::btf::{Btf, Kind, Type, TypeId};
use super::error::ObjectError;
use super::fields::{self, Fields, Skipped};
use super::layout::Layout;
use super::tags;

/// One event that an object sends.
#[derive(Clone, Debug)]
pub struct Event {
    /// What its records look like. The name is empty for records that only feed
    /// the process table.
    pub schema: Arc<EventSchema>,
    /// The struct of its records; the event's name where a layout describes it.
    pub record: Box<str>,
    /// The read-only variable that takes the kind number, which stands in the
    /// first two bytes of each record.
    pub kind_global: Option<Box<str>>,
    /// Members that have no form as an attribute.
    pub skipped: Vec<Skipped>,
}

impl Event {
    /// Whether its records only feed the process table.
    #[must_use]
    pub fn is_state_only(&self) -> bool {
        self.schema.name.name().is_empty()
    }

    /// Whether its records come through the lifecycle ring.
    #[must_use]
    pub fn is_lifecycle(&self) -> bool {
        self.schema.lifecycle.is_some()
    }
}

/// What the events of an object are made from.
pub(crate) struct Source<'a> {
    pub(crate) probe: &'a str,
    pub(crate) btf: &'a Btf,
    /// Whether the object has a read-only variable of this name.
    pub(crate) has_global: &'a dyn Fn(&str) -> bool,
}

/// A struct that is an event's, and what its pointer's tags say.
struct Found<'a> {
    id: TypeId,
    record: &'a Type,
    name: String,
    role: Option<&'a str>,
}

/// What attributes without a name of their own begin with.
pub(crate) fn prefix(probe: &str) -> String {
    format!("eunomia.{probe}")
}

/// Finds the events: by tag, else by layout, else by the one global pointer to a
/// struct. None is not an error here: an object may only count.
pub(crate) fn events(
    source: &Source<'_>,
    layout: Option<&Layout>,
) -> Result<Vec<Event>, ObjectError> {
    let tagged = tagged(source.btf)?;
    match (tagged.first(), layout) {
        (Some(found), Some(_)) => Err(ObjectError::LayoutNotNeeded {
            event: found.name.as_str().into(),
        }),
        (Some(_), None) => {
            let is_one = tagged.len() == 1;
            tagged
                .iter()
                .map(|found| source.event(found, is_one))
                .collect()
        }
        (None, Some(layout)) => Ok(vec![layout.event(source.probe)]),
        (None, None) => untagged(source)?
            .iter()
            .map(|found| source.event(found, true))
            .collect(),
    }
}

fn tagged(btf: &Btf) -> Result<Vec<Found<'_>>, ObjectError> {
    let mut found = Vec::new();
    for (variable, name, target) in btf.all_variables() {
        let tags = tags::parse(btf.tags(variable), name)?;
        let Some(event) = tags.event() else {
            continue;
        };
        let (id, record) = btf
            .pointed_struct(target)
            .ok_or_else(|| ObjectError::Event {
                event: event.into(),
                reason: format!("{name} is no pointer to a struct: use EVENT(struct_name, ...)"),
            })?;
        found.push(Found {
            id,
            record,
            name: event.to_owned(),
            role: tags.role(),
        });
    }
    Ok(found)
}

/// The one struct that a global variable points to.
fn untagged<'a>(source: &Source<'a>) -> Result<Option<Found<'a>>, ObjectError> {
    let mut structs: Vec<(TypeId, &Type)> = source
        .btf
        .all_variables()
        .filter_map(|(_, _, target)| source.btf.pointed_struct(target))
        .collect();
    structs.sort_by_key(|(id, _)| *id);
    structs.dedup_by_key(|(id, _)| *id);
    match structs.as_slice() {
        [] => Ok(None),
        [(id, record)] => Ok(Some(Found {
            id: *id,
            record,
            name: prefix(source.probe),
            role: None,
        })),
        several => Err(ObjectError::SeveralStructs {
            structs: several
                .iter()
                .map(|(_, found)| found.name.to_string())
                .collect(),
        }),
    }
}

impl Source<'_> {
    fn event(&self, found: &Found<'_>, is_one: bool) -> Result<Event, ObjectError> {
        let record = &found.record.name;
        let fields = fields::read(self.btf, found.id, &prefix(self.probe))?;
        let wrong = |reason| ObjectError::Event {
            event: if found.name.is_empty() {
                format!("of struct {record}").into()
            } else {
                found.name.as_str().into()
            },
            reason,
        };
        check_names(&fields.attributes).map_err(wrong)?;
        let header = header(self.btf, found.id, &fields).map_err(wrong)?;
        // `kind` is for objects with one event and no EVENT().
        let kind_global = [format!("kind_{record}"), "kind".to_owned()]
            .into_iter()
            .take(if is_one { 2 } else { 1 })
            .find(|name| header.is_some() && (self.has_global)(name))
            .map(Into::into);
        if !is_one && kind_global.is_none() {
            let record = record.clone();
            return Err(ObjectError::KindMissing { record });
        }
        Ok(Event {
            schema: Arc::new(EventSchema {
                name: Key::new(&found.name),
                probe: self.probe.into(),
                size: self.btf.size(found.id).unwrap_or(0),
                attributes: fields.attributes,
                header,
                lifecycle: found.role.map(|role| {
                    Arc::new(Lifecycle {
                        role: role.into(),
                        fields: fields.roles,
                    })
                }),
            }),
            record: record.clone(),
            kind_global,
            skipped: fields.skipped,
        })
    }
}

/// Refuses two attributes of one name: no encoder could show both.
pub(crate) fn check_names(attributes: &[Attribute]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    match attributes
        .iter()
        .find(|attribute| !names.insert(attribute.key.name()))
    {
        None => Ok(()),
        Some(twice) => Err(format!("the attribute {} is there twice", twice.key)),
    }
}

/// The header's fields, where the struct has them.
fn header(btf: &Btf, id: TypeId, fields: &Fields) -> Result<Option<HeaderFields>, String> {
    const MUST: &str = "its struct must begin with struct event_header";
    let find = |role: &str| {
        fields
            .roles
            .iter()
            .find(|(name, _)| &**name == role)
            .map(|(_, field)| Field {
                absent: None,
                ..field.clone()
            })
    };
    let need = |role| find(role).ok_or_else(|| format!("no field has the role {role}: {MUST}"));
    if find("time").is_none() {
        return Ok(None);
    }
    let size = header_size(btf, id).ok_or_else(|| MUST.to_owned())?;
    Ok(Some(HeaderFields {
        time: need("time")?,
        start_time: need("start_time")?,
        exec_count: need("exec_count")?,
        pid: need("pid")?,
        parent_pid: need("parent_pid")?,
        cgroup_id: need("cgroup_id")?,
        cgroup_hierarchy: need("cgroup_hierarchy")?,
        size,
    }))
}

/// Bytes of the struct at the beginning of the struct `id` whose first member is
/// the number of the record's kind, in two bytes.
fn header_size(btf: &Btf, id: TypeId) -> Option<u32> {
    const NESTED: usize = 4;
    let mut id = id;
    for _ in 0..NESTED {
        let (_, found) = btf.resolve(id)?;
        let Kind::Struct { members, size } = &found.kind else {
            return None;
        };
        let first = members.first().filter(|first| first.bit_offset == 0)?;
        if &*first.name == "kind" {
            return (btf.size(first.target) == Some(2)).then_some(*size);
        }
        id = first.target;
    }
    None
}
