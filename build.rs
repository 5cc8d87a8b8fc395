//! Links the unwinder into the binary, so that it needs nothing but glibc.
//!
//! The standard library asks for `-lgcc_s`, which is a shared library of the
//! compiler's that small images do not have. A linker script of that name, found
//! first, gives it the static one that comes with every gcc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "gnu") {
        let folder = PathBuf::from(env::var("OUT_DIR")?);
        fs::write(folder.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    Ok(())
}
