mod delivery;
mod files;
mod templates;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eunomia_core::queue::WhenFull;

use super::files::Files;
use super::{Lines, Options, Pages, Target};
use crate::support;

/// 2026-11-28T03:10:00Z.
const START: u64 = 1_795_835_400;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(START + seconds)
}

fn plain() -> Options {
    Options::plain(WhenFull::DropNewest)
}

/// Files below a folder, without the thread in between.
struct Writing {
    target: Target,
    files: Files,
}

impl Writing {
    fn new(path: &Path, options: Options, now: SystemTime) -> Self {
        let target = Target::of(path.to_str().unwrap());
        Self {
            files: Files::new(&target, options, now).unwrap(),
            target,
        }
    }

    /// Writes these lines at once; what was not written is told.
    fn write(&mut self, lines: &[&str], now: SystemTime) -> Option<String> {
        let mut pages = Pages::new(&self.target, &support::host());
        fill(pages.only(), lines);
        self.files.write(&mut pages, now);
        let mut failure = None;
        pages.each(|page| failure = page.failure.take().map(|error| error.to_string()));
        failure
    }
}

fn fill(lines: &mut Lines, texts: &[&str]) {
    for text in texts {
        lines.bytes.extend_from_slice(text.as_bytes());
        lines.bytes.push(b'\n');
        lines.end_item();
    }
}

/// The files in a folder with their contents, in the order of their names.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap();
        files.push((name.to_owned(), fs::read(&path).unwrap()));
    }
    files.sort();
    files
}

#[track_caller]
fn holds(folder: &Path, expected: &[(&str, &str)]) {
    let found = contents(folder);
    let found: Vec<_> = found
        .iter()
        .map(|(name, bytes)| (&**name, str::from_utf8(bytes).unwrap()))
        .collect();
    assert_eq!(found, expected);
}
