//! One line of the table: cells padded to their columns, details wrapped.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::columns::{Layout, Place};
use super::style::Paint;

/// Appends to a line, knowing in which column it is.
#[derive(Debug)]
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    layout: &'a Layout,
    color: bool,
    column: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, layout: &'a Layout, color: bool) -> Self {
        Self {
            out,
            layout,
            color,
            column: 0,
        }
    }

    /// Appends `text` at `place`: cut where it would reach too far, padded to
    /// where the next column begins.
    pub(super) fn cell(&mut self, text: &str, place: Place, paint: Paint) {
        match place.limit {
            Some(limit) => self.paint(&cut(text, limit.saturating_sub(self.column)), paint),
            None => self.paint(text, paint),
        }
        self.blanks((place.end + 1).saturating_sub(self.column).max(1));
    }

    /// Appends a detail behind a blank; on a new line, indented, if it does not
    /// fit, and on several if it fits on none. A detail is a label (faint) and
    /// a value.
    pub(super) fn detail(&mut self, label: &str, value: &str, paint: Paint) {
        let needed = label.width() + value.width();
        let is_full = |width| self.column + needed > width && self.column > self.layout.indent;
        if self.layout.width.is_some_and(is_full) {
            self.go_on_below();
        }
        self.flow(label, Paint::Faint);
        self.flow(value, paint);
        self.blanks(1);
    }

    /// Ends the line, without blanks at its end.
    pub(super) fn end(mut self) {
        self.trim();
        self.out.push(b'\n');
    }

    /// Appends `text`, broken where the terminal ends.
    fn flow(&mut self, mut text: &str, paint: Paint) {
        while let Some(width) = self.layout.width
            && self.column + text.width() > width
        {
            let (fits, rest) = text.split_at(fitting(text, width.saturating_sub(self.column)));
            // What does not fit on a line of its own is wider than the terminal.
            if fits.is_empty() && self.column <= self.layout.indent {
                break;
            }
            self.paint(fits, paint);
            self.go_on_below();
            text = rest;
        }
        self.paint(text, paint);
    }

    fn go_on_below(&mut self) {
        self.trim();
        self.out.push(b'\n');
        self.column = 0;
        self.blanks(self.layout.indent);
    }

    fn trim(&mut self) {
        while self.out.last() == Some(&b' ') {
            self.out.truncate(self.out.len() - 1);
        }
    }

    fn paint(&mut self, text: &str, paint: Paint) {
        let is_painted = self.color && paint != Paint::Plain && !text.is_empty();
        if is_painted {
            self.out.extend_from_slice(b"\x1b[");
            self.out.extend_from_slice(paint.code().as_bytes());
            self.out.push(b'm');
        }
        self.out.extend_from_slice(text.as_bytes());
        if is_painted {
            self.out.extend_from_slice(b"\x1b[0m");
        }
        self.column += text.width();
    }

    fn blanks(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(b' ', count));
        self.column += count;
    }
}

/// How many bytes at the beginning of `text` take no more than `width` columns.
fn fitting(text: &str, width: usize) -> usize {
    let mut used = 0;
    let too_much = |(_, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used > width
    };
    text.char_indices()
        .find(too_much)
        .map_or(text.len(), |(position, _)| position)
}

/// The beginning of `text` that takes no more than `width` columns; what was
/// cut leaves a tilde.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.into();
    }
    let (kept, _) = text.split_at(fitting(text, width.saturating_sub(1)));
    let mut kept = kept.to_owned();
    kept.push('~');
    kept
}
