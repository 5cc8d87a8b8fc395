//! The one change a record undergoes when it enters a batch.
//!
//! Walking a path in the kernel goes from the leaf to the root, and the kernel
//! cannot turn the result round cheaply; here it is one pass while they are copied.

use std::ops::Range;

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

    /// Turns every path in `record`, whose copy is `stored`, that was written leaf
    /// first (`c/b/a/`) into the form people read (`/a/b/c`). A path whose front
    /// was cut loses its leading slash, because it is not the path from the root.
    pub(super) fn turn_paths(&self, record: &[u8], stored: &mut [u8]) {
        for at in &self.texts {
            turn_path(record, stored, *at);
        }
    }
}

fn turn_path(record: &[u8], stored: &mut [u8], at: u32) {
    let Some(mut tail) = TailRef::read(record, at) else {
        return;
    };
    if tail.flags & TEXT_LEAF_FIRST == 0 {
        return;
    }
    tail.flags &= !TEXT_LEAF_FIRST;
    let start = tail.offset as usize;
    let range = start..start + usize::from(tail.length);
    let (Some(path), Some(turned)) = (record.get(range.clone()), stored.get_mut(range)) else {
        return;
    };
    turn(path, turned);
    if tail.flags & TEXT_TRUNCATED != 0 && turned.first() == Some(&b'/') {
        tail.offset += 1;
        tail.length -= 1;
    }
    tail.write(stored, at);
}

/// The text at `field` of a record that is not in a batch yet, paths turned
/// round, and whether it was cut.
pub(crate) fn whole_text(field: &Field, record: &[u8]) -> Option<(Box<[u8]>, bool)> {
    if !matches!(field.shape, Shape::Text(_)) {
        return None;
    }
    let tail = TailRef::read(record, field.offset)?;
    let stored = tail.bytes(record)?;
    let mut text: Box<[u8]> = stored.into();
    let truncated = tail.flags & TEXT_TRUNCATED != 0;
    if tail.flags & TEXT_LEAF_FIRST != 0 {
        turn(stored, &mut text);
        if truncated && text.first() == Some(&b'/') {
            text = text.get(1..)?.into();
        }
    }
    Some((text, truncated))
}

/// Writes the parts of `path` to `turned`, which is as long, from the last to the
/// first.
fn turn(path: &[u8], turned: &mut [u8]) {
    let (mut end, mut written) = (path.len(), 0);
    for_each_slash(path, |slash| {
        put_part(path, slash + 1..end, turned, written);
        written += end - slash;
        if let Some(byte) = turned.get_mut(written - 1) {
            *byte = b'/';
        }
        end = slash;
    });
    put_part(path, 0..end, turned, written);
}

/// Copies a part of `path`. Most are short, and a copy of fixed length is a move
/// or two: what it takes too much is overwritten by the parts that follow.
fn put_part(path: &[u8], part: Range<usize>, turned: &mut [u8], at: usize) {
    const SHORT: usize = 16;
    let length = part.len();
    if length <= SHORT
        && let Some(from) = path.get(part.start..part.start + SHORT)
        && let Some(to) = turned.get_mut(at..at + SHORT)
    {
        to.copy_from_slice(from);
    } else if let (Some(from), Some(to)) = (path.get(part), turned.get_mut(at..at + length)) {
        to.copy_from_slice(from);
    }
}

/// Calls `each` with the position of every slash in `text`, from the last to the
/// first; eight bytes are looked at at once.
fn for_each_slash(text: &[u8], mut each: impl FnMut(usize)) {
    const SLASHES: u64 = u64::from_ne_bytes([b'/'; 8]);
    const LOW_BITS: u64 = u64::from_ne_bytes([0x7f; 8]);
    let mut rest = text;
    while let Some((before, word)) = rest.split_last_chunk() {
        let differing = u64::from_le_bytes(*word) ^ SLASHES;
        // The high bit of each byte that does not differ.
        let mut same = !(((differing & LOW_BITS) + LOW_BITS) | differing | LOW_BITS);
        while let Some(bit) = same.checked_ilog2() {
            each(before.len() + bit as usize / 8);
            same ^= 1 << bit;
        }
        rest = before;
    }
    for (position, _) in rest
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'/')
    {
        each(position);
    }
}

/// Start and length, within `record`, of the tail bytes referred to at `at`.
pub(super) fn tail_range(record: &[u8], at: u32) -> Option<(usize, usize)> {
    let tail = TailRef::read(record, at)?;
    tail.bytes(record)?;
    Some((tail.offset as usize, usize::from(tail.length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::turn;

    proptest! {
        /// Parts of any length, empty ones among them, come out from the last to
        /// the first, with nothing left of what was copied too much.
        #[test]
        fn parts_are_turned_round(path in "[a-z/\u{e9}]{0,70}") {
            let mut turned = vec![0; path.len()];
            turn(path.as_bytes(), &mut turned);
            let parts: Vec<_> = path.split('/').rev().collect();
            prop_assert_eq!(turned, parts.join("/").into_bytes());
        }
    }
}
