//! The merged view in its parts, for encoders that write once what many rows of
//! a batch have in common.

use std::ops::Range;

use super::RowView;
use super::overlay::Overlay;
use crate::key::Key;
use crate::schema::Attribute;
use crate::subject::Attributes;
use crate::value::Value;

impl<'a> RowView<'a> {
    /// Whether processors left the first `attributes` of the schema, and what is
    /// shown of the actor, as they were.
    #[must_use]
    pub fn is_untouched(&self, attributes: usize) -> bool {
        self.overlay()
            .all(|overlay| overlay.position().is_some_and(|at| at >= attributes))
    }

    /// Calls `each` with the schema's attributes at these positions.
    pub fn visit_attributes(
        &self,
        positions: Range<usize>,
        each: &mut impl FnMut(&'a Key, Value<'a>),
    ) {
        let record = self.record();
        let first = positions.start;
        let attributes = self.schema.attributes.get(positions).unwrap_or_default();
        if self.row.overlay_count == 0 {
            return visit_all(attributes, record, each);
        }
        for (position, attribute) in (first..).zip(attributes) {
            let Some(made) = self.overlay().find_map(|overlay| overlay.covers(position)) else {
                attribute.visit(record, each);
                continue;
            };
            if let Some(value) = self.made(made) {
                attribute.visit_value(value, attribute.field.is_truncated(record), each);
            }
        }
    }

    /// The number that the attribute at `position` spells out, where it does and no
    /// processor laid anything over it.
    #[must_use]
    pub fn spelled(&self, position: usize) -> Option<u64> {
        let is_covered = |overlay: &Overlay| overlay.covers(position).is_some();
        if self.row.overlay_count > 0 && self.overlay().any(is_covered) {
            return None;
        }
        let attribute = self.schema.attributes.get(position)?;
        attribute.field.spelled(self.record())
    }

    /// Calls `each` with what is shown of the process and of its cgroup.
    pub fn visit_subject(&self, each: &mut impl FnMut(&'a Key, Value<'a>)) {
        let Some(actor) = self.actor() else { return };
        let process = actor.process.as_ref().filter(|_| actor.shows_process);
        let cgroup = actor.cgroup.as_ref().filter(|_| actor.shows_cgroup);
        let shared = [
            process.map(|process| &process.attributes),
            cgroup.map(|cgroup| &cgroup.attributes),
        ];
        for (key, value) in shared.into_iter().flatten().flat_map(Attributes::iter) {
            self.visit_shared(key, value, each);
        }
    }

    /// Calls `each` with everything that does not come from the record: what is
    /// shown of the process, its cgroup and its container, and what processors
    /// added.
    pub fn visit_beside_record(&self, each: &mut impl FnMut(&'a Key, Value<'a>)) {
        self.visit_subject(each);
        if let Some(container) = self.container() {
            for (key, value) in container.attributes.iter() {
                self.visit_shared(key, value, each);
            }
        }
        self.visit_added(each);
    }
}

/// Calls `each` with what `record` has of `attributes`.
fn visit_all<'a>(
    attributes: &'a [Attribute],
    record: &'a [u8],
    each: &mut impl FnMut(&'a Key, Value<'a>),
) {
    let mut text = None;
    for attribute in attributes {
        let field = &attribute.field;
        let Some(value) = field.read_behind(text, record) else {
            continue;
        };
        if let Value::Str(read) = value {
            text = Some((field.offset, read));
        }
        attribute.visit_value(value, field.is_truncated(record), each);
    }
}
