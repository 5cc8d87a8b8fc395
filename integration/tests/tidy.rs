//! What no compiler checks: lengths, characters, licences, dependencies, and where names stand.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MAX_LINES: usize = 600;
const MAX_BYTES: u64 = 100_000;
const MAX_PACKAGES: usize = 350;
const MAX_DIRECT: usize = 45;
const SPDX: &str = "/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */";

/// Files outside tests where a name that a probe declares may stand, each with its
/// reason. What processors add themselves is declared by no probe and needs no row.
const NAMES_ALLOWED: [(&str, &str); 0] = [];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The project's files, relative to its root: what git knows, or would add.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut files: Vec<PathBuf> = listed
        .split_terminator('\0')
        .map(PathBuf::from)
        // Deleted in the working tree is gone.
        .filter(|file| root().join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    assert!(!files.is_empty());
    files
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    let ending = file.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| endings.contains(&ending))
}

/// The files with these endings and their text.
fn texts(endings: &[&str]) -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|file| has_ending(file, endings))
        .map(|file| {
            let text = read(&file);
            (file, text)
        })
        .collect()
}

fn read(file: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// Fails with all that is wrong, not with the first.
#[track_caller]
fn nothing_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short() {
    let wrong: Vec<_> = texts(&["rs", "c", "h"])
        .iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|&(_, lines)| lines > MAX_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    nothing_of(&wrong);
}

#[test]
fn text_is_ascii() {
    let is_foreign = |(_, line): &(usize, &str)| !line.is_ascii();
    let mut wrong = Vec::new();
    for (file, text) in texts(&["rs", "c", "h", "md", "yaml"]) {
        for (number, _) in text.lines().enumerate().filter(is_foreign) {
            wrong.push(format!("{}:{}: not ASCII", file.display(), number + 1));
        }
    }
    nothing_of(&wrong);
}

#[test]
fn nothing_is_left_to_do() {
    // Taken apart, or this file would be found.
    let marks = [["FIX", "ME"], ["TO", "DO"], ["XX", "X"]].map(|halves| halves.concat());
    let is_marked = |line: &str| words(line).any(|word| marks.iter().any(|mark| mark == word));
    let mut wrong = Vec::new();
    for file in files() {
        let bytes = fs::read(root().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (number, _) in text.lines().enumerate().filter(|(_, line)| is_marked(line)) {
            wrong.push(format!("{}:{}: a mark", file.display(), number + 1));
        }
    }
    nothing_of(&wrong);
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|character: char| !character.is_ascii_alphanumeric())
}

#[test]
fn files_are_small() {
    let wrong: Vec<_> = files()
        .iter()
        .filter(|file| **file != Path::new("Cargo.lock"))
        .map(|file| (file, fs::metadata(root().join(file)).unwrap().len()))
        .filter(|&(_, bytes)| bytes > MAX_BYTES)
        .map(|(file, bytes)| format!("{}: {bytes} bytes", file.display()))
        .collect();
    nothing_of(&wrong);
}

#[test]
fn probes_say_their_licence() {
    let wrong: Vec<_> = texts(&["c", "h"])
        .iter()
        .filter(|(file, text)| file.starts_with("probes") && text.lines().next() != Some(SPDX))
        .map(|(file, _)| format!("{}: the first line is not `{SPDX}`", file.display()))
        .collect();
    nothing_of(&wrong);
}

/// The names in a manifest's tables whose title `wanted` says yes to.
fn keys_of(manifest: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut keys = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(title) = line.strip_prefix('[') {
            inside = wanted(title.trim_end_matches(']'));
        } else if inside && let Some((key, _)) = line.split_once('=') {
            let key = key.trim().trim_end_matches(".workspace");
            keys.push(key.to_owned());
        }
    }
    keys
}

fn declared_dependencies() -> Vec<String> {
    keys_of(&read("Cargo.toml"), |title| {
        title == "workspace.dependencies"
    })
}

fn is_ours(name: &str) -> bool {
    name.starts_with("eunomia-")
}

#[test]
fn dependencies_are_few() {
    let packages = read("Cargo.lock").matches("[[package]]").count();
    assert!(packages <= MAX_PACKAGES, "{packages} packages in all");
    let mut direct = declared_dependencies();
    direct.retain(|name| !is_ours(name));
    let count = direct.len();
    assert!(count > 0 && count <= MAX_DIRECT, "{count} direct ones");
}

