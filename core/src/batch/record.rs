//! The one change a record undergoes when it enters a batch.
//!
//! Walking a path in the kernel goes from the leaf to the root, and the kernel
//! cannot turn the result round cheaply; here it is one pass over cached bytes.

use crate::schema::{EventSchema, Field, Shape};
use crate::schema::{TEXT_LEAF_FIRST, TEXT_TRUNCATED, TailRef};

/// Where in the records of one schema stands what is changed: worked out once a
/// batch and schema, not for each of its rows.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// References to texts, which may be paths.
    texts: Vec<u32>,
    /// References to lists that are shown joined, with the attributes' positions.
    pub(super) joined: Vec<(usize, u32)>,
}

impl Layout {
    pub(super) fn new(schema: &EventSchema) -> Self {
        let attributes = schema.attributes.iter().map(|attribute| &attribute.field);
        let lifecycle = schema.lifecycle.iter();
        let roles = lifecycle.flat_map(|lifecycle| lifecycle.fields.iter().map(|(_, field)| field));
        let is_text = |field: &&Field| matches!(field.shape, Shape::Text(_));
        let texts = attributes.chain(roles).filter(is_text);
        let mut texts: Vec<u32> = texts.map(|field| field.offset).collect();
        texts.sort_unstable();
        texts.dedup();
        let joined = schema.joined();
        Self {
            texts,
            joined: joined.map(|(at, one)| (at, one.field.offset)).collect(),
        }
    }

    /// Turns every path in `record` that was written leaf first (`c/b/a/`) into
    /// the form people read (`/a/b/c`). A path whose front was cut loses its
    /// leading slash, because it is not the path from the root.
    pub(super) fn turn_paths(&self, record: &mut [u8]) {
        for at in &self.texts {
            turn_path(record, *at);
        }
    }
}

fn turn_path(record: &mut [u8], at: u32) {
    let Some(mut tail) = TailRef::read(record, at) else {
        return;
    };
    if tail.flags & TEXT_LEAF_FIRST == 0 {
        return;
    }
    tail.flags &= !TEXT_LEAF_FIRST;
    let start = tail.offset as usize;
    let Some(path) = record.get_mut(start..start + usize::from(tail.length)) else {
        return;
    };
    turn(path);
    if tail.flags & TEXT_TRUNCATED != 0 && path.first() == Some(&b'/') {
        tail.offset += 1;
        tail.length -= 1;
    }
    tail.write(record, at);
}

/// The text at `field` of a record that is not in a batch yet, paths turned
/// round, and whether it was cut.
pub(crate) fn whole_text(field: &Field, record: &[u8]) -> Option<(Box<[u8]>, bool)> {
    if !matches!(field.shape, Shape::Text(_)) {
        return None;
    }
    let tail = TailRef::read(record, field.offset)?;
    let mut text: Box<[u8]> = tail.bytes(record)?.into();
    let truncated = tail.flags & TEXT_TRUNCATED != 0;
    if tail.flags & TEXT_LEAF_FIRST != 0 {
        turn(&mut text);
        if truncated && text.first() == Some(&b'/') {
            text = text.get(1..)?.into();
        }
    }
    Some((text, truncated))
}

/// Turns the parts of a path round, not their letters.
fn turn(path: &mut [u8]) {
    path.reverse();
    path.split_mut(|&byte| byte == b'/')
        .for_each(<[u8]>::reverse);
}

/// Start and length, within `record`, of the tail bytes referred to at `at`.
pub(super) fn tail_range(record: &[u8], at: u32) -> Option<(usize, usize)> {
    let tail = TailRef::read(record, at)?;
    tail.bytes(record)?;
    Some((tail.offset as usize, usize::from(tail.length)))
}
