//! How many events there were, by the labels that are configured.

use std::sync::Arc;
use std::time::Duration;

use eunomia_core::aggregate::{GroupIndex, Table};
use eunomia_core::batch::{Batch, RowView};
use eunomia_core::schema::EventSchema;
use eunomia_core::subject::{Attributes, Cgroup, Subject};
use eunomia_core::time::WallNanos;
use rustc_hash::FxHashMap;

use super::family::{self, Head, Number, Sample, Series, Sink, Type};
use super::gone::Gone;
use super::labels::Labels;
use super::name::matching_name;
use super::owners::Owners;
use super::rules::Rules;
use super::value::text;

/// The label, and the word in the configuration, for an event's name.
pub(super) const EVENT_LABEL: &str = "event";
/// What the counts are called.
pub(super) const EVENTS: Head<'_> = Head {
    name: "eunomia_events_total",
    help: "Events by kind and label.",
    unit: "",
    kind: Type::Counter,
};
/// Counts of containers that are long gone make room for others.
const IDLE: Duration = Duration::from_secs(3600);
/// Schemas that are remembered; hot-loaded objects come and go.
const MAX_SCHEMAS: usize = 256;

/// Counts events.
#[derive(Debug)]
pub(super) struct EventCounts {
    rules: Arc<Rules>,
    /// The attributes that are labels, as they are configured.
    attributes: Vec<String>,
    /// The same in the form in which attributes are found.
    labels: Vec<String>,
    table: Table,
    /// The table's groups, in its order.
    shown: Vec<Shown>,
    overflow: Labels,
    schemas: Vec<(Arc<EventSchema>, Vec<Source>)>,
    /// Groups of one batch by schema and actor.
    known: FxHashMap<(usize, u32), Option<GroupIndex>>,
}

/// What is known of a group beside its count.
#[derive(Debug)]
struct Shown {
    labels: Labels,
    /// The cgroups that it ends with, where its labels are theirs.
    owners: Owners,
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
    pub(super) fn new(labels: &[String], rules: Arc<Rules>) -> Self {
        Self {
            attributes: labels.to_vec(),
            labels: labels.iter().map(|label| matching_name(label)).collect(),
            table: Table::new(rules.limit),
            shown: Vec::new(),
            overflow: rules.overflow(),
            rules,
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

    /// Forgets what has not been counted for long, or for a while and is of a
    /// container that has ended, and says what that is.
    pub(super) fn expire(&mut self, now: WallNanos, gone: &mut Gone) {
        let last_end = self.rules.last_end(now);
        let (shown, table) = (&mut self.shown, &mut self.table);
        let has_ended = |group: &Shown| group.owners.have_ended_by(last_end);
        let over = table.expire(|position, used| {
            Duration::from_nanos(now.0.saturating_sub(used.0)) >= IDLE
                || used <= last_end && shown.get(position).is_some_and(has_ended)
        });
        let mut over = over.into_iter().peekable();
        let mut position = 0..;
        let is_over = |_: &mut Shown| over.next_if(|one| position.next() == Some(*one)).is_some();
        for group in shown.extract_if(.., is_over) {
            gone.push(&EVENTS, group.labels, Sample::Number(Number::Uint(0)));
        }
    }

    /// Shows the counts.
    pub(super) fn show(&self, sink: &mut dyn Sink) {
        let series = |(labels, count)| Series {
            labels,
            value: family::Value::Number(Number::Uint(count)),
            start: None,
        };
        let counts = self.table.iter().map(|(_, count)| count);
        let labels = self.shown.iter().map(|group| &group.labels);
        let groups = labels.zip(counts);
        let overflow = Some(self.table.overflow()).filter(|events| *events > 0);
        let overflow = overflow.map(|events| (&self.overflow, events));
        sink.family(&EVENTS, &mut groups.chain(overflow).map(series));
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
            // An empty label is as good as none.
            .map(|value| value.filter(|text| !text.is_empty()))
            .collect();
        let values: Vec<_> = texts.iter().map(Option::as_deref).collect();
        let group = self.table.group(&values);
        if self.table.len() > self.shown.len() {
            let pairs = self.attributes.iter().map(String::as_str).zip(&texts);
            let named = pairs.filter_map(|(name, value)| Some((name, value.clone()?)));
            self.shown.push(Shown {
                labels: self.rules.labels(named),
                owners: Owners::default(),
            });
        }
        if let Some(group) = group.and_then(|group| self.shown.get_mut(group.position()))
            && let Some(cgroup) = owner(row, sources, &self.labels)
        {
            group.owners.add(cgroup);
        }
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
    let is_it = |name: &str| matching_name(name) == label;
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
        if matching_name(key.name()) == label {
            added = Some(text(value));
        }
    });
    if added.is_some() {
        return added;
    }
    let actor = row.actor()?;
    let process = actor.process.as_ref().filter(|_| actor.shows_process);
    let attributes = [
        container_of(actor),
        process.map(|one| &one.attributes),
        cgroup_of(actor),
    ];
    let mut attributes = attributes.into_iter().flatten();
    attributes.find_map(|attributes| find(attributes, label))
}

/// The actor's cgroup, if one of the labels is what it or its container has: a
/// series with such a label is theirs alone.
fn owner<'a>(row: &RowView<'a>, sources: &[Source], labels: &[String]) -> Option<&'a Arc<Cgroup>> {
    let actor = row.actor()?;
    let is_theirs = |(source, label): (&Source, &String)| {
        let attributes = [container_of(actor), cgroup_of(actor)];
        let mut attributes = attributes.into_iter().flatten();
        *source == Source::Elsewhere && attributes.any(|one| find(one, label).is_some())
    };
    let cgroup = actor.cgroup.as_ref();
    cgroup.filter(|_| sources.iter().zip(labels).any(is_theirs))
}

fn container_of(actor: &Subject) -> Option<&Attributes> {
    actor.container.as_ref().map(|one| &one.attributes)
}

fn cgroup_of(actor: &Subject) -> Option<&Attributes> {
    let cgroup = actor.cgroup.as_ref().filter(|_| actor.shows_cgroup);
    cgroup.map(|one| &one.attributes)
}

fn find(attributes: &Attributes, label: &str) -> Option<String> {
    let mut attributes = attributes.iter();
    let found = attributes.find(|(key, _)| matching_name(key.name()) == label);
    found.map(|(_, value)| text(value))
}
