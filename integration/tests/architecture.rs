//! Which crate may know which: a new arrow fails here until someone edits the table.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// What each crate is built on, of the crates of this workspace. Siblings never
/// know each other, nobody knows the binary, and `integration` only runs it.
const ARROWS: [(&str, &[&str]); 7] = [
    ("eunomia-core", &[]),
    ("eunomia-exporters", &["eunomia-core"]),
    ("eunomia-integration", &[]),
    (
        "eunomia-pipeline",
        &[
            "eunomia-core",
            "eunomia-exporters",
            "eunomia-processors",
            "eunomia-receivers",
        ],
    ),
    ("eunomia-probes", &[]),
    ("eunomia-processors", &["eunomia-core"]),
    ("eunomia-receivers", &["eunomia-core", "eunomia-probes"]),
];

/// What tests and benches know besides: those of the binary write records as the
/// built-in objects do.
const TEST_ARROWS: [(&str, &[&str]); 1] = [("eunomia-pipeline", &["eunomia-probes"])];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let Value::Array(packages) = metadata["packages"].take() else {
        unreachable!("cargo metadata lists packages");
    };
    packages
}

/// The dependencies between the workspace's crates of which `wanted` says yes.
fn arrows(wanted: impl Fn(&Value) -> bool) -> BTreeMap<String, Vec<String>> {
    let packages = packages();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let members: Vec<String> = packages.iter().map(name).collect();
    let known = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let mut known: Vec<String> = dependencies
            .filter(|dependency| wanted(&dependency["kind"]))
            .map(name)
            .filter(|name| members.contains(name))
            .collect();
        known.sort();
        known
    };
    packages
        .iter()
        .map(|package| (name(package), known(package)))
        .collect()
}

fn table(rows: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    rows.iter()
        .map(|&(name, known)| (name.to_owned(), owned(known)))
        .collect()
}

#[test]
fn crates_know_what_the_table_says() {
    // A build script's dependencies are arrows like any other.
    assert_eq!(arrows(|kind| kind != "dev"), table(&ARROWS));
}

#[test]
fn tests_know_what_the_table_says() {
    let mut found = arrows(|kind| kind == "dev");
    found.retain(|_, known| !known.is_empty());
    assert_eq!(found, table(&TEST_ARROWS));
}

#[test]
fn nothing_is_published() {
    for package in packages() {
        let open = package["publish"] != Value::Array(Vec::new());
        assert!(!open, "{} lacks `publish = false`", package["name"]);
    }
}
