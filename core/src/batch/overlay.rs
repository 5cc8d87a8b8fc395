//! What processors lay over a row: values added, replaced or removed.

use serde::{Deserialize, Serialize};

use super::rows::{Batch, to_u32};
use crate::key::Key;
use crate::value::Value;

/// One value laid over a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Overlay {
    pub(super) target: Target,
    pub(super) made: Made,
}

/// What a value is laid over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Target {
    /// The schema's attribute at this position.
    Attribute(u16),
    /// An attribute that the schema does not have.
    Named(Key),
}

/// A value made by a processor; text stands in the batch's arena.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Made {
    /// The attribute is not shown.
    Removed,
    /// True or false.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// Bytes of the arena.
    #[expect(missing_docs, reason = "start and length in the arena")]
    Text { start: u32, length: u32 },
}

impl Made {
    pub(super) fn value(self, arena: &[u8]) -> Option<Value<'_>> {
        Some(match self {
            Self::Removed => return None,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Uint(value) => Value::Uint(value),
            Self::Float(value) => Value::Float(value),
            Self::Text { start, length } => {
                let start = start as usize;
                let bytes = arena.get(start..start + length as usize)?;
                str::from_utf8(bytes).map_or(Value::Text(bytes), Value::Str)
            }
        })
    }
}

impl Overlay {
    /// The value laid over the attribute at `position`, if this is for it.
    pub(super) fn covers(&self, position: usize) -> Option<Made> {
        matches!(self.target, Target::Attribute(target) if usize::from(target) == position)
            .then_some(self.made)
    }

    /// The position of the schema's attribute that this is laid over.
    pub(super) fn position(&self) -> Option<usize> {
        match self.target {
            Target::Attribute(position) => Some(usize::from(position)),
            Target::Named(_) => None,
        }
    }

    pub(super) fn is_named(&self, key: &Key) -> bool {
        matches!(&self.target, Target::Named(name) if name == key)
    }

    pub(super) fn added(&self) -> Option<(&Key, Made)> {
        match &self.target {
            Target::Attribute(_) => None,
            Target::Named(key) => Some((key, self.made)),
        }
    }
}

impl Batch {
    /// Lays `made` over the row at `index`. What was laid over the same target
    /// before is replaced.
    pub fn lay_over(&mut self, index: usize, target: Target, made: Made) {
        let Some(row) = self.rows.get_mut(index) else {
            return;
        };
        let start = row.overlay_start as usize;
        let end = start + usize::from(row.overlay_count);
        let is_same = |overlay: &Overlay| match (&overlay.target, &target) {
            (Target::Attribute(a), Target::Attribute(b)) => a == b,
            (Target::Named(a), Target::Named(b)) => a == b,
            (Target::Attribute(_), Target::Named(_)) | (Target::Named(_), Target::Attribute(_)) => {
                false
            }
        };
        if let Some(known) = self
            .overlays
            .get_mut(start..end)
            .and_then(|own| own.iter_mut().find(|o| is_same(o)))
        {
            known.made = made;
            return;
        }
        // A row's overlays stand together: they move to the end when others follow them.
        if end != self.overlays.len() {
            row.overlay_start = to_u32(self.overlays.len());
            self.overlays.extend_from_within(start..end);
        }
        self.overlays.push(Overlay { target, made });
        row.overlay_count = row.overlay_count.saturating_add(1);
    }

    /// Keeps `bytes` in the arena, to be laid over a row.
    pub fn keep_text(&mut self, bytes: &[u8]) -> Made {
        let start = to_u32(self.arena.len());
        self.arena.extend_from_slice(bytes);
        Made::Text {
            start,
            length: to_u32(bytes.len()),
        }
    }

    /// Lays the joined form of lists over the row that was pushed last.
    pub(super) fn join_lists(&mut self, schema: u16) {
        for list in 0.. {
            let layout = self.layouts.get(usize::from(schema));
            let Some(&(position, offset)) = layout.and_then(|layout| layout.joined.get(list))
            else {
                return;
            };
            let Some(bytes) = self.last_list(offset) else {
                continue;
            };
            let start = self.arena.len();
            self.arena.extend_from_within(bytes.clone());
            // Every argument is ended by NUL; the last one's is not shown.
            if self.arena.len() > start && self.arena.last() == Some(&0) {
                self.arena.truncate(self.arena.len() - 1);
            }
            if let Some(joined) = self.arena.get_mut(start..) {
                joined
                    .iter_mut()
                    .filter(|byte| **byte == 0)
                    .for_each(|byte| *byte = b' ');
            }
            let length = to_u32(self.arena.len() - start);
            let made = Made::Text {
                start: to_u32(start),
                length,
            };
            let target = Target::Attribute(u16::try_from(position).unwrap_or(u16::MAX));
            self.lay_over(self.rows.len() - 1, target, made);
        }
    }

    /// Where in the arena the last row's list at `offset` stands.
    fn last_list(&self, offset: u32) -> Option<std::ops::Range<usize>> {
        let row = self.rows.last()?;
        let start = row.offset as usize;
        let record = self.arena.get(start..start + row.length as usize)?;
        let (from, length) = super::record::tail_range(record, offset)?;
        Some(start + from..start + from + length)
    }
}
