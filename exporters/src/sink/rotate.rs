//! Files that are set aside: renamed at once, named by time and number, the
//! oldest removed. What there is is read from the folder, so a restart knows it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use eunomia_core::config::{ByteSize, Check, Duration};
use eunomia_core::time::WallNanos;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stands before the time in a file's name; in no value that a path is made of.
const MARK: u8 = b'@';
/// `20261128T031000Z`.
const STAMP: usize = 16;
/// Endings that say how a file is compressed: the one before them says what it is.
const COMPRESSED: [&[u8]; 2] = [b"gz", b"zst"];

/// When a file is set aside and a new one is begun, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RotateSettings {
    /// Bytes that a file has at most, 1KiB or more; an event that is larger has a
    /// file of its own. `0` is no limit. Default 100MiB.
    pub max_bytes: ByteSize,
    /// How long a file is written to at most, 1s or more. `0` is no limit.
    /// Default 24h.
    pub max_age: Duration,
    /// Files that are kept beside the one that is written to; the oldest is
    /// removed. `0` keeps all. Default 10.
    pub keep: u32,
}

impl Default for RotateSettings {
    fn default() -> Self {
        Self {
            max_bytes: ByteSize::mib(100),
            max_age: Duration::seconds(24 * 60 * 60),
            keep: 10,
        }
    }
}

impl RotateSettings {
    const MIN_BYTES: u64 = 1024;

    /// Refuses what makes no sense; the settings stand under `rotate`.
    pub(crate) fn check(&self, check: &mut Check<'_>) {
        if (1..Self::MIN_BYTES).contains(&self.max_bytes.0) {
            check.refuse(&["rotate", "max_bytes"], "expected 0 or 1KiB and more");
        }
        let age = self.max_age.0;
        if !age.is_zero() && age.as_secs() == 0 {
            check.refuse(&["rotate", "max_age"], "expected 0 or 1s and more");
        }
    }

    /// Bytes that a file may have.
    pub(super) fn limit(&self) -> u64 {
        match self.max_bytes.0 {
            0 => u64::MAX,
            bytes => bytes,
        }
    }

    /// Whether a file that was begun then is old.
    pub(super) fn is_old(&self, begun: SystemTime, now: SystemTime) -> bool {
        let age = now.duration_since(begun).unwrap_or_default();
        !self.max_age.0.is_zero() && age >= self.max_age.0
    }
}

/// What tells a file that was set aside from others of its path; the order is
/// that in which they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    stamp: [u8; STAMP],
    number: u32,
}

/// A path taken apart: where the mark goes.
struct Name<'a> {
    folder: &'a Path,
    stem: &'a [u8],
    ending: &'a [u8],
}

/// Renames `path`; nobody who looks sees anything between. The new name comes
/// behind those there are, even if the clock was set back. Files beyond `keep`
/// are removed, unless it is 0.
///
/// # Errors
/// That it could not be renamed, or the folder not be read.
pub(super) fn set_aside(path: &Path, now: SystemTime, keep: u32) -> io::Result<()> {
    let name = Name::of(path);
    let mut marks = name.marks()?;
    let mut mark = Mark::after(marks.last(), now);
    while let Err(error) = rename(path, &name.with(mark)) {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        mark.number += 1;
    }
    marks.push(mark);
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let too_many = marks.len().saturating_sub(keep);
    for mark in marks.iter().take(if keep == 0 { 0 } else { too_many }) {
        let old = name.with(*mark);
        if let Err(error) = fs::remove_file(&old) {
            let file = old.file_name().unwrap_or_default().display();
            tracing::warn!(%file, %error, "an old file could not be removed");
        }
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot promise it; nobody else makes such names.
        Err(Errno::INVAL | Errno::NOSYS) if !to.exists() => fs::rename(from, to),
        other => Ok(other?),
    }
}

