//! Objects of a user's own: C files of `objects/`, compiled as their author would.

use std::env::var_os;
use std::path::Path;
use std::process::Command;

use crate::{Error, Result};

/// Compiles `objects/NAME.bpf.c` with clang and our headers at hand; `arguments` go to clang.
///
/// # Errors
/// Clang is missing, or does not compile it.
pub fn object(name: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = here.join(format!("objects/{name}.bpf.c"));
    let compiler = var_os("CLANG").unwrap_or_else(|| "clang".into());
    let output = Command::new(&compiler)
        .args(["-O2", "-g", "-mcpu=v3", "-target", "bpf"])
        .args(["-Wall", "-Werror", "-D__TARGET_ARCH_x86"])
        .arg("-I")
        .arg(here.join("../probes/include"))
        .arg("-idirafter/usr/include/x86_64-linux-gnu")
        .args(arguments)
        .arg("-c")
        .arg(&source)
        .args(["-o", "-"])
        .output()
        .map_err(Error::io("start", &compiler))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(Error::program("clang", complaint));
    }
    Ok(output.stdout)
}
