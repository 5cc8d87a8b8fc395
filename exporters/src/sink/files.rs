//! The files of a sink: opened when they are needed, set aside when they are
//! full or old, closed when there are too many.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::SystemTime;

use rustc_hash::{FxHashMap, FxHashSet};

use super::file::{OpenFile, Torn, continues, make_folder};
use super::pages::Page;
use super::place::Place;
use super::rotate::set_aside;
use super::target::stdout;
use super::{Fsync, Opening, Options, Pages, Target};
use crate::compress::Compression;
use crate::throttle::Throttle;

/// Files of which it is remembered that they end with a whole frame.
const WHOLE_FILES: usize = 4096;

/// What the writing thread works on. The key of a file is its path; standard
/// output has none.
#[derive(Debug)]
pub(super) struct Files {
    target: Target,
    options: Options,
    open: FxHashMap<Box<[u8]>, OpenFile>,
    /// Compressed files that were closed here, so that nothing of them is torn.
    whole: FxHashSet<Box<[u8]>>,
    writes: u64,
    log: Throttle,
}

impl Files {
    /// Opens the file if there is one only, else makes their folder.
    pub(super) fn new(target: &Target, options: Options, now: SystemTime) -> io::Result<Self> {
        let mut files = Self {
            target: target.clone(),
            options,
            open: FxHashMap::default(),
            whole: FxHashSet::default(),
            writes: 0,
            log: Throttle::default(),
        };
        match target {
            Target::Stdout => files.file(&[], &[], now).map(drop)?,
            Target::Files(template) if template.is_literal() => {
                let path = template.text();
                let file = files.file(path.as_bytes(), &[], now)?;
                if options.opening == Opening::Replace {
                    file.clear()?;
                }
            }
            Target::Files(template) => make_folder(&template.folder().join("x"))?,
        }
        Ok(files)
    }

    /// Writes what is not written yet; a page that cannot be written says why.
    pub(super) fn write(&mut self, pages: &mut Pages, now: SystemTime) {
        pages.each(|page| page.failure = self.write_page(page, now).err());
    }

    /// Sets aside what is old; what is written every second reaches the disk.
    pub(super) fn tend(&mut self, now: SystemTime) {
        let is_old = |file: &OpenFile| {
            let rotate = self.options.rotate;
            file.has_events() && rotate.is_some_and(|rotate| rotate.is_old(file.begun, now))
        };
        let old = self.open.iter().filter(|(_, file)| is_old(file));
        let old: Vec<_> = old.map(|(path, _)| path.clone()).collect();
        for path in old {
            let file = self.open.get_mut(&path);
            let is_still = file.map(|file| file.is_still(as_path(&path)));
            if matches!(is_still, Some(Ok(true))) {
                self.rotate(&path, now);
            }
        }
        if self.options.fsync != Fsync::Never {
            self.sync();
        }
    }

    /// Closes all files; they are opened anew when there is something to write.
    pub(super) fn reopen(&mut self) {
        if self.options.opening == Opening::Replace || self.target == Target::Stdout {
            return;
        }
        let paths: Vec<_> = self.open.keys().cloned().collect();
        paths.iter().for_each(|path| self.close(path));
    }

    #[cfg(test)]
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// How many files have something that the disk may not have.
    #[cfg(test)]
    pub(super) fn dirty_count(&self) -> usize {
        self.open.values().filter(|file| file.is_dirty).count()
    }

    fn sync(&mut self) {
        for (path, file) in &mut self.open {
            if let Err(error) = file.sync() {
                say_unsynced(&self.log, path, &error);
            }
        }
    }

    fn write_page(&mut self, page: &mut Page, now: SystemTime) -> io::Result<()> {
        page.synced = page.written;
        // A page without lines is there for its head.
        let mut result = if page.lines.bytes.is_empty() {
            self.file(&page.path, &page.head, now).map(drop)
        } else {
            Ok(())
        };
        while result.is_ok() && page.written < page.lines.bytes.len() {
            result = self.write_piece(page, now);
        }
        self.sync_page(page)?;
        result
    }

    /// Waits until the disk has what is written of `page`, where that is wanted of
    /// each batch. What it may not have is taken back and counts as not written: the
    /// kernel tells of it once.
    fn sync_page(&mut self, page: &mut Page) -> io::Result<()> {
        if self.options.fsync != Fsync::Batch {
            return Ok(());
        }
        if let Some(file) = self.open.get_mut(&page.path)
            && let Err(error) = file.sync()
        {
            page.written = page.synced;
            if !file.take_back_unsynced() {
                self.open.remove(&page.path);
            }
            return Err(error);
        }
        page.synced = page.written;
        Ok(())
    }

    /// Writes as much of `page` as one file takes, or begins another.
    fn write_piece(&mut self, page: &mut Page, now: SystemTime) -> io::Result<()> {
        let Options {
            rotate,
            compression,
            ..
        } = self.options;
        let frame = frame(compression, page.rest())?;
        let file = self.file(&page.path, &page.head, now)?;
        let room = rotate.map_or(u64::MAX, |rotate| {
            rotate.limit().saturating_sub(file.length)
        });
        let all = page.lines.bytes.len();
        let fits = match &frame {
            None => page.lines.fitting(page.written, room),
            Some(frame) => (frame.len() as u64 <= room).then_some(all),
        };
        let is_old = rotate.is_some_and(|rotate| rotate.is_old(file.begun, now));
        let has_events = file.has_events();
        let is_over = rotate.is_some() && has_events && (is_old || fits.is_none());
        if is_over {
            self.sync_page(page)?;
            if self.rotate(&page.path, now) {
                return Ok(());
            }
        }
        // Where it cannot be set aside it grows on: nothing is lost. What is too
        // large for any file has one of its own.
        let end = match fits {
            Some(end) => end,
            None if has_events || frame.is_some() => all,
            None => page.lines.next_end(page.written),
        };
        self.append(page, end, frame.as_deref())
    }

