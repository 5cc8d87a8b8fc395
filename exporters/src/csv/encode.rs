//! Events as records. Nothing is allocated for an event; what is known of an
//! actor is written once a batch and copied.

use std::ops::Range;
use std::sync::Arc;

use eunomia_core::added::ADDED_COUNT;
use eunomia_core::batch::{Batch, RowView};
use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::schema::{Attribute, EventSchema};
use eunomia_core::signal::Signal;
use eunomia_core::value::Value;

use super::cell::Cells;
use super::kind::{Companions, Kind, added};
use crate::json::write_attribute;
use crate::sink::{Encoder, Outlet, Pages};

/// Kinds that are kept from one batch to the next: hot-loaded objects come and go.
pub(super) const MAX_KINDS: usize = 256;

/// Batches to CSV.
#[derive(Clone, Debug)]
pub struct CsvEncoder {
    /// `host.name` with the comma before it.
    host: Box<[u8]>,
    added: [Key; ADDED_COUNT],
    pub(super) kinds: Vec<Kind>,
    /// The versions up to this one were of kinds that are forgotten; their files may
    /// be open still.
    forgotten: u32,
    /// For each schema of the batch an index of `kinds`.
    of_batch: Vec<usize>,
    cells: Cells,
    /// For each actor of the batch what is known beside the record, written.
    actors: Vec<Option<Range<usize>>>,
    written: Vec<u8>,
    /// Attributes without a column.
    others: Vec<u8>,
}

