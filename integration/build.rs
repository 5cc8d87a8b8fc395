//! Compiles the workload's helpers: one that makes system calls by their numbers, and one with
//! threads of its own.

use std::env::var_os;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let output = PathBuf::from(var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Not position independent: its data must lie below 4 GiB.
    let bare = ["-no-pie", "-fno-pie", "-nostdlib", "-ffreestanding"];
    compile("rawcall", &bare, &output)?;
    compile("threads", &["-pthread"], &output)
}

/// Compiles a helper that runs anywhere, in containers and machines too.
fn compile(name: &str, flags: &[&str], output: &Path) -> Result<(), Box<dyn Error>> {
    let compiler = var_os("CC").unwrap_or_else(|| "cc".into());
    let source = format!("workload/{name}.c");
    let common = ["-static", "-O1", "-Wall", "-Werror"];
    let hardening = ["-fno-stack-protector", "-fcf-protection=none"];
    let status = Command::new(&compiler)
        .args(common)
        .args(hardening)
        .args(flags)
        .arg("-o")
        .arg(output.join(name))
        .arg(&source)
        .status()
        .map_err(|error| format!("cannot start {}: {error}", compiler.display()))?;
    if !status.success() {
        return Err(format!("{} could not compile {source}", compiler.display()).into());
    }
    println!("cargo::rerun-if-changed={source}");
    Ok(())
}