    /// Appends `page` up to `end`, as `frame` where there is one.
    fn append(&mut self, page: &mut Page, end: usize, frame: Option<&[u8]>) -> io::Result<()> {
        let Some(file) = self.open.get_mut(&page.path) else {
            return Ok(());
        };
        let lines = page.lines.bytes.get(page.written..end).unwrap_or_default();
        let Err(Torn { written, error }) = file.append(frame.unwrap_or(lines)) else {
            page.written = end;
            return Ok(());
        };
        let mut torn = written;
        if frame.is_none() {
            let (_, complete) = page.lines.complete(page.written + written);
            let complete = complete.max(page.written);
            torn = page.written + written - complete;
            page.written = complete;
        }
        if !file.take_back(torn) {
            // It is looked at when it is opened anew.
            self.open.remove(&page.path);
        }
        Err(error)
    }

    /// The file at `path`, with `head` at its beginning.
    fn file(&mut self, path: &[u8], head: &[u8], now: SystemTime) -> io::Result<&mut OpenFile> {
        if let Some(file) = self.open.get_mut(path)
            && !path.is_empty()
            && self.options.opening == Opening::Append
            && !file.is_still(as_path(path))?
        {
            self.close(path);
            // Whatever is there now is somebody else's.
            self.whole.remove(path);
        }
        if !self.open.contains_key(path) {
            self.make_room();
            let file = self.open_file(path, head, now)?;
            self.open.insert(path.into(), file);
        }
        self.writes += 1;
        let writes = self.writes;
        let compression = self.options.compression;
        let Some(file) = self.open.get_mut(path) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        file.used = writes;
        if file.wants_head() {
            file.begun = now;
            write_head(file, head, compression)?;
        }
        Ok(file)
    }

    fn open_file(&mut self, path: &[u8], head: &[u8], now: SystemTime) -> io::Result<OpenFile> {
        if path.is_empty() {
            return OpenFile::new(stdout()?, now);
        }
        let place = self.place(path)?;
        let mut file = OpenFile::open(&place, now)?;
        let is_empty = !file.is_regular || file.length == 0;
        if is_empty || self.options.opening == Opening::Replace {
            return Ok(file);
        }
        let is_plain = self.options.compression == Compression::None;
        let is_whole = match is_plain {
            true => continues(&place, head)?,
            false => self.whole.contains(path),
        };
        if is_whole {
            file.head = if is_plain { head.len() as u64 } else { 0 };
            return Ok(file);
        }
        let file = as_path(path).display();
        tracing::info!(%file, "a file that cannot be continued is set aside");
        set_aside(place.path(), now, self.kept())?;
        OpenFile::open(&place, now)
    }

    /// Where the file at `path` is.
    fn place(&self, path: &[u8]) -> io::Result<Place> {
        match &self.target {
            Target::Files(template) if !template.is_literal() => {
                Place::beneath(template.folder(), as_path(path))
            }
            Target::Files(_) | Target::Stdout => Ok(Place::of(as_path(path))),
        }
    }

    /// How many files are kept that were set aside.
    fn kept(&self) -> u32 {
        self.options.rotate.map_or(0, |rotate| rotate.keep)
    }

    /// Sets the file at `path` aside; the next that is written there begins anew.
    fn rotate(&mut self, path: &[u8], now: SystemTime) -> bool {
        let place = self.place(path);
        if let Err(error) = place.and_then(|place| set_aside(place.path(), now, self.kept())) {
            if self.log.passes() {
                let file = as_path(path).display();
                tracing::warn!(%file, %error, "a file could not be set aside");
            }
            return false;
        }
        self.close(path);
        self.whole.remove(path);
        true
    }

    fn make_room(&mut self) {
        let most = usize::try_from(self.options.max_open_files).unwrap_or(usize::MAX);
        while self.open.len() >= most.max(1) {
            let oldest = self.open.iter().min_by_key(|(_, file)| file.used);
            let Some(path) = oldest.map(|(path, _)| path.clone()) else {
                return;
            };
            self.close(&path);
        }
    }

    fn close(&mut self, path: &[u8]) {
        let Some((path, mut file)) = self.open.remove_entry(path) else {
            return;
        };
        if self.options.fsync != Fsync::Never
            && let Err(error) = file.sync()
        {
            say_unsynced(&self.log, &path, &error);
        }
        if self.options.compression != Compression::None {
            if self.whole.len() >= WHOLE_FILES {
                self.whole.clear();
            }
            self.whole.insert(path);
        }
    }
}

fn say_unsynced(log: &Throttle, path: &[u8], error: &io::Error) {
    if log.passes() {
        let file = as_path(path).display();
        tracing::warn!(%file, %error, "a file did not reach the disk");
    }
}

/// `bytes` as a frame of its own, unless files are plain.
fn frame(compression: Compression, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    Ok(match compression {
        Compression::None => None,
        Compression::Gzip | Compression::Zstd => Some(compression.compress(bytes)?.into_owned()),
    })
}

fn write_head(file: &mut OpenFile, head: &[u8], compression: Compression) -> io::Result<()> {
    if head.is_empty() {
        return Ok(());
    }
    let frame = frame(compression, head)?;
    let bytes = frame.as_deref().unwrap_or(head);
    file.append(bytes).map_err(|Torn { written, error }| {
        file.take_back(written);
        error
    })?;
    file.head = bytes.len() as u64;
    Ok(())
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}