impl CsvEncoder {
    /// An encoder for what happens on `host`. Where it escapes formulas, no text
    /// is one to a spreadsheet.
    #[must_use]
    pub fn new(host: &Host, escapes_formulas: bool) -> Self {
        let cells = Cells::new(escapes_formulas);
        let mut prepared = vec![b','];
        if !host.name.is_empty() {
            cells.write_text(host.name.as_bytes(), &mut prepared);
        }
        Self {
            host: prepared.into(),
            added: added(),
            kinds: Vec::new(),
            forgotten: 0,
            of_batch: Vec::new(),
            cells,
            actors: Vec::new(),
            written: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Appends a record for every event of `signal`. Metric points have none.
    pub fn encode(&mut self, signal: &Signal, out: &mut impl Outlet) {
        let Signal::Events(batch) = signal else {
            return;
        };
        self.start(batch);
        // Taken out for as long, so that the rest can be written to.
        let kinds = std::mem::take(&mut self.kinds);
        for row in batch.iter() {
            let of_batch = self.of_batch.get(row.schema_index());
            if let Some(kind) = of_batch.and_then(|&index| kinds.get(index)) {
                let lines = out.of_event(&row, &kind.sheet);
                self.write_event(&row, kind, &mut lines.bytes);
                lines.end_item();
            }
        }
        self.kinds = kinds;
    }

    fn start(&mut self, batch: &Batch) {
        self.of_batch.clear();
        if self.kinds.len() > MAX_KINDS {
            let versions = self.kinds.drain(..).map(|kind| kind.sheet.version);
            self.forgotten = versions.fold(self.forgotten, u32::max);
        }
        for schema in batch.schemas() {
            let kind = self.kind(schema);
            self.of_batch.push(kind);
        }
        self.actors.clear();
        self.actors.resize(batch.subjects.len(), None);
        self.written.clear();
    }

    fn kind(&mut self, schema: &Arc<EventSchema>) -> usize {
        let is_it = |kind: &Kind| Arc::ptr_eq(&kind.schema, schema);
        if let Some(known) = self.kinds.iter().position(is_it) {
            return known;
        }
        // An object that is loaded again has the same schema anew.
        if let Some(known) = self.kinds.iter().position(|kind| kind.schema == *schema) {
            if let Some(kind) = self.kinds.get_mut(known) {
                kind.schema = Arc::clone(schema);
            }
            return known;
        }
        self.kinds
            .push(Kind::new(schema, &self.kinds, self.forgotten));
        self.kinds.len() - 1
    }

    fn write_event(&mut self, row: &RowView<'_>, kind: &Kind, out: &mut Vec<u8>) {
        self.others.clear();
        let mut time = [0; 30];
        row.time().write_rfc3339(&mut time);
        out.extend_from_slice(&time);
        out.push(b',');
        self.cells
            .write_text(kind.schema.name.name().as_bytes(), out);
        out.extend_from_slice(&self.host);
        let attributes = kind.schema.attributes.iter().zip(&kind.companions);
        for (position, (attribute, companions)) in attributes.enumerate() {
            let value = row.attribute(position);
            self.write_attribute(row, (attribute, *companions), value, out);
        }
        self.write_beside(row, kind, out);
        out.extend_from_slice(b"\r\n");
    }

    /// The columns of an attribute of the schema.
    fn write_attribute(
        &mut self,
        row: &RowView<'_>,
        (attribute, companions): (&Attribute, Companions),
        value: Option<Value<'_>>,
        out: &mut Vec<u8>,
    ) {
        out.push(b',');
        if let Some(value) = value {
            self.cells.write(value, out);
        }
        if companions.raw {
            out.push(b',');
            match value {
                Some(Value::Text(bytes)) => self.cells.write(Value::Raw(bytes), out),
                Some(Value::List(list)) if !list.is_utf8() => self.cells.write_raw_list(list, out),
                _ => {}
            }
        } else if let Some(Value::Text(bytes)) = value {
            // A processor laid text over what is none.
            write_attribute(&attribute.raw_key, Value::Raw(bytes), &mut self.others);
        }
        if companions.truncated {
            out.push(b',');
            if value.is_some() && attribute.field.is_truncated(row.record()) {
                self.cells.write(Value::Bool(true), out);
            }
        }
    }

    /// The columns of what processors add: copied where the actor had an event
    /// in this batch, unless a processor changed something about this one.
    fn write_beside(&mut self, row: &RowView<'_>, kind: &Kind, out: &mut Vec<u8>) {
        let actor = usize::try_from(row.actor_index().0).unwrap_or(usize::MAX);
        let is_shared =
            self.others.is_empty() && row.is_untouched(0) && kind.has == [true; ADDED_COUNT];
        let Some(slot) = self.actors.get(actor).filter(|_| is_shared) else {
            return self.write_beside_anew(row, kind, out);
        };
        let range = match slot {
            Some(range) => range.clone(),
            None => {
                let mut written = std::mem::take(&mut self.written);
                let start = written.len();
                self.write_beside_anew(row, kind, &mut written);
                self.written = written;
                start..self.written.len()
            }
        };
        out.extend_from_slice(self.written.get(range.clone()).unwrap_or_default());
        if let Some(slot) = self.actors.get_mut(actor) {
            *slot = Some(range);
        }
    }

    fn write_beside_anew(&mut self, row: &RowView<'_>, kind: &Kind, out: &mut Vec<u8>) {
        let mut values = [None; ADDED_COUNT];
        let mut others = std::mem::take(&mut self.others);
        let mut next = 0;
        row.visit_beside_record(&mut |key, value| {
            // They come in the order of the columns, more or less.
            let rest = self.added.get(next..).unwrap_or_default();
            let found = rest.iter().position(|name| name == key).map(|at| at + next);
            let found = found.or_else(|| self.added.iter().position(|name| name == key));
            match found.and_then(|at| Some((at, values.get_mut(at)?))) {
                Some((at, slot)) => {
                    *slot = Some(value);
                    next = at + 1;
                }
                None => write_attribute(key, value, &mut others),
            }
        });
        for (value, _) in values.iter().zip(kind.has).filter(|(_, has)| *has) {
            out.push(b',');
            if let Some(value) = value {
                self.cells.write(*value, out);
            }
        }
        out.push(b',');
        // The comma before the first becomes the brace.
        if let Some(first) = others.first_mut() {
            *first = b'{';
            others.push(b'}');
            self.cells.write_text(&others, out);
        }
        self.others = others;
    }
}

impl Encoder for CsvEncoder {
    fn encode(&mut self, signal: &Signal, pages: &mut Pages) {
        Self::encode(self, signal, pages);
    }
}
