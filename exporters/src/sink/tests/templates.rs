//! Paths with attributes in them.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use eunomia_core::batch::{Batch, Made, Target as Over};
use eunomia_core::component::Host;
use eunomia_core::key::Key;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{at, plain};
use crate::scratch::Folder;
use crate::sink::files::Files;
use crate::sink::{Options, Outlet as _, Pages, Sheet, Target, Template};
use crate::support;

/// What is wrong with a path.
fn refused(path: &str) -> String {
    Target::parse(path).unwrap_err()
}

/// The files that events with these values of `a.b` go to.
fn paths(template: &str, values: &[Option<&[u8]>]) -> Vec<String> {
    let target = Target::parse(template).unwrap();
    let mut pages = Pages::new(&target, &support::host());
    let batch = named(values);
    for row in batch.iter() {
        let sheet = Sheet::default();
        pages.of_event(&row, &sheet).bytes.push(b'\n');
    }
    pages.files().into_iter().map(|(path, _)| path).collect()
}

/// Opens, each with its own value of `a.b`.
fn named(values: &[Option<&[u8]>]) -> Batch {
    let kind = support::open_kind();
    let records: Vec<_> = values
        .iter()
        .map(|_| (&kind, support::open(&kind, b"/x")))
        .collect();
    let mut batch = support::batch(&records, vec![support::subject(1, b"/bin/sh")]);
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let made: Made = batch.keep_text(value);
            batch.lay_over(index, Over::Named(Key::new("a.b")), made);
        }
    }
    batch
}

/// Values of every source, each in its place.
#[test]
fn paths_are_made_of_attributes() {
    for (template, expected) in [
        ("out/events", "out/events"),
        ("out/{event}.csv", "out/file.open.csv"),
        ("{signal}/{date}.jsonl", "events/2026-11-22.jsonl"),
        ("{host.name}/{a.b}", "node-1/web"),
        ("out/{container.runtime.name}-{a.b}", "out/docker-web"),
        ("{process.pid}", "812"),
        ("{no.such}/x", "none/x"),
    ] {
        assert_eq!(paths(template, &[Some(b"web")]), [expected], "{template}");
    }
}

/// The name of the machine may be missing, or be no name for a file.
#[test]
fn the_host_is_one_of_them() {
    for (name, expected) in [("", "none"), ("../a", "%2e.%2fa")] {
        let host = Host {
            name: name.into(),
            ..Host::default()
        };
        let target = Target::parse("{host.name}").unwrap();
        let mut pages = Pages::new(&target, &host);
        pages.only().bytes.push(b'\n');
        pages.each(|page| assert_eq!(&*page.path, expected.as_bytes()));
    }
}

/// Hostile values stay below the folder, and each has its own file.
#[test]
fn no_value_leaves_the_folder() {
    let values: [&[u8]; 10] = [
        b"../../etc/x",
        b"/",
        b"/etc/passwd",
        b"\0",
        b"",
        b".",
        b"..",
        b"a\nb",
        b"\xff\xfe",
        &[b'x'; 5000],
    ];
    let values: Vec<_> = values.into_iter().map(Some).chain([None]).collect();
    let found = paths("out/{a.b}/{a.b}-{event}.csv", &values);
    assert_eq!(found.len(), values.len());
    for path in found {
        let parts: Vec<_> = path.split('/').collect();
        let &["out", folder, name] = parts.as_slice() else {
            panic!("{path}");
        };
        assert!(!folder.starts_with('.') && !name.starts_with('.'));
        assert!(name.len() <= 255 && path.bytes().all(|byte| byte > b' '));
    }
}

/// What is wrong with a path is said in words.
#[test]
fn wrong_paths_are_refused() {
    let known = "known are {event}, {signal}, {date} and attributes such as {container.name}";
    let long = format!("{{event}}{}", "x".repeat(200));
    for (path, message) in [
        ("", "expected the path of a file"),
        ("a{event", "a `{` in a path wants its `}`"),
        ("a}b", "a `}` in a path wants its `{`"),
        ("{evnt}", known),
        ("{}", known),
        ("{event}{a.b}", "want a separator such as - between"),
        ("{event}0{a.b}", "want a separator such as - between"),
        ("out/{event}/../x", "cannot have .. behind"),
        (&*long, "at most 220 bytes"),
    ] {
        let error = refused(path);
        assert!(error.contains(message), "{path}: {error}");
    }
}

/// What no value is in is no template, and braces mean nothing where none is.
#[test]
fn a_path_without_braces_is_one_file() {
    assert!(Target::parse("../a b/x").unwrap().is_single());
    assert_eq!(Target::new("{event}").name(), "{event}");
    assert!(!Target::parse("{host.name}").unwrap().is_single());
    let template = Template::parse("/a/b/c{event}/d").unwrap();
    assert_eq!(template.folder().to_str(), Some("/a/b/"));
}

