use std::sync::Arc;

use eunomia_core::batch::{Batch, Made, SubjectIndex, Target};
use eunomia_core::key::Key;
use eunomia_core::signal::Signal;
use eunomia_core::subject::Subject;
use eunomia_core::time::BootNanos;
use proptest::collection::vec;
use proptest::prelude::*;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::columns::LEAST_WIDTH;
use super::config::{ConsoleConfig, View};
use super::encode::ConsoleEncoder;
use super::style::Style;
use super::tree::{MAX_SHOWN, Tree};
use crate::describe::{write_harmless, write_nanoseconds, write_word};
use crate::sink::Lines;
use crate::support;

const VIEWS: [View; 3] = [View::Table, View::Wide, View::Tree];

fn show(config: &ConsoleConfig, signal: &Signal, style: Style) -> String {
    let mut encoder = ConsoleEncoder::new(config, "node-1", style);
    let mut lines = Lines::default();
    if config.headers {
        encoder.write_heading(&mut lines);
    }
    encoder.encode(signal, &mut lines);
    String::from_utf8_lossy(&lines.bytes).into_owned()
}

fn table(signal: &Signal, style: Style) -> String {
    show(&ConsoleConfig::default(), signal, style)
}

fn plain() -> Style {
    Style::default()
}

fn wide(width: usize) -> Style {
    Style {
        color: false,
        width: Some(width),
    }
}

fn viewed(view: View) -> ConsoleConfig {
    ConsoleConfig {
        view,
        ..ConsoleConfig::default()
    }
}

fn chosen(columns: &[&str]) -> ConsoleConfig {
    ConsoleConfig {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        ..ConsoleConfig::default()
    }
}

/// A shell, what it started, and what that started, one event each; the last
/// one is of a process that none of them started.
fn family() -> Batch {
    let kind = support::open_kind();
    let shell = support::image(812, b"/usr/bin/sh", None);
    let child = support::image(813, b"/usr/bin/make", Some(Arc::clone(&shell)));
    let grandchild = support::image(814, b"/usr/bin/cc", Some(Arc::clone(&child)));
    let stranger = support::image(7, b"/usr/sbin/cron", None);
    let mut batch = support::batch(&[], Vec::new());
    for (index, process) in [shell, child, grandchild, stranger].into_iter().enumerate() {
        let pid = process.id.pid.0;
        batch.subjects.push(Subject {
            process: Some(process),
            ..support::subject(pid, b"/")
        });
        let time = BootNanos(1_000_000 * index as u64);
        let actor = SubjectIndex(u32::try_from(index).unwrap());
        batch.push(&kind, &support::open_by(&kind, pid, b"/a"), time, actor);
    }
    batch
}

/// Each view, in a pipe and on terminals of two sizes.
#[test]
fn views_fit_where_they_are_shown() {
    for view in VIEWS {
        for (name, style) in [("80", wide(80)), ("120", wide(120)), ("pipe", plain())] {
            let config = viewed(view);
            let name = format!("{view:?}_{name}").to_lowercase();
            let mut text = show(&config, &Signal::Events(support::sample()), style);
            text += &show(&config, &Signal::Events(family()), style);
            text += &show(&config, &Signal::Metrics(support::metrics()), style);
            insta::assert_snapshot!(name, text);
        }
    }
}

/// Columns stand as they were chosen, attributes under their names; what does
/// not exist is a dash.
#[test]
fn columns_are_chosen() {
    let columns = ["time", "event", "process.pid", "file.path", "error.type"];
    for (name, style) in [("chosen_80", wide(80)), ("chosen_pipe", plain())] {
        let mut text = show(&chosen(&columns), &Signal::Events(support::sample()), style);
        let points = ["event", "system.device", "container.id", "details"];
        text += &show(
            &chosen(&points),
            &Signal::Metrics(support::metrics()),
            style,
        );
        insta::assert_snapshot!(name, text);
    }
}

/// Columns that can't be shown are refused, each with its reason.
#[test]
fn columns_are_checked() {
    let too_many: Vec<_> = (0..33).map(|number| format!("c{number}")).collect();
    let too_many: Vec<_> = too_many.iter().map(String::as_str).collect();
    for (columns, expected) in [
        (&[][..], Some("expected 1 to 32 columns, found 0")),
        (&too_many, Some("expected 1 to 32 columns, found 33")),
        (&too_many[..32], None),
        (&["time", ""], Some("a column has no name")),
        (&["event", "event"], Some("`event` is there twice")),
        (&["details", "event"], Some("make it the last column")),
        (&["details"], None),
        (&["container.id", "no.such", "details"], None),
    ] {
        let wrong = chosen(columns).wrong_columns();
        let found = wrong.as_deref();
        let is_it = |(found, expected): (&str, &str)| found.contains(expected);
        assert_eq!(
            found.is_some(),
            expected.is_some(),
            "{columns:?}: {found:?}"
        );
        assert!(found.zip(expected).is_none_or(is_it), "{found:?}");
    }
}

/// A column of its own says that a text was cut, as the details do.
#[test]
fn cut_text_is_marked_in_a_column() {
    let kind = support::open_kind();
    let record = support::failed_open(&kind, b"../missing");
    let batch = support::batch(&[(&kind, record)], Vec::new());
    let config = chosen(&["event", "eunomia.file.raw_path"]);
    let text = show(&config, &Signal::Events(batch), plain());
    assert!(text.ends_with(" ../missing...\n"), "{text}");
}

