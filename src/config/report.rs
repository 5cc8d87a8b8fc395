//! What is wrong with a configuration, as it is shown.

use eunomia_core::config::{ConfigError, ConfigErrors, Span};
use serde::Serialize;

use super::source::Source;

/// Errors and warnings with the texts that they are about.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The texts of the configuration.
    pub sources: Vec<Source>,
    /// What makes it wrong.
    pub errors: ConfigErrors,
    /// What is probably not meant so.
    pub warnings: ConfigErrors,
    /// What must not be shown.
    pub secrets: Vec<String>,
}

/// One error or warning for a program.
#[derive(Clone, Debug, Serialize)]
struct Line<'a> {
    severity: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
    path: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Report {
    /// Everything for people: each error on a line that begins `FILE:LINE:COLUMN:`, then the line it is about.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.each(|severity, error| self.write(&mut text, severity, error));
        self.redact(text)
    }

    /// Everything for programs: one JSON object with a list.
    pub fn to_json(&self) -> serde_json::Value {
        let mut lines = Vec::new();
        self.each(|severity, error| {
            let line = Line {
                severity: if severity.is_empty() {
                    "error"
                } else {
                    "warning"
                },
                file: &error.span.file,
                line: error.span.line,
                column: error.span.column,
                path: &error.path,
                message: &self.redact(error.message.clone()),
                help: error.help.clone().map(|help| self.redact(help)),
            };
            lines.extend(serde_json::to_value(line));
        });
        serde_json::json!({ "valid": self.errors.is_empty(), "diagnostics": lines })
    }

    /// Calls `show` for the warnings, then the errors, each in the order of their places.
    fn each(&self, mut show: impl FnMut(&str, &ConfigError)) {
        for (severity, list) in [("warning: ", &self.warnings), ("", &self.errors)] {
            let mut list: Vec<_> = list.0.iter().collect();
            list.sort_by_key(|error| (self.rank(&error.span), error.order()));
            list.dedup();
            list.iter().for_each(|error| show(severity, error));
        }
    }

    /// The number of a place's source, in the order of the command line.
    fn rank(&self, span: &Span) -> usize {
        let same = |source: &Source| source.name == span.file;
        self.sources.iter().position(same).unwrap_or(usize::MAX)
    }

    fn write(&self, text: &mut String, severity: &str, error: &ConfigError) {
        let Span { line, column, .. } = error.span;
        let mut shown = error.to_string();
        if let (false, Some(message)) = (
            severity.is_empty(),
            shown.strip_prefix(&format!("{}: ", error.span)),
        ) {
            shown = format!("{}: {severity}{message}", error.span);
        }
        text.push_str(&shown);
        text.push('\n');
        let source = self
            .sources
            .iter()
            .rfind(|source| source.name == error.span.file);
        if let Some(written) = source.and_then(|source| source.line(line)) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let (written, before) = cut(written, column);
            text.push_str(&format!("  {number} | {written}\n  {margin} | {before}^\n"));
        }
        if let Some(help) = &error.help {
            text.push_str(&format!("  help: {help}\n"));
        }
    }

    /// `text` without any secret of the configuration.
    fn redact(&self, text: String) -> String {
        let secrets = self.secrets.iter().filter(|secret| secret.len() > 2);
        secrets.fold(text, |text, secret| {
            text.replace(secret.as_str(), "[redacted]")
        })
    }
}

/// A line as it is shown, with what must stand before the mark under `column`. Tabs and control characters are blanks,
/// so that the mark stands where it should and a hostile file draws nothing.
fn cut(line: &str, column: u32) -> (String, String) {
    const LONGEST: usize = 100;
    const BEFORE: usize = 60;
    let column = usize::try_from(column)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    let start = if line.chars().count() > LONGEST {
        column.saturating_sub(BEFORE)
    } else {
        0
    };
    let shown: String = line.chars().skip(start).take(LONGEST).map(clean).collect();
    (
        shown.trim_end().to_owned(),
        " ".repeat((column - start).min(LONGEST)),
    )
}
