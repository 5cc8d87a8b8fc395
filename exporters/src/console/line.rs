//! One line of the table: cells padded to their columns, details wrapped.

use unicode_width::UnicodeWidthStr as _;

use super::style::{Paint, Style};

/// Appends to a line, knowing in which column it is.
#[derive(Debug)]
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    style: Style,
    column: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, style: Style) -> Self {
        Self {
            out,
            style,
            column: 0,
        }
    }

    /// Appends `text`, padded to `width` columns.
    pub(super) fn cell(&mut self, text: &str, width: usize, paint: Paint) {
        let used = text.width();
        self.paint(text, paint);
        self.blanks(width.saturating_sub(used) + 1);
    }

    /// Appends a detail behind a blank; on a new line, `indent` columns in, if
    /// it does not fit. A detail is a label (faint) and a value.
    pub(super) fn detail(&mut self, label: &str, value: &str, paint: Paint, indent: usize) {
        let needed = label.width() + value.width();
        let is_full = |width| self.column + needed > width && self.column > indent;
        if self.style.width.is_some_and(is_full) {
            self.trim();
            self.out.push(b'\n');
            self.column = 0;
            self.blanks(indent);
        }
        self.paint(label, Paint::Faint);
        self.paint(value, paint);
        self.blanks(1);
    }

    /// Ends the line, without blanks at its end.
    pub(super) fn end(mut self) {
        self.trim();
        self.out.push(b'\n');
    }

    fn trim(&mut self) {
        while self.out.last() == Some(&b' ') {
            self.out.truncate(self.out.len() - 1);
        }
    }

    fn paint(&mut self, text: &str, paint: Paint) {
        let is_painted = self.style.color && paint != Paint::Plain && !text.is_empty();
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

/// The beginning of `text` that takes no more than `width` columns; what was
/// cut leaves a tilde.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        let mut longer = kept.clone();
        longer.push(c);
        if longer.width() + 1 > width {
            break;
        }
        kept = longer;
    }
    kept.push('~');
    kept
}