/// Folders are made, and no more files are open than may be.
#[test]
fn open_files_are_few() {
    let folder = Folder::new("open-files");
    let template = format!("{}/made/{{a.b}}/x", folder.path().display());
    let target = Target::parse(&template).unwrap();
    let options = Options {
        max_open_files: 3,
        ..plain()
    };
    let mut files = Files::new(&target, options, at(0)).unwrap();
    let values: Vec<_> = (0..20).map(|number| format!("{number}")).collect();
    let named = named(
        &values
            .iter()
            .map(|text| Some(text.as_bytes()))
            .collect::<Vec<_>>(),
    );
    for _ in 0..2 {
        let mut pages = Pages::new(&target, &support::host());
        for row in named.iter() {
            let lines = pages.of_event(&row, &Sheet::default());
            lines.bytes.extend_from_slice(b"line\n");
            lines.end_item();
        }
        files.write(&mut pages, at(0));
        pages.each(|page| assert!(page.failure.is_none()));
        assert_eq!(files.open_count(), 3);
    }
    for value in &values {
        let path = folder.path().join("made").join(value).join("x");
        assert_eq!(fs::read(path).unwrap(), b"line\nline\n");
    }
}

/// Links that somebody planted below the folder lead nowhere, be they folders or files; what was to
/// be written there is not, and says why. The folder itself may be one.
#[test]
fn links_below_the_folder_are_not_followed() {
    let folder = Folder::new("links");
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    fs::create_dir_all(other.join("file")).unwrap();
    fs::write(other.join("x"), "").unwrap();
    symlink(&other, &own).unwrap();
    let template = format!("{}/{{a.b}}/x", own.display());
    let target = Target::parse(&template).unwrap();
    let mut files = Files::new(&target, plain(), at(0)).unwrap();
    symlink(folder.path(), other.join("folder")).unwrap();
    symlink(other.join("x"), other.join("file/x")).unwrap();
    let batch = named(&[Some(b"folder"), Some(b"file"), Some(b"fine")]);
    let mut pages = Pages::new(&target, &support::host());
    for row in batch.iter() {
        let lines = pages.of_event(&row, &Sheet::default());
        lines.bytes.extend_from_slice(b"line\n");
        lines.end_item();
    }
    files.write(&mut pages, at(0));
    pages.each(|page| {
        let failure = page.failure.as_ref().map(ToString::to_string);
        match page.path.ends_with(b"/fine/x") {
            true => assert_eq!(failure, None),
            false => assert!(failure.unwrap().ends_with("; links are not followed here")),
        }
    });
    assert_eq!(fs::read(other.join("x")).unwrap(), b"");
    assert!(!folder.path().join("x").exists());
    assert_eq!(fs::read(other.join("fine/x")).unwrap(), b"line\n");
    // Nor is anything set aside there.
    fs::rename(other.join("fine"), folder.path().join("moved")).unwrap();
    symlink(folder.path().join("moved"), other.join("fine")).unwrap();
    files.tend(at(1000));
    super::holds(&folder.path().join("moved"), &[("x", "line\n")]);
}

/// Every file of one kind begins with its head, and only once.
#[test]
fn a_file_begins_with_its_head() {
    let folder = Folder::new("head");
    let template = format!("{}/{{event}}", folder.path().display());
    let target = Target::parse(&template).unwrap();
    let write = |head: &[u8], line: &[u8]| {
        let mut files = Files::new(&target, plain(), at(0)).unwrap();
        let mut pages = Pages::new(&target, &support::host());
        let sheet = Sheet {
            version: 1,
            head: Arc::from(head),
        };
        for row in named(&[None, None]).iter() {
            let lines = pages.of_event(&row, &sheet);
            lines.bytes.extend_from_slice(line);
            lines.end_item();
        }
        files.write(&mut pages, at(0));
    };
    write(b"a,b\r\n", b"1,2\r\n");
    write(b"a,b\r\n", b"3,4\r\n");
    // Another head has another file.
    write(b"a,b,c\r\n", b"5,6,7\r\n");
    let expected = [
        ("file.open", "a,b,c\r\n5,6,7\r\n5,6,7\r\n"),
        // `open` is the ending of this name.
        (
            "file@20261128T031000Z.open",
            "a,b\r\n1,2\r\n1,2\r\n3,4\r\n3,4\r\n",
        ),
    ];
    super::holds(folder.path(), &expected);
}

proptest! {
    /// Two events share a file only where all their values are the same.
    #[test]
    fn different_values_have_different_paths(values in vec(vec(any::<u8>(), 0..6), 1..30)) {
        let mut different = values.clone();
        different.sort();
        different.dedup();
        let values: Vec<_> = values.iter().map(|value| Some(&**value)).collect();
        prop_assert_eq!(paths("x/{a.b}.{event}/{a.b}", &values).len(), different.len());
    }
}
