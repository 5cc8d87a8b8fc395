use std::sync::Arc;

use eunomia_core::batch::{Made, Target};
use eunomia_core::key::Key;
use eunomia_core::signal::Signal;
use proptest::collection::vec;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::encode::ConsoleEncoder;
use super::style::Style;
use crate::describe::{write_harmless, write_nanoseconds, write_word};
use crate::sink::Lines;
use crate::support;

fn table(signal: &Signal, style: Style) -> String {
    let mut encoder = ConsoleEncoder::new("node-1", style);
    let mut lines = Lines::default();
    encoder.write_heading(&mut lines);
    encoder.encode(signal, &mut lines);
    String::from_utf8_lossy(&lines.bytes).into_owned()
}

fn plain() -> Style {
    Style::default()
}

/// What a pipe gets: aligned, no colours, lines as long as they are.
#[test]
fn events_are_a_table() {
    insta::assert_snapshot!(table(&Signal::Events(support::sample()), plain()));
}

/// Events on the host, and what a processor added to one.
#[test]
fn events_outside_containers_show_the_host() {
    let kind = support::open_kind();
    let mut batch = support::batch(&[(&kind, support::open(&kind, b"/a"))], Vec::new());
    let note = batch.keep_text(b"by\nhand");
    batch.lay_over(0, Target::Named(Key::new("note")), note);
    batch.lay_over(0, Target::Named(Key::new("score")), Made::Uint(7));
    insta::assert_snapshot!(table(&Signal::Events(batch), plain()));
}

/// Details that do not fit go on below, whole.
#[test]
fn a_narrow_terminal_wraps_details() {
    let style = Style {
        color: false,
        width: Some(80),
    };
    insta::assert_snapshot!(table(&Signal::Events(support::sample()), style));
}

/// Escape sequences are ours alone.
#[test]
fn a_terminal_shows_colours() {
    let style = Style {
        color: true,
        width: None,
    };
    let text = table(&Signal::Events(support::sample()), style);
    insta::assert_snapshot!(text.replace('\x1b', "<ESC>"));
}

/// Metric points stand in the same columns.
#[test]
fn points_are_in_the_table_too() {
    insta::assert_snapshot!(table(&Signal::Metrics(support::metrics()), plain()));
}

#[track_caller]
fn shows(bytes: &[u8], expected: &str) {
    let mut text = String::new();
    write_word(bytes, &mut text);
    assert_eq!(text, expected);
}

/// Each way in which text could mislead.
#[test]
fn hostile_text_is_harmless() {
    shows(b"plain", "plain");
    shows(b"", "''");
    shows(b"two words", "'two words'");
    shows(b"it's", "'it\\'s'");
    shows(b"a\nb\tc\r", "a\\nb\\tc\\r");
    shows(b"\x1b]0;owned\x07", "\\x1b]0;owned\\x07");
    shows(b"\x7f\xff", "\\x7f\\xff");
    shows("\u{9b}31m".as_bytes(), "\\u{9b}31m");
    shows("a\u{202e}b\u{2066}".as_bytes(), "a\\u{202e}b\\u{2066}");
    shows(
        "\u{200b}\u{feff}\u{2028}".as_bytes(),
        "\\u{200b}\\u{feff}\\u{2028}",
    );
    shows(br"c:\x", r"c:\\x");
}

proptest! {
    /// Whatever a file is called: one line, and nothing a terminal obeys.
    #[test]
    fn no_text_escapes_its_line(path in vec(any::<u8>(), 0..64)) {
        let kind = support::open_kind();
        let batch = support::batch(&[(&kind, support::open(&kind, &path))], Vec::new());
        let text = table(&Signal::Events(batch), plain());
        prop_assert_eq!(text.lines().count(), 2);
        prop_assert!(!text.replace('\n', "").contains(char::is_control));
    }

    /// Different bytes never look the same.
    #[test]
    fn different_bytes_look_different(
        a in vec(any::<u8>(), 0..8),
        b in vec(any::<u8>(), 0..8),
    ) {
        let shown = |bytes: &[u8]| {
            let mut text = String::new();
            write_harmless(bytes, &mut text);
            text
        };
        prop_assert_eq!(a == b, shown(&a) == shown(&b));
    }

    /// On a terminal only a single detail that is too long itself goes beyond the edge.
    #[test]
    fn lines_keep_to_the_width(width in 60_usize..200) {
        let style = Style { color: false, width: Some(width) };
        for line in table(&Signal::Events(support::sample()), style).lines() {
            prop_assert!(line.width() <= width.max(96), "{}", line);
        }
    }
}

/// One to three digits before the point.
#[test]
fn times_are_shown_in_a_fitting_unit() {
    for (nanos, expected) in [
        (0, "0ns"),
        (999, "999ns"),
        (1_000, "1.000us"),
        (1_234_567, "1.234ms"),
        (61_000_000_000, "61.000s"),
    ] {
        let mut text = String::new();
        write_nanoseconds(nanos, &mut text);
        assert_eq!(text, expected);
    }
}

/// A kind is worked out once, not for every batch.
#[test]
fn kinds_are_remembered() {
    let mut encoder = ConsoleEncoder::new("node-1", plain());
    let signal = Arc::new(Signal::Events(support::sample()));
    let mut first = Lines::default();
    encoder.encode(&signal, &mut first);
    let mut second = Lines::default();
    encoder.encode(&signal, &mut second);
    assert_eq!(first.bytes, second.bytes);
}
