//! What stands in a record's tail, and how its fixed part points there.

/// `flags` of a tail reference in a record.
pub(crate) const TEXT_PRESENT: u16 = 1;
pub(crate) const TEXT_TRUNCATED: u16 = 2;
pub(crate) const TEXT_LEAF_FIRST: u16 = 4;

/// `struct text`, `struct text_list` or `struct bytes` as it stands in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailRef {
    pub(crate) offset: u32,
    pub(crate) length: u16,
    pub(crate) flags: u16,
}

impl TailRef {
    pub(crate) const SIZE: usize = 8;

    pub(crate) fn read(record: &[u8], at: u32) -> Option<Self> {
        let bytes = slice(record, at, Self::SIZE)?;
        let &[a, b, c, d, e, f, g, h] = bytes else {
            return None;
        };
        Some(Self {
            offset: u32::from_le_bytes([a, b, c, d]),
            length: u16::from_le_bytes([e, f]),
            flags: u16::from_le_bytes([g, h]),
        })
    }

    pub(crate) fn write(self, record: &mut [u8], at: u32) {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let Some(slot) = start
            .checked_add(Self::SIZE)
            .and_then(|end| record.get_mut(start..end))
        else {
            return;
        };
        slot[..4].copy_from_slice(&self.offset.to_le_bytes());
        slot[4..6].copy_from_slice(&self.length.to_le_bytes());
        slot[6..].copy_from_slice(&self.flags.to_le_bytes());
    }

    pub(crate) fn bytes(self, record: &[u8]) -> Option<&[u8]> {
        if self.flags & TEXT_PRESENT == 0 {
            return None;
        }
        slice(record, self.offset, usize::from(self.length))
    }
}

/// `length` bytes of `record`, where it has them.
pub(super) fn slice(record: &[u8], offset: u32, length: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    record.get(start..start.checked_add(length)?)
}
