//! What a user can name has a page, and a probe has tests on the real kernel besides.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::fs;
use std::path::Path;
use std::process::Command;

use eunomia_integration::pipeline_binary;
use serde_json::Value;

/// Fails with all of these files that are not there, not with the first.
#[track_caller]
fn are_there(files: &[String]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let is_missing = |file: &&String| !root.join(file).is_file();
    let missing: Vec<_> = files.iter().filter(is_missing).collect();
    assert!(
        !files.is_empty() && missing.is_empty(),
        "missing: {missing:#?}"
    );
}

#[test]
fn each_component_has_its_page() {
    let output = Command::new(pipeline_binary().unwrap())
        .args(["components", "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let components: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let page = |component: &Value| {
        let kind = component["kind"].as_str().unwrap();
        let name = component["name"].as_str().unwrap();
        format!("docs/{kind}s/{name}.md")
    };
    are_there(&components.iter().map(page).collect::<Vec<_>>());
}

/// An example, all settings, and what happens when something is too much or goes wrong.
#[test]
fn the_page_of_an_exporter_has_its_parts() {
    const PARTS: [&str; 3] = [
        "```yaml\nexporters:\n",
        "\n| key | default | meaning |\n",
        "\n## Limits and failures\n\n",
    ];
    let mut missing = Vec::new();
    for page in fs::read_dir("../docs/exporters").unwrap() {
        let path = page.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let lacks = PARTS.into_iter().filter(|part| !text.contains(part));
        missing.extend(lacks.map(|part| (path.clone(), part)));
    }
    assert!(missing.is_empty(), "missing: {missing:#?}");
}

#[test]
fn each_probe_has_its_page_and_its_test() {
    let sources = fs::read_dir("../probes/src").unwrap();
    let names = sources.filter_map(|source| {
        let name = source.unwrap().file_name().into_string().unwrap();
        Some(name.strip_suffix(".bpf.c")?.to_owned())
    });
    let needed = |name: String| {
        let page = format!("docs/probes/{name}.md");
        [page, format!("integration/tests/{name}.rs")]
    };
    are_there(&names.flat_map(needed).collect::<Vec<_>>());
}