impl Mark {
    /// The first that comes behind `last`, at `now` if that does.
    fn after(last: Option<&Self>, now: SystemTime) -> Self {
        let stamp = stamp(now);
        match last {
            Some(last) if last.stamp >= stamp => Self {
                stamp: last.stamp,
                number: last.number + 1,
            },
            _ => Self { stamp, number: 0 },
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (stamp, number) = text.split_first_chunk::<STAMP>()?;
        let is_right = stamp.iter().enumerate().all(|(at, byte)| match at {
            8 => *byte == b'T',
            15 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
        let number = match number.strip_prefix(b"-") {
            Some(digits) => number_of(digits)?,
            None if number.is_empty() => 0,
            None => return None,
        };
        is_right.then_some(Self {
            stamp: *stamp,
            number,
        })
    }
}

/// The number that stands behind a time, as it is written here: anybody may have
/// put a file there, and there has to be a next one.
fn number_of(digits: &[u8]) -> Option<u32> {
    let is_digits = digits.iter().all(u8::is_ascii_digit);
    let is_written = (1..=9).contains(&digits.len()) && is_digits && digits.first() != Some(&b'0');
    str::from_utf8(digits)
        .ok()
        .filter(|_| is_written)?
        .parse()
        .ok()
}

/// The second of `now` in UTC.
fn stamp(now: SystemTime) -> [u8; STAMP] {
    let nanos = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let mut text = [0; 30];
    WallNanos(u64::try_from(nanos).unwrap_or(u64::MAX)).write_rfc3339(&mut text);
    let mut stamp = [b'Z'; STAMP];
    let kept = text.iter().take(19).filter(|byte| !b"-:".contains(byte));
    for (slot, byte) in stamp.iter_mut().zip(kept) {
        *slot = *byte;
    }
    stamp
}

impl<'a> Name<'a> {
    fn of(path: &'a Path) -> Self {
        let name = path.file_name().unwrap_or_default().as_bytes();
        let last = |name: &[u8]| name.iter().rposition(|&byte| byte == b'.');
        let mut at = last(name).filter(|&at| at > 0).unwrap_or(name.len());
        let (stem, ending) = name.split_at(at);
        let is_compressed = COMPRESSED.contains(&ending.get(1..).unwrap_or_default());
        if let (true, Some(before)) = (is_compressed, last(stem).filter(|&at| at > 0)) {
            at = before;
        }
        let (stem, ending) = name.split_at(at);
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        Self {
            folder: folder.unwrap_or(Path::new(".")),
            stem,
            ending,
        }
    }

    fn with(&self, mark: Mark) -> PathBuf {
        let mut name = self.stem.to_vec();
        name.push(MARK);
        name.extend_from_slice(&mark.stamp);
        if mark.number > 0 {
            name.extend_from_slice(format!("-{}", mark.number).as_bytes());
        }
        name.extend_from_slice(self.ending);
        self.folder.join(OsString::from_vec(name))
    }

    /// Those that were set aside, the oldest first.
    fn marks(&self) -> io::Result<Vec<Mark>> {
        let mut marks = Vec::new();
        for entry in fs::read_dir(self.folder)? {
            marks.extend(self.mark(&entry?.file_name()));
        }
        marks.sort_unstable();
        Ok(marks)
    }

    fn mark(&self, name: &OsStr) -> Option<Mark> {
        let rest = name.as_bytes().strip_prefix(self.stem)?;
        let mark = rest.strip_suffix(self.ending)?.strip_prefix(&[MARK])?;
        Mark::parse(mark)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Mark, Name, set_aside};
    use crate::scratch::Folder;

    /// 2026-11-28T03:10:00Z.
    const START: u64 = 1_795_835_400;

    fn rotate(path: &Path, second: u64, keep: u32) {
        fs::write(path, second.to_string()).unwrap();
        set_aside(path, UNIX_EPOCH + Duration::from_secs(second), keep).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The mark stands before the ending, that of a compressed file included.
    #[test]
    fn the_mark_stands_before_the_ending() {
        let mark = Mark::parse(b"20261128T031000Z").unwrap();
        for (path, expected) in [
            ("a/events.jsonl", "a/events@20261128T031000Z.jsonl"),
            ("a/file.open.csv", "a/file.open@20261128T031000Z.csv"),
            ("events.jsonl.gz", "./events@20261128T031000Z.jsonl.gz"),
            ("/x/events.zst", "/x/events@20261128T031000Z.zst"),
            ("/x/events", "/x/events@20261128T031000Z"),
            ("/x/.hidden", "/x/.hidden@20261128T031000Z"),
        ] {
            assert_eq!(Name::of(Path::new(path)).with(mark), Path::new(expected));
        }
    }

    /// Only what this program names is counted and removed.
    #[test]
    fn other_files_are_not_marks() {
        for text in [
            "",
            "20261128",
            "20261128T031000Z-",
            "20261128T031000Zx",
            "20261128T031000Z-0",
            "20261128T031000Z-01",
            "20261128T031000Z-+1",
            "20261128T031000Z-4294967295",
        ] {
            assert_eq!(Mark::parse(text.as_bytes()), None, "{text}");
        }
        let second = Mark::parse(b"20261128T031000Z-10").unwrap();
        assert!(second > Mark::parse(b"20261128T031000Z-9").unwrap());
    }

    /// A file that somebody put there with the last of all numbers keeps nothing from being
    /// set aside.
    #[test]
    fn there_is_always_a_next_name() {
        let folder = Folder::new("rotate-number");
        let path = folder.path().join("a");
        for number in [999_999_999, u32::MAX] {
            let planted = format!("a@20261128T031000Z-{number}");
            fs::write(folder.path().join(planted), "").unwrap();
        }
        rotate(&path, START, 0);
        rotate(&path, START, 0);
        let expected = [
            "a@20261128T031000Z-1000000000",
            "a@20261128T031000Z-1000000001",
            "a@20261128T031000Z-4294967295",
            "a@20261128T031000Z-999999999",
        ];
        assert_eq!(names(folder.path()), expected);
    }

    /// The oldest go; those of another path and what a user put there stay.
    #[test]
    fn so_many_are_kept() {
        let folder = Folder::new("rotate-keep");
        let path = folder.path().join("a.csv");
        for other in ["a@mine.csv", "ab@20261128T031000Z.csv"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        for second in START..START + 4 {
            rotate(&path, second, 2);
        }
        let kept = ["a@20261128T031002Z.csv", "a@20261128T031003Z.csv"];
        let others = ["a@mine.csv", "ab@20261128T031000Z.csv"];
        assert_eq!(names(folder.path()), [kept, others].concat());
    }

    /// Several in one second, and a clock that is set back, keep the order.
    #[test]
    fn names_sort_in_the_order_of_rotation() {
        let folder = Folder::new("rotate-order");
        let path = folder.path().join("a");
        for second in [START, START, START - 60, START + 1] {
            rotate(&path, second, 0);
        }
        let expected = [
            "a@20261128T031000Z",
            "a@20261128T031000Z-1",
            "a@20261128T031000Z-2",
            "a@20261128T031001Z",
        ];
        assert_eq!(names(folder.path()), expected);
    }
}
