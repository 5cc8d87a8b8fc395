//! Files as they come to be: rotation, compression, what others do with them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use eunomia_core::config::{ByteSize, Duration};
use flate2::read::MultiGzDecoder;
use proptest::prelude::*;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Writing, at, contents, fill, holds, plain};
use crate::compress::Compression;
use crate::scratch::Folder;
use crate::sink::file::OpenFile;
use crate::sink::files::Files;
use crate::sink::place::Place;
use crate::sink::{Fsync, Options, Pages, RotateSettings, Target};
use crate::support;

fn rotating(max_bytes: u64, max_age: u64, keep: u32) -> Options {
    Options {
        rotate: Some(RotateSettings {
            max_bytes: ByteSize(max_bytes),
            max_age: Duration::seconds(max_age),
            keep,
        }),
        ..plain()
    }
}

fn compressed(compression: Compression) -> Options {
    Options {
        compression,
        ..plain()
    }
}

/// A file never has more than it may, and a line is never in two files.
#[test]
fn a_full_file_is_set_aside() {
    let folder = Folder::new("rotate-size");
    let path = folder.path().join("a.csv");
    let mut writing = Writing::new(&path, rotating(8, 0, 0), at(0));
    assert_eq!(writing.write(&["one", "two", "three"], at(0)), None);
    assert_eq!(writing.write(&["4"], at(1)), None);
    let expected = [
        ("a.csv", "three\n4\n"),
        ("a@20261128T031000Z.csv", "one\ntwo\n"),
    ];
    holds(folder.path(), &expected);
}

/// A line that is larger than a file may be has one of its own.
#[test]
fn a_large_line_has_a_file_of_its_own() {
    let folder = Folder::new("rotate-large");
    let path = folder.path().join("a");
    let mut writing = Writing::new(&path, rotating(4, 0, 0), at(0));
    assert_eq!(
        writing.write(&["much too long", "a", "b", "c"], at(0)),
        None
    );
    let expected = [
        ("a", "c\n"),
        ("a@20261128T031000Z", "much too long\n"),
        ("a@20261128T031000Z-1", "a\nb\n"),
    ];
    holds(folder.path(), &expected);
}

/// An old file is set aside, also when nothing comes any more; an empty one is
/// left alone.
#[test]
fn an_old_file_is_set_aside() {
    let folder = Folder::new("rotate-age");
    let path = folder.path().join("a");
    let mut writing = Writing::new(&path, rotating(0, 60, 0), at(0));
    writing.files.tend(at(100));
    holds(folder.path(), &[("a", "")]);
    writing.write(&["1"], at(100));
    writing.files.tend(at(159));
    holds(folder.path(), &[("a", "1\n")]);
    writing.files.tend(at(160));
    holds(folder.path(), &[("a@20261128T031240Z", "1\n")]);
    writing.write(&["2"], at(161));
    writing.write(&["3"], at(221));
    let expected = [
        ("a", "3\n"),
        ("a@20261128T031240Z", "1\n"),
        ("a@20261128T031341Z", "2\n"),
    ];
    holds(folder.path(), &expected);
}

/// What somebody put where the file was is not set aside for its age.
#[test]
fn only_the_own_file_is_set_aside() {
    let folder = Folder::new("rotate-other");
    let path = folder.path().join("a");
    let mut writing = Writing::new(&path, rotating(0, 60, 0), at(0));
    writing.write(&["1"], at(0));
    fs::rename(&path, folder.path().join("b")).unwrap();
    fs::write(&path, "other\n").unwrap();
    writing.files.tend(at(100));
    holds(folder.path(), &[("a", "other\n"), ("b", "1\n")]);
}

/// After a restart the file goes on where it was, and the old ones count.
#[test]
fn a_restart_knows_what_there_is() {
    let folder = Folder::new("rotate-restart");
    let path = folder.path().join("a");
    for second in 0..4 {
        let mut writing = Writing::new(&path, rotating(4, 0, 2), at(second));
        writing.write(&["1", "2", "3"], at(second));
    }
    let expected = [
        ("a", "2\n3\n"),
        ("a@20261128T031002Z-1", "1\n2\n"),
        ("a@20261128T031003Z", "3\n1\n"),
    ];
    holds(folder.path(), &expected);
}

/// A file that was moved away, removed or emptied is begun anew.
#[test]
fn others_may_move_the_file() {
    let folder = Folder::new("moved");
    let path = folder.path().join("a");
    let moved = folder.path().join("b");
    let mut writing = Writing::new(&path, plain(), at(0));
    writing.write(&["1"], at(0));
    fs::rename(&path, &moved).unwrap();
    writing.write(&["2"], at(0));
    holds(folder.path(), &[("a", "2\n"), ("b", "1\n")]);
    fs::remove_file(&path).unwrap();
    writing.write(&["3"], at(0));
    fs::write(&path, "").unwrap();
    writing.write(&["4"], at(0));
    holds(folder.path(), &[("a", "4\n"), ("b", "1\n")]);
}

