//! What is written under `console:`.

use std::collections::BTreeSet;

use eunomia_core::build::{BuildContext, BuildExporter, LocalQueue, QueueLimits};
use eunomia_core::component::Exporter;
use eunomia_core::config::{Check, ConfigErrors, Settings};
use eunomia_core::signal::Carries;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::ConsoleExporter;
use super::columns::NAMES;
use crate::sink::{Options, Target};

/// Events as a table for people, coloured on a terminal, plain in a pipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "console")]
pub struct ConsoleConfig {
    /// The file to append to, made with mode 0640 if it is not there; `-` is
    /// standard output. Default `-`.
    pub path: String,
    /// What a line looks like. Default `table`.
    pub view: View,
    /// The columns from left to right: `time`, `container`, `process`, `event`,
    /// `details` (the last one, if at all), and names of attributes; 1 to 32.
    /// Default those five.
    pub columns: Vec<String>,
    /// Whether the names of the columns stand above them. Default true.
    pub headers: bool,
    /// Whether there are colours. Default `auto`.
    pub color: Color,
    /// The queue in front of it; `when_full` is `block` by default.
    pub queue: LocalQueue,
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// A line for each event, with what it tells.
    #[default]
    Table,
    /// The same with the whole time and all that is known of who acted; no
    /// name is cut.
    Wide,
    /// The table with processes indented below those that they descend from.
    Tree,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set and not empty or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// More than any terminal has room for.
const MAX_COLUMNS: usize = 32;

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            path: "-".into(),
            view: View::default(),
            columns: NAMES.map(str::to_owned).into(),
            headers: true,
            color: Color::default(),
            queue: LocalQueue::default(),
        }
    }
}

impl Settings for ConsoleConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.path.is_empty() {
            check.refuse(
                &["path"],
                "expected the path of a file, or - for standard output",
            );
        }
        if let Some(message) = self.wrong_columns() {
            check.refuse(&["columns"], message);
        }
    }

    fn claims(&self) -> Vec<String> {
        vec![Target::new(&self.path).claim()]
    }
}

impl ConsoleConfig {
    pub(super) fn wrong_columns(&self) -> Option<String> {
        let count = self.columns.len();
        if !(1..=MAX_COLUMNS).contains(&count) {
            return Some(format!(
                "expected 1 to {MAX_COLUMNS} columns, found {count}: {} or names of attributes",
                NAMES.join(", ")
            ));
        }
        if self.columns.iter().any(String::is_empty) {
            return Some("a column has no name".into());
        }
        let mut known = BTreeSet::new();
        let mut columns = self.columns.iter();
        if let Some(twice) = columns.find(|column| !known.insert(column.as_str())) {
            return Some(format!("the column `{twice}` is there twice"));
        }
        let details = self.columns.iter().position(|column| column == "details");
        (details.is_some_and(|details| details + 1 < count))
            .then(|| "`details` takes what room is left: make it the last column".into())
    }
}

impl BuildExporter for ConsoleConfig {
    fn build(self: Box<Self>, context: &BuildContext) -> Result<Box<dyn Exporter>, ConfigErrors> {
        let options = Options::plain(self.queue().when_full);
        let exporter = ConsoleExporter::new(*self, options, &context.host);
        Ok(Box::new(exporter))
    }

    fn queue(&self) -> QueueLimits {
        self.queue.limits()
    }

    fn carries(&self) -> Carries {
        Carries::ALL
    }
}