#[test]
fn each_dependency_is_used() {
    let mut used = BTreeSet::new();
    for file in files() {
        if file.file_name() == Some(OsStr::new("Cargo.toml")) {
            let is_use =
                |title: &str| title.ends_with("dependencies") && title != "workspace.dependencies";
            used.extend(keys_of(&read(file), is_use));
        }
    }
    let wrong: Vec<_> = declared_dependencies()
        .into_iter()
        .filter(|name| !used.contains(name))
        .map(|name| format!("Cargo.toml: no crate uses {name}"))
        .collect();
    nothing_of(&wrong);
}

#[test]
fn each_dependency_has_its_reason() {
    let architecture = read("ARCHITECTURE.md");
    let is_named = |name: &str| {
        let cell = format!("`{name}`");
        let is_row = |line: &str| {
            line.strip_prefix('|')
                .and_then(|row| row.split('|').next())
                .is_some_and(|first| first.contains(&cell))
        };
        architecture.lines().any(is_row)
    };
    let wrong: Vec<_> = declared_dependencies()
        .into_iter()
        .filter(|name| !is_ours(name) && !is_named(name))
        .map(|name| format!("ARCHITECTURE.md: no row for `{name}`"))
        .collect();
    nothing_of(&wrong);
}

/// The names of events and attributes that the probes' C files declare.
fn declared_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (file, text) in texts(&["c", "h"]) {
        if file.starts_with("probes") {
            for (mark, argument) in [("ATTR(", 0), ("EVENT(", 1), ("DERIVED(", 1)] {
                names.extend(quoted_arguments(&text, mark, argument));
            }
        }
    }
    // Without a dot it is an event that never leaves the receiver.
    names.retain(|name| name.contains('.'));
    names
}

/// The texts that stand as argument number `argument` of `mark`.
fn quoted_arguments(text: &str, mark: &str, argument: usize) -> Vec<String> {
    let in_quotes = |rest: &str| {
        let chosen = rest.split(',').nth(argument)?.trim_start();
        let (name, _) = chosen.strip_prefix('"')?.split_once('"')?;
        Some(name.to_owned())
    };
    text.split(mark).skip(1).filter_map(in_quotes).collect()
}

/// The part of a Rust file that is neither comment nor test.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = code.unwrap_or_default().lines();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    lines.filter(is_code).fold(String::new(), |mut code, line| {
        code.push_str(line);
        code.push('\n');
        code
    })
}

/// Whether `name` stands in `code` and is no part of a longer name.
fn names(code: &str, name: &str) -> bool {
    let continues = |rest: &str| {
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
    };
    let is_within = |before: &str| {
        before.ends_with(|last: char| last.is_ascii_alphanumeric() || "_.".contains(last))
    };
    let is_found = |at: usize| {
        let (before, rest) = code.split_at(at);
        let (_, after) = rest.split_at(name.len());
        !is_within(before) && !continues(after)
    };
    code.match_indices(name).any(|(at, _)| is_found(at))
}

fn is_test(file: &Path) -> bool {
    let folders = ["tests", "benches", "examples", "integration"];
    let is_one = |part: &OsStr| part.to_str().is_some_and(|part| folders.contains(&part));
    file.file_name() == Some(OsStr::new("tests.rs")) || file.iter().any(is_one)
}

#[test]
fn what_probes_declare_is_not_named_in_rust() {
    let declared = declared_names();
    assert!(declared.len() > 20, "only {declared:?}");
    let is_allowed = |file: &Path| {
        let mut rows = NAMES_ALLOWED.iter();
        rows.any(|&(allowed, _)| Path::new(allowed) == file)
    };
    let mut wrong = Vec::new();
    for (file, text) in texts(&["rs"]) {
        if is_test(&file) || is_allowed(&file) {
            continue;
        }
        let code = code_of(&text);
        for name in declared.iter().filter(|name| names(&code, name)) {
            wrong.push(format!("{}: names {name}", file.display()));
        }
    }
    nothing_of(&wrong);
}

/// The search itself finds what it must, and no more.
#[test]
fn a_name_is_found_whole() {
    assert!(names("x = \"process.exec\";", "process.exec"));
    assert!(names("process.exec. Then", "process.exec"));
    assert!(!names("process.executable.name", "process.exec"));
    assert!(!names("process.exec.path", "process.exec"));
    assert!(!names("eunomia.process.exec", "process.exec"));
    let declared = "EVENT(open_event, \"file.open\"); __u32 a ATTR(\"file.mode\") UNIT(\"1\");";
    assert_eq!(quoted_arguments(declared, "EVENT(", 1), ["file.open"]);
    assert_eq!(quoted_arguments(declared, "ATTR(", 0), ["file.mode"]);
    assert_eq!(code_of("a\n  // b\n#[cfg(test)]\nmod tests {\nc\n"), "a\n");
}
