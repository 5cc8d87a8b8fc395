//! Compiles every `src/*.bpf.c` and writes the table of objects that `src/lib.rs` includes; compiles
//! `idle/idle.bpf.c` beside them.
//!
//! `CLANG` and `LLVM_STRIP` name other tools than those in `PATH`. Packages that compile probes
//! of their own against our headers find them in `DEP_EUNOMIA_PROBES_INCLUDE`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const REMEDY: &str = "on Debian and Ubuntu: apt-get install clang llvm libbpf-dev linux-libc-dev";

/// One probe to compile: its name is that of its file.
struct Probe {
    name: String,
    source: PathBuf,
    object: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=idle");
    println!("cargo::rerun-if-env-changed=CLANG");
    println!("cargo::rerun-if-env-changed=LLVM_STRIP");
    println!("cargo::metadata=include={}", root.join("include").display());

    let probes = probes_in(&root.join("src"), &out)?;
    let idle = probes_in(&root.join("idle"), &out)?;
    for probe in probes.iter().chain(&idle) {
        compile(probe, &root)?;
        strip(probe)?;
    }
    fs::write(out.join("probes.rs"), table(&probes)?)?;
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

/// The probes in a folder, by name.
fn probes_in(folder: &Path, out: &Path) -> Result<Vec<Probe>, Box<dyn Error>> {
    let mut probes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let source = entry?.path();
        let file = source.file_name().unwrap_or_default().to_string_lossy();
        if let Some(name) = file.strip_suffix(".bpf.c") {
            let name = name.to_owned();
            let object = out.join(format!("{name}.bpf.o"));
            probes.push(Probe {
                name,
                source,
                object,
            });
        }
    }
    probes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(probes)
}

/// Compiles for the oldest supported kernel: `-mcpu=v4` it refuses. The objects carry source lines
/// for the verifier's log, under a path that is the same on every machine.
fn compile(probe: &Probe, root: &Path) -> Result<(), String> {
    let target = match variable("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        other => {
            return Err(format!(
                "probes are not written for the architecture {other}"
            ));
        }
    };
    let mut clang = Command::new(env::var("CLANG").unwrap_or_else(|_| "clang".to_owned()));
    clang
        .args(["-O2", "-g", "-mcpu=v3", "-target", "bpf"])
        .args(["-Wall", "-Wextra", "-Wno-unused-parameter"])
        .arg(format!("-D__TARGET_ARCH_{target}"))
        .arg(format!(
            "-fdebug-prefix-map={}=/eunomia/probes",
            root.display()
        ))
        .arg(format!("-I{}", root.join("include").display()));
    // Debian keeps <asm/types.h> in a folder of the host's architecture, which the BPF target does not search.
    for folder in ["x86_64", "aarch64"] {
        clang.arg(format!("-idirafter/usr/include/{folder}-linux-gnu"));
    }
    clang
        .arg("-c")
        .arg(&probe.source)
        .arg("-o")
        .arg(&probe.object);
    run(clang, &format!("compile {}", probe.source.display()))
}

/// Takes DWARF out and leaves BTF.
fn strip(probe: &Probe) -> Result<(), String> {
    let mut strip =
        Command::new(env::var("LLVM_STRIP").unwrap_or_else(|_| "llvm-strip".to_owned()));
    strip.arg("-g").arg(&probe.object);
    run(strip, &format!("strip {}", probe.object.display()))
}

fn run(mut command: Command, what: &str) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot {what}: {program}: {error}; {REMEDY}"))?;
    let messages = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        for line in messages.lines() {
            println!("cargo::warning={line}");
        }
        return Ok(());
    }
    let missing = messages.contains("file not found");
    let remedy = if missing {
        format!("\n{REMEDY}")
    } else {
        String::new()
    };
    Err(format!(
        "cannot {what}: {program} failed:\n{messages}{remedy}"
    ))
}

fn table(probes: &[Probe]) -> Result<String, Box<dyn Error>> {
    let mut rust = String::from("&[\n");
    for Probe { name, object, .. } in probes {
        let object = object
            .to_str()
            .ok_or("the path of the build folder is not UTF-8")?;
        writeln!(
            rust,
            "    BuiltIn {{ name: {name:?}, object: &Aligned(*include_bytes!({object:?})).0 }},"
        )?;
    }
    rust.push_str("]\n");
    Ok(rust)
}
