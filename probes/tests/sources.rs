//! The C sources: they compile without a warning, for every architecture, in one style.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

const HEADERS: &str = "/include";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name ends so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{} has no *{ending}", folder.display());
    found
}

/// What is compiled for the kernel.
fn sources() -> Vec<PathBuf> {
    let folders = ["src", "idle"].map(|folder| files(&root().join(folder), ".bpf.c"));
    folders.concat()
}

/// Compiles a C file to nowhere, with warnings as errors.
fn compile(source: &Path, architecture: &str) -> Output {
    let mut clang = Command::new(env::var("CLANG").unwrap_or_else(|_| "clang".to_owned()));
    clang
        .args([
            "-O2",
            "-g",
            "-mcpu=v3",
            "-target",
            "bpf",
            "-c",
            "-o",
            "/dev/null",
        ])
        .args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"])
        .arg(format!("-D__TARGET_ARCH_{architecture}"))
        .arg(format!("-I{}{HEADERS}", root().display()));
    for folder in ["x86_64", "aarch64"] {
        clang.arg(format!("-idirafter/usr/include/{folder}-linux-gnu"));
    }
    clang.arg(source).output().unwrap()
}

#[track_caller]
fn compiles(source: &Path, architecture: &str) {
    let output = compile(source, architecture);
    let messages = String::from_utf8_lossy(&output.stderr);
    let silent = output.status.success() && messages.is_empty();
    assert!(
        silent,
        "{} for {architecture}:\n{messages}",
        source.display()
    );
}

/// Objects for arm64 can't be loaded here, so compiling them is what is tried.
#[test]
fn probes_compile_for_both_architectures() {
    for source in sources() {
        compiles(&source, "x86");
        compiles(&source, "arm64");
    }
}

/// An architecture that nobody wrote a header for is named as the error.
#[test]
fn other_architectures_are_refused() {
    let output = compile(&root().join("src/open.bpf.c"), "riscv");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        messages.contains("compile with -D__TARGET_ARCH_x86"),
        "{messages}"
    );
}

/// The example in the header's first comment is a probe.
#[test]
fn the_example_in_the_header_compiles() {
    let header = fs::read_to_string(root().join("include/eunomia.h")).unwrap();
    let (_, comment) = header.split_once("submits:\n").unwrap();
    let (example, _) = comment.split_once("*/").unwrap();
    let code = example.lines().map(|line| line.trim_start_matches(" *"));
    let code = code.collect::<Vec<_>>().join("\n");
    let source =
        format!("#include \"eunomia.h\"\n{code}\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("example.bpf.c");
    fs::write(&path, source).unwrap();
    compiles(&path, "x86");
    compiles(&path, "arm64");
}

/// A file is small enough to be read at once.
#[test]
fn files_have_at_most_170_lines() {
    let mut all = sources();
    all.extend(files(&root().join("include"), ".h"));
    for path in all {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 170, "{} has {lines} lines", path.display());
    }
}

/// Every file says under which licence it may be used.
#[test]
fn files_name_their_licence() {
    let mut all = sources();
    all.extend(files(&root().join("include"), ".h"));
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        let named = text.starts_with("/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */\n");
        assert!(named, "{}", path.display());
    }
}
