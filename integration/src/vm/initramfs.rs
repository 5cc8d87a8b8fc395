//! The archive that a kernel unpacks into its first file system: cpio in the "newc" format
//! (`Documentation/driver-api/early-userspace/buffer-format.rst`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const FOLDER: u32 = 0o040_755;
const EXECUTABLE: u32 = 0o100_755;

/// An archive being filled; parents of what is added come by themselves.
#[derive(Debug, Default)]
pub(super) struct Initramfs {
    bytes: Vec<u8>,
    inodes: u32,
    names: BTreeSet<PathBuf>,
}

impl Initramfs {
    /// Adds an executable file at an absolute path; the first one of a name stays.
    pub(super) fn add(&mut self, path: &Path, content: &[u8]) {
        if !self.names.insert(path.to_owned()) {
            return;
        }
        let parents: Vec<_> = path
            .ancestors()
            .skip(1)
            .filter(|p| p.parent().is_some())
            .collect();
        for folder in parents.into_iter().rev() {
            if self.names.insert(folder.to_owned()) {
                self.entry(folder, FOLDER, &[]);
            }
        }
        self.entry(path, EXECUTABLE, content);
    }

    /// Ends the archive and returns its bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry(Path::new("/TRAILER!!!"), 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &Path, mode: u32, content: &[u8]) {
        self.inodes += 1;
        // Names are relative to the root.
        let mut name = path.as_os_str().as_encoded_bytes().to_vec();
        name.remove(0);
        name.push(0);
        let fields = [
            self.inodes as usize,
            mode as usize,
            0, // owner
            0, // group
            1, // links
            0, // modification time
            content.len(),
            0, // device of the file, major and minor
            0,
            0, // device that a node stands for, major and minor
            0,
            name.len(),
            0, // checksum, not used by this variant
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(&name);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scratch;
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    /// The independent reader is the `cpio` program.
    #[test]
    fn cpio_unpacks_what_was_added() {
        let mut archive = Initramfs::default();
        archive.add(Path::new("/bin/tool"), b"odd");
        archive.add(Path::new("/bin/tool"), b"second of its name");
        archive.add(Path::new("/bin/deep/er"), b"");
        let scratch = Scratch::new("cpio").unwrap();
        let file = scratch.write("archive", archive.finish()).unwrap();
        let status = Command::new("cpio")
            .args(["--extract", "--quiet"])
            .current_dir(scratch.path())
            .stdin(File::open(file).unwrap())
            .status()
            .unwrap();
        assert!(status.success());
        let tool = scratch.path().join("bin/tool");
        assert_eq!(fs::read(&tool).unwrap(), b"odd");
        assert_eq!(tool.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(
            scratch.path().join("bin/deep/er").metadata().unwrap().len(),
            0
        );
    }
}