/// Without headers the first line is an event.
#[test]
fn headers_can_be_left_out() {
    let config = ConsoleConfig {
        headers: false,
        ..ConsoleConfig::default()
    };
    let text = show(&config, &Signal::Events(support::sample()), plain());
    assert!(text.starts_with("08:00:00.123"), "{text}");
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

/// Escape sequences are ours alone; what failed is red.
#[test]
fn a_terminal_shows_colours() {
    let style = Style {
        color: true,
        width: None,
    };
    let text = table(&Signal::Events(support::sample()), style);
    insta::assert_snapshot!(text.replace('\x1b', "<ESC>"));
}

/// What a tree remembers is bounded; who was forgotten begins anew.
#[test]
fn a_tree_is_bounded() {
    let mut tree = Tree::default();
    let root = support::image(1, b"/a", None);
    let child = support::image(2, b"/b", Some(Arc::clone(&root)));
    assert_eq!((tree.depth(&root), tree.depth(&child)), (0, 1));
    for pid in 0..MAX_SHOWN {
        let pid = u32::try_from(pid + 10).unwrap();
        assert_eq!(
            tree.depth(&support::image(pid, b"/c", Some(Arc::clone(&child)))),
            2
        );
        assert!(tree.len() <= MAX_SHOWN);
    }
    assert_eq!(tree.depth(&root), 0);
    assert_eq!(tree.depth(&child), 1);
}

/// A chain of many processes is shown as deep as there is room, and whole.
#[test]
fn deep_trees_keep_to_their_column() {
    let kind = support::open_kind();
    let mut batch = support::batch(&[], Vec::new());
    let mut parent = None;
    for pid in 1..100 {
        let process = support::image(pid, b"/bin/sh", parent);
        batch.subjects.push(Subject {
            process: Some(Arc::clone(&process)),
            ..support::subject(pid, b"/")
        });
        let actor = SubjectIndex(pid - 1);
        batch.push(
            &kind,
            &support::open_by(&kind, pid, b"/a"),
            BootNanos(0),
            actor,
        );
        parent = Some(process);
    }
    for width in [30, 80, 200] {
        let text = show(
            &viewed(View::Tree),
            &Signal::Events(batch.clone()),
            wide(width),
        );
        assert!(text.contains("[99]"), "{text}");
        assert!(text.lines().all(|line| line.width() <= width), "{text}");
    }
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
    shows("e\u{301}".as_bytes(), "e\u{301}");
    shows("\u{301}e".as_bytes(), "\\u{301}e");
    shows(
        format!("e{}", "\u{301}".repeat(6)).as_bytes(),
        &format!("e{}{}", "\u{301}".repeat(4), "\\u{301}".repeat(2)),
    );
    shows("\u{3164}\u{2800}".as_bytes(), "\\u{3164}\\u{2800}");
}

/// Text that somebody may have chosen to mislead.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    const ODD: [&str; 12] = [
        "\x1b[2J",
        "\n",
        "\u{9b}31m",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "\u{301}",
        "\u{4e2d}",
        "\u{1f600}",
        "\u{200d}",
        "\u{ad}",
    ];
    let odd = (0..ODD.len()).prop_map(|index| ODD[index].as_bytes().to_vec());
    let any_char = any::<char>().prop_map(|c| c.to_string().into_bytes());
    let piece = prop_oneof![odd, any_char, vec(any::<u8>(), 0..4)];
    vec(piece, 0..64).prop_map(|pieces| pieces.concat())
}

/// What would move the cursor, or turn or hide what surrounds it.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

proptest! {
    /// Whatever files and processes are called: nothing that a terminal obeys,
    /// and no line beyond its edge.
    #[test]
    fn no_text_escapes_its_line(
        path in hostile(),
        name in hostile(),
        width in LEAST_WIDTH..200,
        view in 0..VIEWS.len(),
    ) {
        let kind = support::open_kind();
        let image = support::image(812, &name, None);
        let subject = Subject { process: Some(image), ..support::subject(812, b"/") };
        let record = support::open_by(&kind, 4_194_303, &path);
        let batch = support::batch(&[(&kind, record)], vec![subject]);
        let config = viewed(VIEWS[view]);
        let signal = Signal::Events(batch);
        let text = show(&config, &signal, wide(width));
        prop_assert!(!text.replace('\n', "").contains(is_obeyed), "{:?}", text);
        for line in text.lines() {
            prop_assert!(line.width() <= width, "{} of {}: {}", line.width(), width, line);
        }
        let piped = show(&config, &signal, plain());
        prop_assert_eq!(piped.lines().count(), 2);
        prop_assert!(!piped.replace('\n', "").contains(is_obeyed));
    }

    /// No character is followed by a flood of marks.
    #[test]
    fn marks_are_few(text in hostile()) {
        let mut shown = String::from("=");
        write_harmless(&text, &mut shown);
        let mut marks = 0;
        for c in shown.chars() {
            marks = if c.width() == Some(0) { marks + 1 } else { 0 };
            prop_assert!(marks <= 4, "{:?}", shown);
        }
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

    /// Lines of every event and point keep to the terminal, however narrow.
    #[test]
    fn lines_keep_to_the_width(width in LEAST_WIDTH..250, view in 0..VIEWS.len()) {
        let config = viewed(VIEWS[view]);
        for signal in [Signal::Events(support::sample()), Signal::Metrics(support::metrics())] {
            for line in show(&config, &signal, wide(width)).lines() {
                prop_assert!(line.width() <= width, "{}", line);
            }
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
    let mut encoder = ConsoleEncoder::new(&ConsoleConfig::default(), "node-1", plain());
    let signal = Arc::new(Signal::Events(support::sample()));
    let mut first = Lines::default();
    encoder.encode(&signal, &mut first);
    let mut second = Lines::default();
    encoder.encode(&signal, &mut second);
    assert_eq!(first.bytes, second.bytes);
}
