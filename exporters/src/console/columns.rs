//! Which columns there are, and how wide they are on this terminal.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr as _;

use super::config::View;
use super::style::Style;

/// A column by its name in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The time of day; in the wide view the day too.
    Time,
    /// The container, or the host.
    Container,
    /// The process that acted.
    Process,
    /// The event kind, or the metric.
    Event,
    /// All that the event itself tells.
    Details,
    /// One attribute.
    Attribute(Box<str>),
}

/// The names of the columns that are no attributes, in the order in which they
/// stand when none are chosen.
pub(super) const NAMES: [&str; 5] = ["time", "container", "process", "event", "details"];

impl Column {
    /// The column called `name`.
    pub(super) fn new(name: &str) -> Self {
        match name {
            "time" => Self::Time,
            "container" => Self::Container,
            "process" => Self::Process,
            "event" => Self::Event,
            "details" => Self::Details,
            attribute => Self::Attribute(attribute.into()),
        }
    }

    /// What stands above it.
    pub(super) fn heading(&self) -> Cow<'_, str> {
        match self {
            Self::Time => "TIME (UTC)".into(),
            Self::Container => "CONTAINER".into(),
            Self::Process => "PROCESS".into(),
            Self::Event => "EVENT".into(),
            Self::Details => "DETAILS".into(),
            Self::Attribute(name) => Cow::Borrowed(name),
        }
    }

    /// As wide as what usually stands in it.
    fn natural_width(&self, view: View, is_roomy: bool) -> usize {
        match (self, view) {
            (Self::Time, View::Table | View::Tree) => 12,
            (Self::Time, View::Wide) => 30,
            (Self::Container, _) if is_roomy => 16,
            (Self::Container, _) => 12,
            (Self::Process, View::Tree) if is_roomy => 34,
            (Self::Process, View::Tree) => 24,
            (Self::Process, View::Table | View::Wide) if is_roomy => 22,
            (Self::Process, View::Table | View::Wide) => 16,
            (Self::Event, _) if is_roomy => 16,
            (Self::Event, _) => 15,
            (Self::Details, _) => 0,
            (Self::Attribute(name), _) => name.width().max(12),
        }
    }
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its width.
    pub(super) width: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// How far what is too wide for it may reach, if anywhere.
    pub(super) limit: Option<usize>,
}

/// The places of all columns for one width of the terminal.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) places: Vec<Place>,
    /// Where details that do not fit go on.
    pub(super) indent: usize,
    /// Where lines end, if they do.
    pub(super) width: Option<usize>,
}

/// Below it columns leave no room for details.
const ROOMY: usize = 120;
/// A terminal that is narrower breaks lines itself.
pub(super) const LEAST_WIDTH: usize = 20;

impl Layout {
    pub(super) fn new(columns: &[Column], view: View, style: Style) -> Self {
        let width = style.width.map(|width| width.max(LEAST_WIDTH));
        let is_roomy = width.is_none_or(|width| width >= ROOMY);
        let mut widths: Vec<_> = columns
            .iter()
            .map(|column| column.natural_width(view, is_roomy))
            .collect();
        let gaps = columns.len().saturating_sub(1);
        if let Some(width) = width {
            shrink(&mut widths, width.saturating_sub(gaps));
        }
        let used = widths.iter().sum::<usize>() + gaps;
        let slack = width.map(|width| width.saturating_sub(used));
        let mut end = 0;
        let place = |(column, width): (&Column, usize)| {
            end += width;
            let place = Place {
                width,
                end,
                limit: limit(column, view, end, slack),
            };
            end += 1;
            place
        };
        Self {
            places: columns.iter().zip(widths).map(place).collect(),
            indent: if is_roomy { 13 } else { 4 },
            width,
        }
    }
}

/// Names of processes and containers stay within their columns, unless nothing
/// is to be cut; on a terminal no cell takes the room of those behind it.
fn limit(column: &Column, view: View, end: usize, slack: Option<usize>) -> Option<usize> {
    match (column, view) {
        (Column::Container | Column::Process, View::Table | View::Tree) => Some(end),
        _ => slack.map(|slack| end + slack),
    }
}

/// Takes from the widest until all fit.
fn shrink(widths: &mut [usize], room: usize) {
    while widths.iter().sum::<usize>() > room
        && let Some(widest) = widths.iter_mut().max()
        && *widest > 1
    {
        *widest -= 1;
    }
}
