//! The body of a request, with where its items end: a request that is too large
//! is halved between them.

/// Lines, item after item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The lines, each with its newline. A newline may stand in a line as well.
    pub body: Vec<u8>,
    /// Where in the body each event's or point's lines end.
    ends: Vec<usize>,
}

impl Request {
    /// An empty request with room for as much as `other` has.
    pub(super) fn with_room_of(other: &Self) -> Self {
        Self {
            body: Vec::with_capacity(other.body.len()),
            ends: Vec::with_capacity(other.ends.len()),
        }
    }

    /// How many events and points it holds.
    #[must_use]
    pub fn items(&self) -> usize {
        self.ends.len()
    }

    /// Notes that the item whose lines were appended last is complete.
    pub(super) fn end_item(&mut self) {
        self.ends.push(self.body.len());
    }

    /// Takes the second half of the items out; `None` for a single item.
    #[must_use]
    pub fn halve(&mut self) -> Option<Self> {
        let half = self.ends.len() / 2;
        let at = *self.ends.get(half.checked_sub(1)?)?;
        let ends = self.ends.split_off(half);
        Some(Self {
            body: self.body.split_off(at),
            ends: ends.into_iter().map(|end| end - at).collect(),
        })
    }
}
