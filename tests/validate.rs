//! `eunomia-pipeline validate` as a user runs it: what is broken is answered with its
//! place, what was expected and what to do.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The exit code of a bad configuration.
const BAD_CONFIGURATION: i32 = 78;
const BROKEN: &str = "tests/validate/real";

/// Validates `file`, which is relative to the package, or absolute, with these further options.
fn validate(file: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_eunomia-pipeline"))
        .args(["validate", "--config"])
        .arg(file)
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("EUNOMIA_TEST_NOT_SET")
        .output()
        .unwrap()
}

/// The files below `folder` with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path, ending));
        } else if path.extension() == Some(OsStr::new(ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether `message` begins with `FILE:LINE:COLUMN: `.
fn has_place(message: &str, file: &Path) -> bool {
    let place = || {
        let rest = message.strip_prefix(file.to_str()?)?.strip_prefix(':')?;
        let (line, rest) = rest.split_once(':')?;
        let (column, _) = rest.split_once(": ")?;
        Some((line.parse::<u32>().ok()?, column.parse::<u32>().ok()?))
    };
    place().is_some_and(|(line, column)| line > 0 && column > 0)
}

/// Each broken file of real components is refused with code 78 and its place.
#[test]
fn broken_files_are_refused_with_their_place() {
    let broken = files(Path::new(BROKEN), "yaml");
    assert!(broken.len() >= 30, "only {} files", broken.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("validate/real");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for file in broken {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let output = validate(&file, &[]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(BAD_CONFIGURATION),
            "{name}: {text}"
        );
        assert!(output.stdout.is_empty(), "{name}: results of a bad file");
        // What belongs to a message is indented.
        let mut messages = text
            .lines()
            .filter(|line| !line.starts_with(' '))
            .peekable();
        assert!(messages.peek().is_some(), "{name}: no message");
        for message in messages {
            assert!(has_place(message, &file), "{name}: {message}");
        }
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

#[track_caller]
fn is_valid(file: &Path, what: &str) {
    let output = validate(file, &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{what}:\n{text}");
}

#[test]
fn the_default_is_valid() {
    is_valid(Path::new("pipeline.yaml"), "pipeline.yaml");
}

/// What an exporter will not carry is a warning like any other, for people and for programs.
#[test]
fn what_is_not_carried_is_said() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("carried.yaml");
    let text = "version: 1
receivers: { ebpf: { probes: { open: {} } } }
exporters: { csv: { path: '{event}.csv' } }
service: { pipelines: { events: { receivers: [ebpf], exporters: [csv] } } }
";
    fs::write(&scratch, text).unwrap();
    let message = "the exporter `csv` does not carry metric points";
    let output = validate(&scratch, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    let place = scratch.display();
    let expected = format!("{place}:3:14: warning: exporters.csv: {message}\n");
    assert!(said.starts_with(&expected), "{said}");
    let output = validate(&scratch, &["--format", "json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["valid"], true, "{said}");
    assert_eq!(said["diagnostics"][0]["severity"], "warning", "{said}");
    assert_eq!(said["diagnostics"][0]["path"], "exporters.csv", "{said}");
    assert_eq!(said["diagnostics"][0]["message"], message, "{said}");
}

/// A processor that stands in several pipelines may name what comes in any of them: what one receiver
/// never sends another may.
#[test]
fn a_condition_is_for_all_its_pipelines() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipelines.yaml");
    let text = "version: 1
receivers:
  ebpf: { probes: { open: {} } }
  replay: { path: of_other_objects.rec }
processors: { filter: { drop: 'event = other.object and other.attribute exists' } }
exporters: { console: {} }
service:
  pipelines:
    live: { receivers: [ebpf], processors: [filter], exporters: [console] }
    recorded: { receivers: [replay], processors: [filter], exporters: [console] }
";
    fs::write(&scratch, text).unwrap();
    is_valid(&scratch, "a condition on what a recording may have");
    let one = text.replace("[replay], processors: [filter]", "[replay]");
    fs::write(&scratch, one).unwrap();
    let output = validate(&scratch, &[]);
    assert_eq!(output.status.code(), Some(BAD_CONFIGURATION));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("unknown event `other.object`"), "{said}");
}

/// One key of all filters of a receiver has room for 1,024 values, however they are spread; what is
/// beyond is refused where it stands.
#[test]
fn filters_have_room_for_so_many_values() {
    let list = |values: Range<u32>| format!("{:?}", values.collect::<Vec<_>>());
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("values.yaml");
    for (receiver, own, refused) in [
        (0..1024, 0..1024, None),
        (0..512, 512..1024, None),
        (0..1025, 0..1, Some("4:20: receivers.ebpf.filter.pid")),
        (
            0..1,
            0..1025,
            Some("5:38: receivers.ebpf.probes.open.filter.pid"),
        ),
        (
            0..512,
            512..1025,
            Some("5:38: receivers.ebpf.probes.open.filter.pid"),
        ),
    ] {
        let text = format!(
            "version: 1
receivers:
  ebpf:
    filter: {{ pid: {} }}
    probes: {{ open: {{ filter: {{ pid: {} }} }} }}
exporters: {{ console: {{}} }}
service: {{ pipelines: {{ events: {{ receivers: [ebpf], exporters: [console] }} }} }}
",
            list(receiver),
            list(own)
        );
        fs::write(&scratch, text).unwrap();
        let Some(place) = refused else {
            is_valid(&scratch, "values that fit");
            continue;
        };
        let output = validate(&scratch, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = format!(
            "{}:{place}: the filters of this receiver have 1025 values of pid together, more than 1024\n",
            scratch.display()
        );
        assert!(said.starts_with(&expected), "{said}");
        assert_eq!(output.status.code(), Some(BAD_CONFIGURATION));
    }
}
