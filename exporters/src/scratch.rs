//! Folders and certificates that live as long as a test.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use rcgen::{CertifiedKey, generate_simple_self_signed};

/// A certificate for this machine and its key in files of `folder`; it vouches for
/// itself.
pub(crate) fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let files = (folder.join(name), folder.join(format!("{name}.key")));
    fs::write(&files.0, cert.pem()).unwrap();
    fs::write(&files.1, signing_key.serialize_pem()).unwrap();
    files
}

/// A folder of its own for one test, gone with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("eunomia-test-{}-{name}", process::id()));
        // A process of the same number may have been killed before it removed its own.
        drop(fs::remove_dir_all(&path));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
