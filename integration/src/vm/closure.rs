//! What a program needs beside itself to run somewhere else: the libraries that `ldd` names.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result};

/// The absolute paths of the shared libraries and the loader of a program; none if it is static.
pub(super) fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .map_err(Error::io("start", "ldd"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && !complaint.contains("not a dynamic executable") {
        return Err(Error::program(
            format!("ldd {}", program.display()),
            complaint,
        ));
    }
    if let Some(line) = text.lines().find(|line| line.contains("not found")) {
        return Err(Error::program(
            format!("ldd {}", program.display()),
            line.trim(),
        ));
    }
    Ok(parse(&text))
}

/// Takes the path out of `name => /path (0x...)` and `/path (0x...)`.
fn parse(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three shapes of line that ldd writes.
    #[test]
    fn paths_are_taken_from_each_kind_of_line() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
            \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f57)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f57)\n";
        let expected = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(parse(text), expected.map(PathBuf::from));
        assert_eq!(parse("\tstatically linked\n"), Vec::<PathBuf>::new());
    }
}
