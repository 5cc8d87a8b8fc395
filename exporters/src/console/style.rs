//! Colours, and how wide lines may be.

/// How a table looks where it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are understood.
    pub color: bool,
    /// Columns of the terminal; `None` where lines may be as long as they like.
    pub width: Option<usize>,
}

/// What something is, for choosing its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Faint,
    Bold,
    Container,
    Failure,
    /// An event kind, by one of [`KIND_COLORS`].
    Kind(&'static str),
}

/// Colours that can be read on dark and on light ground, without the red of
/// failures.
const KIND_COLORS: [&str; 6] = ["32", "33", "34", "35", "92", "94"];

impl Paint {
    /// The colour of the kind called `name`: the same in every run.
    pub(super) fn of_kind(name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0x811c_9dc5_usize, |hash, byte| {
            (hash ^ usize::from(byte)).wrapping_mul(0x0100_0193)
        }) >> 12;
        let color = KIND_COLORS.get(hash % KIND_COLORS.len());
        color.map_or(Self::Plain, |color| Self::Kind(color))
    }

    /// The parameter of the escape sequence that begins it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Faint => "2",
            Self::Bold => "1",
            Self::Container => "36",
            Self::Failure => "31",
            Self::Kind(code) => code,
        }
    }
}
