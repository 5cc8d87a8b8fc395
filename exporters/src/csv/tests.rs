use std::sync::Arc;

use eunomia_core::batch::{Batch, Made, Target};
use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::schema::EventSchema;
use eunomia_core::signal::Signal;
use proptest::collection::vec;
use proptest::prelude::*;

use super::CsvEncoder;
use super::encode::MAX_KINDS;
use crate::sink::{Pages, Target as Files};
use crate::support;

/// The files that `batch` makes, heads included, by the names of their events.
fn files(encoder: &mut CsvEncoder, batch: Batch) -> Vec<(String, String)> {
    let mut pages = Pages::new(&Files::parse("{event}").unwrap(), &support::host());
    encoder.encode(&Signal::Events(batch), &mut pages);
    let text =
        |(path, bytes): (String, Vec<u8>)| (path, str::from_utf8(&bytes).unwrap().to_owned());
    pages.files().into_iter().map(text).collect()
}

fn encode(batch: Batch) -> Vec<(String, String)> {
    files(&mut CsvEncoder::new(&support::host(), true), batch)
}

/// Records as another reader sees them.
fn read(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let records = reader.records().map(|record| record.unwrap());
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

/// The value of `column` in the only record of the only file.
fn value(batch: Batch, column: &str) -> String {
    let files = encode(batch);
    let records = read(&files.first().unwrap().1);
    let [head, record] = records.as_slice() else {
        panic!("{records:?}");
    };
    let at = head.iter().position(|name| name == column).unwrap();
    record.get(at).unwrap().clone()
}

/// Only ASCII, as the files of this project are, and line ends for the eye.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | ' '..='~' => c.to_string(),
        '\r' => "<CR>".to_owned(),
        _ => format!("<U+{:04X}>", u32::from(c)),
    };
    text.chars().map(shown).collect()
}

/// Every shape of value, text that is not UTF-8, a list that breaks, text in
/// quotes, columns of processors.
#[test]
fn events_are_records_of_their_kind() {
    let files = encode(support::sample());
    let shown = |(name, text): &(String, String)| format!("--- {name}\n{}", visible(text));
    insta::assert_snapshot!(files.iter().map(shown).collect::<String>());
}

/// A head has as many columns as each of its records, ended by CR LF.
#[test]
fn records_are_as_long_as_their_head() {
    for (name, text) in encode(support::sample()) {
        let records = read(&text);
        let length = records.first().unwrap().len();
        assert!(
            records.iter().all(|record| record.len() == length),
            "{name}"
        );
        assert!(text.ends_with("\r\n"));
    }
}

/// A host without a name, and an actor of whom nothing is known, leave columns
/// empty.
#[test]
fn what_does_not_exist_is_empty() {
    let kind = support::open_kind();
    let batch = support::batch(&[(&kind, support::open(&kind, b""))], Vec::new());
    let mut encoder = CsvEncoder::new(&Host::default(), true);
    let text = files(&mut encoder, batch).remove(0).1;
    let record = text.lines().nth(1).unwrap();
    assert!(record.contains(",file.open,,812,"), "{record}");
    // A path that is empty exists.
    assert!(record.contains(",cat,,\"\",,,"), "{record}");
    assert!(record.ends_with(&",".repeat(17)), "{record}");
}

/// What a processor adds beyond the columns is in the last.
#[test]
fn attributes_without_a_column_are_in_the_last() {
    let kind = support::open_kind();
    let mut batch = support::batch(
        &[(&kind, support::open(&kind, b"/x"))],
        vec![support::subject(1, b"/bin/sh")],
    );
    let label = batch.keep_text(b"a\"b");
    batch.lay_over(0, Target::Named(Key::new("k8s.pod.label.app")), label);
    batch.lay_over(0, Target::Named(Key::new("a.b")), Made::Uint(7));
    assert_eq!(
        value(batch.clone(), "attributes"),
        r#"{"k8s.pod.label.app":"a\"b","a.b":7}"#
    );
    assert_eq!(value(batch, "process.executable.name"), "sh");
}

/// What a processor lays over an attribute stands in its column, also when the
/// event before it has the same actor.
#[test]
fn values_that_were_replaced_are_written() {
    let kind = support::open_kind();
    let record = || (&kind, support::open(&kind, b"/x"));
    let mut batch = support::batch(&[record(), record()], vec![support::subject(1, b"/bin/sh")]);
    let name = batch.keep_text(b"other");
    batch.lay_over(1, Target::Named(Key::new("container.id")), name);
    let path = kind.position("file.path").unwrap();
    let path = Target::Attribute(u16::try_from(path).unwrap());
    batch.lay_over(1, path, Made::Removed);
    let text = encode(batch).remove(0).1;
    let second = text.lines().nth(2).unwrap();
    assert!(second.contains(",other,"), "{second}");
    assert!(!second.contains("/x"), "{second}");
}

/// Text that is not UTF-8, laid over a number: the number's column shows it,
/// and the exact bytes have no column of their own.
#[test]
fn text_in_place_of_a_number_keeps_its_bytes() {
    let kind = support::open_kind();
    let mut batch = support::batch(
        &[(&kind, support::open(&kind, b"/x"))],
        vec![support::subject(1, b"/bin/sh")],
    );
    let fd = kind.position("eunomia.file.fd").unwrap();
    let text = batch.keep_text(b"a\xff");
    batch.lay_over(0, Target::Attribute(u16::try_from(fd).unwrap()), text);
    assert_eq!(value(batch.clone(), "eunomia.file.fd"), "a\u{fffd}");
    assert_eq!(
        value(batch, "attributes"),
        r#"{"eunomia.file.fd_raw":"61ff"}"#
    );
}