/// When it is told to, it lets go of the file before there is something to write.
#[test]
fn a_file_is_let_go_of() {
    let folder = Folder::new("reopen");
    let path = folder.path().join("a");
    let mut writing = Writing::new(&path, plain(), at(0));
    writing.write(&["1"], at(0));
    let is_open = || {
        let links = fs::read_dir("/proc/self/fd").unwrap();
        let mut targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
        targets.any(|target| target == path)
    };
    assert!(is_open());
    writing.files.reopen();
    assert!(!is_open());
    writing.write(&["2"], at(0));
    holds(folder.path(), &[("a", "1\n2\n")]);
}

/// A line that was cut by a crash does not run into the next one.
#[test]
fn a_file_that_ends_in_half_a_line_is_set_aside() {
    let folder = Folder::new("torn-line");
    let path = folder.path().join("a");
    fs::write(&path, "whole\nhal").unwrap();
    Writing::new(&path, plain(), at(0)).write(&["1"], at(0));
    let expected = [("a", "1\n"), ("a@20261128T031000Z", "whole\nhal")];
    holds(folder.path(), &expected);
}

/// What is no file is never renamed, whatever was written to it.
#[test]
fn a_device_is_not_set_aside() {
    let folder = Folder::new("rotate-device");
    let path = folder.path().join("null");
    symlink("/dev/null", &path).unwrap();
    let mut writing = Writing::new(&path, rotating(4, 1, 0), at(0));
    for second in 0..4 {
        assert_eq!(writing.write(&["1", "2", "3"], at(second)), None);
        writing.files.tend(at(second));
    }
    assert_eq!(contents(folder.path()).len(), 1);
    assert!(path.is_symlink());
}

/// Where nothing can be set aside, writing goes on in the old file.
#[test]
fn a_file_that_cannot_be_set_aside_grows() {
    let folder = Folder::new("rotate-fails");
    let file = File::create(folder.path().join("a")).unwrap();
    // In this folder nothing can be renamed.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut writing = Writing::new(Path::new(&path), rotating(4, 0, 0), at(0));
    assert_eq!(writing.write(&["1", "2", "3"], at(0)), None);
    assert_eq!(writing.write(&["4"], at(0)), None);
    holds(folder.path(), &[("a", "1\n2\n3\n4\n")]);
}

/// When what was written is on the disk: never for certain, after a while, at once.
#[test]
fn the_disk_is_waited_for_as_it_is_configured() {
    for (fsync, written, tended) in [
        (Fsync::Never, 1, 1),
        (Fsync::Interval, 1, 0),
        (Fsync::Batch, 0, 0),
    ] {
        let folder = Folder::new(&format!("fsync-{fsync:?}"));
        let options = Options { fsync, ..plain() };
        let mut writing = Writing::new(&folder.path().join("a"), options, at(0));
        assert_eq!(writing.write(&["1"], at(0)), None);
        assert_eq!(writing.files.dirty_count(), written, "{fsync:?}");
        writing.files.tend(at(1));
        assert_eq!(writing.files.dirty_count(), tended, "{fsync:?}");
    }
}

/// What the disk may not have counts as not written, for the reason that it gives: a disk
/// that is full at the end is a full one.
#[test]
fn a_disk_that_does_not_take_it_says_why() {
    // A file of which the kernel says that it cannot be synchronised: EINVAL.
    let target = Target::of("/proc/thread-self/comm");
    let options = Options {
        fsync: Fsync::Batch,
        ..plain()
    };
    let mut files = Files::new(&target, options, at(0)).unwrap();
    let mut pages = Pages::new(&target, &support::host());
    fill(pages.only(), &["1"]);
    files.write(&mut pages, at(0));
    pages.each(|page| {
        let kind = page.failure.as_ref().map(io::Error::kind);
        assert_eq!((kind, page.written), (Some(ErrorKind::InvalidInput), 0));
    });
}

/// What the disk has not taken is taken back, and is not there twice when it is written again.
#[test]
fn what_is_not_on_the_disk_is_taken_back() {
    let folder = Folder::new("unsynced");
    let path = folder.path().join("a");
    fs::write(&path, "old\n").unwrap();
    let mut file = OpenFile::open(&Place::of(&path), at(0)).unwrap();
    for (line, is_synced) in [("1\n", true), ("2\n", false)] {
        file.append(line.as_bytes()).unwrap();
        if is_synced {
            file.sync().unwrap();
        }
    }
    assert!(file.take_back_unsynced());
    assert_eq!(fs::read(&path).unwrap(), b"old\n1\n");
}

