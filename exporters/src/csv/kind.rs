//! The columns of an event kind: they follow from its schema.

use std::sync::Arc;

use eunomia_core::added::{ADDED, ADDED_COUNT};
use eunomia_core::key::Key;
use eunomia_core::schema::{Attribute, EventSchema};

use super::cell::Cells;
use crate::names::HOST_NAME;
use crate::sink::Sheet;

/// The last column: what has none of its own, as a JSON object.
const OTHERS: &str = "attributes";

/// The keys of what processors add, in the order of the columns.
pub(super) fn added() -> [Key; ADDED_COUNT] {
    ADDED.map(|(name, suffix, _)| Key::new(&format!("{name}{suffix}")))
}

/// An event kind with its columns.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) schema: Arc<EventSchema>,
    pub(super) sheet: Sheet,
    /// For each attribute of the schema, which columns it has beside its own.
    pub(super) companions: Vec<Companions>,
    /// For each added column whether the kind has it: not where the schema has
    /// the attribute itself.
    pub(super) has: [bool; ADDED_COUNT],
}

/// Columns beside an attribute's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Companions {
    pub(super) raw: bool,
    pub(super) truncated: bool,
}

impl Kind {
    /// The columns of `schema`; `known` are the kinds there are, `forgotten` the last
    /// version of those that were.
    pub(super) fn new(schema: &Arc<EventSchema>, known: &[Self], forgotten: u32) -> Self {
        let added = added();
        let is_of_schema = |key: &Key| {
            let mut columns = schema.attributes.iter().flat_map(Attribute::columns);
            columns.any(|(column, _)| column == key)
        };
        let has = added.each_ref().map(|key| !is_of_schema(key));
        let head: Arc<[u8]> = head(schema, &added, has).into();
        let namesakes = known.iter().filter(|kind| kind.schema.name == schema.name);
        let same = namesakes.clone().find(|kind| kind.sheet.head == head);
        let last = namesakes.map(|kind| kind.sheet.version).max();
        let version = same.map_or(last.unwrap_or(forgotten) + 1, |kind| kind.sheet.version);
        let companions = schema.attributes.iter().map(|attribute| Companions {
            raw: attribute.field.shape.may_break(),
            truncated: attribute.field.shape.is_tail(),
        });
        Self {
            companions: companions.collect(),
            schema: Arc::clone(schema),
            sheet: Sheet { version, head },
            has,
        }
    }
}

/// The first record of a file.
fn head(schema: &EventSchema, added: &[Key; ADDED_COUNT], has: [bool; ADDED_COUNT]) -> Vec<u8> {
    let own = schema.attributes.iter().flat_map(Attribute::columns);
    let own = own.map(|(key, _)| key.name());
    let added = added.iter().zip(has).filter(|(_, has)| *has);
    let added = added.map(|(key, _)| key.name());
    let names = ["time", "event", HOST_NAME].into_iter();
    let cells = Cells::new(false);
    let mut head = Vec::new();
    for name in names.chain(own).chain(added).chain([OTHERS]) {
        cells.write_text(name.as_bytes(), &mut head);
        head.push(b',');
    }
    head.pop();
    head.extend_from_slice(b"\r\n");
    head
}
