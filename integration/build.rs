//! Compiles the workload's helper that makes system calls by their numbers.

use std::env::var_os;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

const SOURCE: &str = "workload/rawcall.c";

fn main() -> Result<(), Box<dyn Error>> {
    let output = PathBuf::from(var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join("rawcall");
    let compiler = var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        // Not position independent: its data must lie below 4 GiB.
        .args([
            "-static",
            "-no-pie",
            "-fno-pie",
            "-nostdlib",
            "-ffreestanding",
        ])
        .args([
            "-fno-stack-protector",
            "-fcf-protection=none",
            "-O1",
            "-Wall",
            "-Werror",
        ])
        .arg("-o")
        .arg(output)
        .arg(SOURCE)
        .status()
        .map_err(|error| format!("cannot start {}: {error}", compiler.display()))?;
    if !status.success() {
        return Err(format!("{} could not compile {SOURCE}", compiler.display()).into());
    }
    println!("cargo::rerun-if-changed={SOURCE}");
    Ok(())
}
