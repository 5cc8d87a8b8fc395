//! How many events there were, by the labels that are configured.

use std::sync::Arc;
use std::time::Duration;

use eunomia_core::aggregate::{GroupIndex, Table};
use eunomia_core::batch::{Batch, RowView};
use eunomia_core::schema::EventSchema;
use eunomia_core::subject::Attributes;
use eunomia_core::time::WallNanos;
use eunomia_core::value::{Item, Value};
use rustc_hash::FxHashMap;

use super::encode::{Family, Labels, Number, Sample, Type};
use super::name::label_name;

/// The label, and the word in the configuration, for an event's name.
pub(super) const EVENT_LABEL: &str = "event";
/// What the counts are called.
pub(super) const EVENTS: &str = "eunomia_events_total";
/// Counts of containers that are long gone make room for others.
const IDLE: Duration = Duration::from_secs(3600);
/// Schemas that are remembered; hot-loaded objects come and go.
const MAX_SCHEMAS: usize = 256;

/// Counts events.
#[derive(Debug)]
pub(super) struct EventCounts {
    labels: Vec<String>,
    table: Table,
    schemas: Vec<(Arc<EventSchema>, Vec<Source>)>,
    /// Groups of one batch by schema and actor.
    known: FxHashMap<(usize, u32), Option<GroupIndex>>,
}

/// Where a label's value comes from, for one event kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    EventName,
    /// The schema's attribute at this position.
    Attribute(usize),
    /// The process, cgroup or container, or a processor.
    Elsewhere,
}

impl EventCounts {
    pub(super) fn new(labels: &[String], limit: usize) -> Self {
        Self {
            labels: labels.iter().map(|label| label_name(label)).collect(),
            table: Table::new(limit),
            schemas: Vec::new(),
            known: FxHashMap::default(),
        }
    }

    /// Counts the rows of `batch`.
    pub(super) fn count(&mut self, batch: &Batch, now: WallNanos) {
        self.known.clear();
        for row in batch.iter() {
            let schema = self.schema(row.schema());
            let group = self.group(&row, schema);
            self.table.count(group, 1, now);
        }
    }

    /// How many series there are, and how many events found no room for one.
    pub(super) fn size(&self) -> (usize, u64) {
        (self.table.len(), self.table.overflow())
    }

    /// Forgets what has not been counted for long.
    pub(super) fn expire(&mut self, now: WallNanos) {
        self.table.expire(now, IDLE);
    }

    pub(super) fn family(&self) -> Family {
        let mut family = Family::new(EVENTS, "Events by kind and label.", Type::Counter);
        for (values, count) in self.table.iter() {
            let pairs = self.labels.iter().zip(values);
            let named = pairs.filter_map(|(name, value)| Some((name.clone(), value?.to_owned())));
            family.add(Labels::new(named), Sample::Number(Number::Uint(count)));
        }
        if self.table.overflow() > 0 {
            let count = Number::Uint(self.table.overflow());
            family.add(Labels::overflow(), Sample::Number(count));
        }
        family
    }

    /// The position of `schema` among those that were seen.
    fn schema(&mut self, schema: &Arc<EventSchema>) -> usize {
        let is_it = |(known, _): &(Arc<EventSchema>, _)| Arc::ptr_eq(known, schema);
        if let Some(position) = self.schemas.iter().position(is_it) {
            return position;
        }
        if self.schemas.len() >= MAX_SCHEMAS {
            self.schemas.clear();
            self.known.clear();
        }
        let sources = self
            .labels
            .iter()
            .map(|label| source(label, schema))
            .collect();
        self.schemas.push((Arc::clone(schema), sources));
        self.schemas.len() - 1
    }

    fn group(&mut self, row: &RowView<'_>, schema: usize) -> Option<GroupIndex> {
        let mut own_values = false;
        row.visit_added(&mut |_, _| own_values = true);
        let sources = self
            .schemas
            .get(schema)
            .map_or(&[][..], |(_, sources)| sources);
        own_values |= sources
            .iter()
            .any(|source| matches!(source, Source::Attribute(_)));
        // Without values of its own a row is counted as others of its actor are.
        let key = (schema, row.actor_index().0);
        if !own_values && let Some(group) = self.known.get(&key) {
            return *group;
        }
        let texts: Vec<_> = sources
            .iter()
            .zip(&self.labels)
            .map(|(source, label)| value(row, *source, label))
            .collect();
        let values: Vec<_> = texts.iter().map(Option::as_deref).collect();
        let group = self.table.group(&values);
        if !own_values {
            self.known.insert(key, group);
        }
        group
    }
}

fn source(label: &str, schema: &EventSchema) -> Source {
    if label == EVENT_LABEL {
        return Source::EventName;
    }
    let is_it = |name: &str| label_name(name) == label;
    let attribute = schema
        .attributes
        .iter()
        .position(|one| is_it(one.key.name()));
    attribute.map_or(Source::Elsewhere, Source::Attribute)
}

fn value(row: &RowView<'_>, source: Source, label: &str) -> Option<String> {
    match source {
        Source::EventName => Some(row.schema().name.name().to_owned()),
        Source::Attribute(position) => row.attribute(position).map(text),
        Source::Elsewhere => elsewhere(row, label),
    }
}

/// The value of an attribute that is not the schema's.
fn elsewhere(row: &RowView<'_>, label: &str) -> Option<String> {
    let mut added = None;
    row.visit_added(&mut |key, value| {
        if label_name(key.name()) == label {
            added = Some(text(value));
        }
    });
    if added.is_some() {
        return added;
    }
    let actor = row.actor()?;
    let process = actor.process.as_ref().filter(|_| actor.shows_process);
    let cgroup = actor.cgroup.as_ref().filter(|_| actor.shows_cgroup);
    let container = actor.container.as_ref();
    let attributes = [
        container.map(|one| &one.attributes),
        process.map(|one| &one.attributes),
        cgroup.map(|one| &one.attributes),
    ];
    let find = |attributes: &Attributes| {
        let found = attributes
            .iter()
            .find(|(key, _)| label_name(key.name()) == label);
        found.map(|(_, value)| text(value))
    };
    attributes.into_iter().flatten().find_map(find)
}

/// A value as the value of a label.
pub(super) fn text(value: Value<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Str(text) => text.to_owned(),
        Value::Short(text) => text.as_str().to_owned(),
        Value::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Raw(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::List(list) | Value::RawList(list) => {
            let mut items = Vec::new();
            list.for_each(|item| {
                items.push(match item {
                    Item::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Item::Short(text) => text.as_str().to_owned(),
                    Item::Int(value) => value.to_string(),
                    Item::Uint(value) => value.to_string(),
                });
            });
            items.join(",")
        }
    }
}
