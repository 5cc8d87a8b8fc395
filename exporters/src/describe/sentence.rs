//! Events as one line each: the body of a log record.

use std::sync::Arc;

use eunomia_core::batch::{Batch, RowView};

use super::kind::{Detail, Kind, Kinds};
use super::value::write_detail;
use crate::memo::Memo;

/// Puts the events of a batch into words.
#[derive(Debug, Default)]
pub(crate) struct Sentences {
    kinds: Kinds,
    /// The kinds of a batch's schemas, with the slots of their first details.
    of_batch: Vec<(Arc<Kind>, usize)>,
    words: Words,
}

/// What was written.
#[derive(Debug, Default)]
struct Words {
    text: String,
    spelled: Memo,
    /// What details that spell a number out were written as.
    known: String,
}

impl Sentences {
    /// The rows that follow are those of `batch`.
    pub(crate) fn start(&mut self, batch: &Batch) {
        self.of_batch.clear();
        let mut slots = 0;
        for schema in batch.schemas() {
            let kind = self.kinds.get(schema);
            let first = slots;
            slots += kind.details.len();
            self.of_batch.push((kind, first));
        }
        self.words.spelled.start(slots);
        self.words.known.clear();
    }

    /// The event as one line: what happened, and its details.
    pub(crate) fn write(&mut self, row: &RowView<'_>) -> &str {
        let words = &mut self.words;
        words.text.clear();
        if let Some((kind, first)) = self.of_batch.get(row.schema_index()) {
            words.text.push_str(&kind.title);
            for (slot, detail) in (*first..).zip(&kind.details) {
                words.write(row, detail, slot);
            }
        }
        &words.text
    }
}

impl Words {
    /// Appends a detail, if it exists; copied where it spells a number out that was
    /// written before.
    fn write(&mut self, row: &RowView<'_>, detail: &Detail, slot: usize) {
        let number = detail.is_spelled.then(|| row.spelled(detail.position));
        let Some(number) = number.flatten() else {
            return self.write_anew(row, detail);
        };
        if let Some(known) = self.spelled.find(slot, number) {
            return self
                .text
                .push_str(self.known.get(known).unwrap_or_default());
        }
        let start = self.text.len();
        self.write_anew(row, detail);
        if self.spelled.has_room(slot) {
            let from = self.known.len();
            let written = self.text.get(start..).unwrap_or_default();
            self.known.push_str(written);
            self.spelled.keep(slot, number, from..self.known.len());
        }
    }

    fn write_anew(&mut self, row: &RowView<'_>, detail: &Detail) {
        let start = self.text.len();
        self.text.push(' ');
        self.text.push_str(&detail.label);
        if !write_detail(row, detail, &mut self.text) {
            self.text.truncate(start);
        }
    }
}
