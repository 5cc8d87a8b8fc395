//! The table of texts of remote write 2: each is there once, and referred to by
//! its place.

use rustc_hash::FxHashMap;

/// Texts in the order in which they came; the first is empty.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    texts: Vec<Box<str>>,
    places: FxHashMap<Box<str>, u32>,
}

impl Default for Symbols {
    fn default() -> Self {
        Self {
            texts: vec!["".into()],
            places: [("".into(), 0)].into_iter().collect(),
        }
    }
}

impl Symbols {
    /// The place of `text`, added if it is not there.
    pub(super) fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.texts.len()).unwrap_or(0);
        self.texts.push(text.into());
        self.places.insert(text.into(), place);
        place
    }

    /// All texts.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}
