//! One open file: what is in it, whether it can be continued, writing to it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::place::Place;

/// Events tell who does what: not for everybody.
const FILE_MODE: u32 = 0o640;
pub(super) const FOLDER_MODE: u32 = 0o750;

/// A file that is written to.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    /// Whether it is a file on a disk, not a pipe or a terminal.
    pub(super) is_regular: bool,
    pub(super) length: u64,
    /// Bytes at its beginning that are no events.
    pub(super) head: u64,
    pub(super) begun: SystemTime,
    /// Bytes that the disk has for certain.
    synced: u64,
    /// Whether the kernel may hold back something of it.
    pub(super) is_dirty: bool,
    /// When it was written to last, counted in writes.
    pub(super) used: u64,
}

/// What keeps a write from its end, and how far it came.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) written: usize,
    pub(super) error: io::Error,
}

impl OpenFile {
    /// Writes to `file`.
    pub(super) fn new(file: File, now: SystemTime) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let is_regular = metadata.is_file();
        let length = if is_regular { metadata.len() } else { 0 };
        // Where the file system does not know, it counts from now on.
        let begun = metadata.created().ok().filter(|_| length > 0);
        Ok(Self {
            file,
            is_regular,
            length,
            head: 0,
            synced: length,
            begun: begun.unwrap_or(now),
            is_dirty: false,
            used: 0,
        })
    }

    /// Opens what is at `place` for appending, made if it is not there.
    pub(super) fn open(place: &Place, now: SystemTime) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(FILE_MODE);
        Self::new(place.open(&mut options)?, now)
    }

    /// Whether there are events in it: what is no file has nothing in it.
    pub(super) fn has_events(&self) -> bool {
        self.length > self.head
    }

    /// Whether it has to begin with its head.
    pub(super) fn wants_head(&self) -> bool {
        self.length == 0 && (self.is_regular || self.head == 0)
    }

    /// Sees whether `path` is this file still, and how long it is: others may
    /// move, remove or empty it.
    pub(super) fn is_still(&mut self, path: &Path) -> io::Result<bool> {
        if !self.is_regular {
            return Ok(true);
        }
        let own = self.file.metadata()?;
        self.length = own.len();
        self.synced = self.synced.min(self.length);
        Ok(match fs::metadata(path) {
            Ok(there) => (there.dev(), there.ino()) == (own.dev(), own.ino()),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            // It cannot be seen any more; what is open can be written to.
            Err(_) => true,
        })
    }

    /// Makes it empty.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if self.is_regular {
            self.file.set_len(0)?;
            self.length = 0;
        }
        Ok(())
    }

    /// Appends `bytes`.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Torn> {
        let mut written = 0;
        let result = write(&self.file, bytes, &mut written);
        if self.is_regular {
            self.length += written as u64;
        }
        self.is_dirty |= written > 0;
        result.map_err(|error| Torn { written, error })
    }

    /// Takes back the last `torn` bytes, so that the next begin at a beginning;
    /// whether that is so.
    pub(super) fn take_back(&mut self, torn: usize) -> bool {
        if torn == 0 || !self.is_regular {
            return true;
        }
        let length = self.file.metadata().map(|metadata| metadata.len());
        let cut = length.and_then(|length| {
            self.length = length.saturating_sub(torn as u64);
            self.file.set_len(self.length)
        });
        if let Err(error) = &cut {
            tracing::warn!(%error, "a line that was cut could not be taken back");
        }
        cut.is_ok()
    }

    /// Waits until the disk has everything.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.is_dirty && self.is_regular {
            self.file.sync_data()?;
        }
        self.is_dirty = false;
        self.synced = self.length;
        Ok(())
    }

    /// Takes back what the disk may not have; whether that is so.
    pub(super) fn take_back_unsynced(&mut self) -> bool {
        let unsynced = self.length.saturating_sub(self.synced);
        self.take_back(usize::try_from(unsynced).unwrap_or(usize::MAX))
    }
}

/// Makes the folder that `path` is in.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.is_dir()) {
        Some(folder) if folder != Path::new("") => DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder),
        _ => Ok(()),
    }
}

/// Whether lines can be appended to the file at `place`: it begins with `head`
/// and its last line has its end.
pub(super) fn continues(place: &Place, head: &[u8]) -> io::Result<bool> {
    let file = place.open(OpenOptions::new().read(true))?;
    let length = file.metadata()?.len();
    if length == 0 || length < head.len() as u64 {
        return Ok(false);
    }
    let mut begin = vec![0; head.len()];
    file.read_exact_at(&mut begin, 0)?;
    let mut last = [0];
    file.read_exact_at(&mut last, length - 1)?;
    Ok(begin == head && last == *b"\n")
}

fn write(mut file: &File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
        #[expect(
            clippy::disallowed_methods,
            reason = "how much was written decides how many events are lost"
        )]
        let result = file.write(rest);
        match result {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => *written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Standard output may have been made non-blocking by someone who shares it.
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_until_writable(file)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_until_writable(file: &File) -> io::Result<()> {
    match poll(&mut [PollFd::new(file, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