/// A pipe that somebody planted below the folder of a path with values is not waited for.
#[test]
fn a_planted_pipe_is_refused() {
    let folder = Folder::new("fifo");
    let path = folder.path().join("a");
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let place = Place::beneath(folder.path(), &path).unwrap();
    let error = place.open(OpenOptions::new().append(true)).unwrap_err();
    assert_eq!(error.to_string(), "it is a pipe that nobody reads");
}

fn read(path: &Path, compression: Compression) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let mut text = Vec::new();
    match compression {
        Compression::None => return bytes,
        // What is torn at the end is not read; what stands before it is.
        Compression::Gzip => drop(MultiGzDecoder::new(&*bytes).read_to_end(&mut text)),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(&*bytes).unwrap();
            drop(decoder.read_to_end(&mut text));
        }
    }
    text
}

/// Every write is a whole frame: a file that was cut off is read up to there,
/// and what comes after a restart is in another file.
#[test]
fn frames_are_read_up_to_where_they_were_cut() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let folder = Folder::new(&format!("frames-{compression:?}"));
        let path = folder.path().join("a");
        let mut writing = Writing::new(&path, compressed(compression), at(0));
        writing.write(&["1", "2"], at(0));
        writing.write(&["3"], at(0));
        assert_eq!(read(&path, compression), b"1\n2\n3\n");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(read(&path, compression).starts_with(b"1\n2\n"));
        Writing::new(&path, compressed(compression), at(1)).write(&["4"], at(1));
        assert_eq!(read(&path, compression), b"4\n");
        let aside = folder.path().join("a@20261128T031001Z");
        assert_eq!(fs::read(aside).unwrap(), &whole[..whole.len() - 1]);
    }
}

/// A compressed file that was closed here is continued.
#[test]
fn a_compressed_file_is_continued() {
    let folder = Folder::new("frames-continued");
    let path = folder.path().join("a");
    let mut writing = Writing::new(&path, compressed(Compression::Zstd), at(0));
    writing.write(&["1"], at(0));
    writing.files.reopen();
    writing.write(&["2"], at(0));
    assert_eq!(read(&path, Compression::Zstd), b"1\n2\n");
    assert_eq!(contents(folder.path()).len(), 1);
}

/// A compressed file has no more than it may, a frame is never in two.
#[test]
fn a_frame_is_never_split() {
    let folder = Folder::new("frames-rotated");
    let path = folder.path().join("a.gz");
    let options = Options {
        compression: Compression::Gzip,
        ..rotating(60, 0, 0)
    };
    let mut writing = Writing::new(&path, options, at(0));
    for number in 0..10 {
        writing.write(&[&format!("line {number}")], at(number));
    }
    let files = contents(folder.path());
    assert!(files.len() > 2 && files.iter().all(|(_, bytes)| bytes.len() <= 60));
    let lines: usize = files
        .iter()
        .map(|(name, _)| read(&folder.path().join(name), Compression::Gzip))
        .map(|text| text.iter().filter(|&&byte| byte == b'\n').count())
        .sum();
    assert_eq!(lines, 10);
}

proptest! {
    /// Whatever comes in whatever portions: all of it is there, in order, and no
    /// file is too long.
    #[test]
    fn nothing_is_lost_by_rotation(
        portions in proptest::collection::vec(proptest::collection::vec("[a-z]{0,6}", 0..6), 1..8),
    ) {
        let folder = Folder::new("rotate-all");
        let path = folder.path().join("a");
        let mut writing = Writing::new(&path, rotating(10, 0, 0), at(0));
        let mut expected = String::new();
        for (second, portion) in (0..).zip(&portions) {
            let lines: Vec<_> = portion.iter().map(String::as_str).collect();
            prop_assert_eq!(writing.write(&lines, at(second)), None);
            lines.iter().for_each(|line| expected.extend([line, "\n"]));
        }
        let mut files = contents(folder.path());
        // The one that is written to comes last.
        files.rotate_left(1);
        let key = |name: &str| {
            let (stamp, number) = name.split_once("Z-").unwrap_or((name, "0"));
            (stamp.trim_end_matches('Z').to_owned(), number.parse::<u32>().unwrap_or(0))
        };
        let current = files.pop();
        files.sort_by_key(|(name, _)| key(name));
        files.extend(current);
        prop_assert!(files.iter().all(|(_, bytes)| bytes.len() <= 10));
        let found: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes).collect();
        prop_assert_eq!(found, expected.into_bytes());
    }
}