/// Two kinds of one name with different columns are never in one file; the same
/// schema read again is no other kind.
#[test]
fn another_version_of_a_kind_has_another_file() {
    let old = support::Kind::with_header("file.open")
        .text("file.path")
        .schema();
    let new = support::Kind::with_header("file.open")
        .text("file.path")
        .number("eunomia.more")
        .schema();
    let again: Arc<EventSchema> = Arc::new((*old).clone());
    let record = |schema: &EventSchema, more: bool| {
        let mut cells = support::header(1, b"x");
        cells.push(support::Cell::Text(b"/x"));
        cells.extend(more.then_some(support::Cell::U32(5)));
        support::record(schema, &cells)
    };
    let records = [
        (&old, record(&old, false)),
        (&new, record(&new, true)),
        (&again, record(&again, false)),
    ];
    let files = encode(support::batch(&records, Vec::new()));
    let names: Vec<_> = files.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["file.open", "file.open+2"]);
    let lines = |index: usize| files.get(index).unwrap().1.lines().count();
    assert_eq!((lines(0), lines(1)), (3, 2));
}

/// Kinds are forgotten where there are too many, and no other columns come to their files.
#[test]
fn kinds_are_bounded() {
    let kind = |name: &str| support::Kind::with_header(name).text("file.path").schema();
    let record = |schema: &EventSchema| {
        let mut cells = support::header(1, b"x");
        cells.push(support::Cell::Text(b"/x"));
        support::record(schema, &cells)
    };
    let mut encoder = CsvEncoder::new(&support::host(), true);
    let mut name_of = |schema: &Arc<EventSchema>| {
        let batch = support::batch(&[(schema, record(schema))], Vec::new());
        let name = files(&mut encoder, batch).remove(0).0;
        (name, encoder.kinds.len())
    };
    for number in 0..=MAX_KINDS {
        let name = format!("kind.{number}");
        assert_eq!(name_of(&kind(&name)), (name, number + 1));
    }
    // One beyond; the file of the first may be open with other columns.
    assert_eq!(name_of(&kind("kind.0")), ("kind.0+2".into(), 1));
    assert_eq!(name_of(&kind("kind.new")), ("kind.new+2".into(), 2));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text that was escaped, as docs/exporters/csv.md says.
fn unescaped(text: &str) -> &str {
    text.strip_prefix('\'').unwrap_or(text)
}

fn open(path: &[u8]) -> Batch {
    let kind = support::open_kind();
    support::batch(&[(&kind, support::open(&kind, path))], Vec::new())
}

proptest! {
    /// Any bytes come back from another reader: as text, or as hex beside it.
    #[test]
    fn any_text_survives(path in vec(any::<u8>(), 0..64)) {
        let text = value(open(&path), "file.path");
        prop_assert_eq!(unescaped(&text), String::from_utf8_lossy(&path));
        let is_exact = str::from_utf8(&path).is_ok();
        let raw = if is_exact { String::new() } else { hex(&path) };
        prop_assert_eq!(value(open(&path), "file.path_raw"), raw);
    }

    /// So does text full of what CSV and spreadsheets treat in a way of their own.
    #[test]
    fn any_characters_survive(path in "[=+@'\"\t\r\n,;a\u{2028}-]{0,20}") {
        let text = value(open(path.as_bytes()), "file.path");
        prop_assert_eq!(unescaped(&text), &path);
        let first = text.bytes().next().unwrap_or(b'a');
        prop_assert!(!b"=+-@\t\r\n".contains(&first), "{text:?}");
    }

    /// Arguments come back as a JSON array, exact bytes beside it.
    #[test]
    fn any_arguments_survive(args in vec(vec(1..=255_u8, 0..12), 0..6)) {
        let kind = support::exec_kind();
        let bytes: Vec<u8> = args.iter().flat_map(|arg| [arg, &b"\0"[..]].concat()).collect();
        let batch = support::batch(&[(&kind, support::exec(&kind, &bytes))], Vec::new());
        let list = value(batch.clone(), "process.command_args");
        let list: Vec<String> = serde_json::from_str(&list).unwrap();
        let expected: Vec<_> = args.iter().map(|arg| String::from_utf8_lossy(arg)).collect();
        prop_assert_eq!(list, expected);
        let raw = value(batch, "process.command_args_raw");
        let broken = |arg: &Vec<u8>| str::from_utf8(arg).is_err().then(|| hex(arg));
        if args.iter().all(|arg| broken(arg).is_none()) {
            prop_assert_eq!(raw, "");
        } else {
            let raw: Vec<Option<String>> = serde_json::from_str(&raw).unwrap();
            prop_assert_eq!(raw, args.iter().map(broken).collect::<Vec<_>>());
        }
    }

    /// Whatever bytes a record is made of, the reader sees as many columns as
    /// there are, and the encoder does not break.
    #[test]
    fn any_record_is_a_record(bytes in vec(any::<u8>(), 0..400)) {
        for kind in [support::exec_kind(), support::open_kind(), support::connect_kind(), support::odd_kind()] {
            let records = [(&kind, bytes.clone()), (&kind, bytes.clone())];
            let batch = support::batch(&records, vec![support::subject(1, &bytes)]);
            for (_, text) in encode(batch) {
                let records = read(&text);
                prop_assert_eq!(records.len(), 3);
                let length = records.iter().map(Vec::len).collect::<Vec<_>>();
                prop_assert!(length.iter().all(|one| length.first() == Some(one)));
            }
        }
    }
}
