//! Encoded events by the file that they go to.

use std::io;
use std::sync::Arc;

use eunomia_core::batch::RowView;
use eunomia_core::component::Host;
use eunomia_core::metric::Point;
use eunomia_core::time::WallNanos;
use rustc_hash::FxHashMap;

use super::template::Subject;
use super::{Lines, Target};

/// Pages that are kept from one batch to the next, and bytes of their buffers.
const KEPT_PAGES: usize = 256;
const KEPT_BYTES: usize = 16 << 20;

/// What `{signal}` stands for.
pub(crate) const EVENTS: &str = "events";
pub(crate) const METRICS: &str = "metrics";

/// Takes encoded events: [`Lines`] all in one place, `Pages` by file.
pub trait Outlet {
    /// The lines that an event of `row`, a row of this sheet, is appended to.
    fn of_event(&mut self, row: &RowView<'_>, sheet: &Sheet) -> &mut Lines;

    /// The lines that a point read at `time` is appended to.
    fn of_point(&mut self, point: &Point, time: WallNanos) -> &mut Lines;
}

/// What the events of one file have in common.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Which of several kinds of one name it is, counted from one.
    pub(crate) version: u32,
    /// What every file begins with.
    pub(crate) head: Arc<[u8]>,
}

impl Sheet {
    /// What every file of it begins with.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }
}

impl Outlet for Lines {
    fn of_event(&mut self, _row: &RowView<'_>, _sheet: &Sheet) -> &mut Lines {
        self
    }

    fn of_point(&mut self, _point: &Point, _time: WallNanos) -> &mut Lines {
        self
    }
}

/// Lines for several files.
#[derive(Debug)]
pub(crate) struct Pages {
    target: Target,
    /// Whether there is one file only.
    is_single: bool,
    pages: Vec<Page>,
    by_path: FxHashMap<Box<[u8]>, usize>,
    /// The pages with lines of this batch.
    used: Vec<usize>,
    path: Vec<u8>,
    /// Where lines would go that have no page; all have one.
    none: Lines,
}

/// Lines for one file, and how far they were written.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Empty for standard output.
    pub(super) path: Box<[u8]>,
    pub(super) head: Arc<[u8]>,
    pub(super) lines: Lines,
    is_used: bool,
    /// Bytes that are in the file.
    pub(super) written: usize,
    /// Bytes of them that the disk has, where that is waited for.
    pub(super) synced: usize,
    /// Events that are accounted for.
    settled: usize,
    /// What kept the rest from being written.
    pub(super) failure: Option<io::Error>,
}

impl Pages {
    /// Nothing yet for the files of `target`.
    pub(crate) fn new(target: &Target, host: &Host) -> Self {
        let target = target.on_host(&host.name);
        Self {
            is_single: target.is_single(),
            target,
            pages: Vec::new(),
            by_path: FxHashMap::default(),
            used: Vec::new(),
            path: Vec::new(),
            none: Lines::default(),
        }
    }

    /// The same for one file, which begins with `head` as soon as there is room for it.
    pub(crate) fn headed(target: &Target, host: &Host, head: &[u8]) -> Self {
        let mut pages = Self::new(target, host);
        pages.only();
        pages.each(|page| page.head = head.into());
        pages
    }

    /// The lines of the one file there is.
    pub(crate) fn only(&mut self) -> &mut Lines {
        self.of_signal("", WallNanos::default())
    }

    /// The lines of all signals of one kind that came at `time`.
    pub(crate) fn of_signal(&mut self, signal: &'static str, time: WallNanos) -> &mut Lines {
        let subject = Subject {
            event: "",
            version: 1,
            signal,
            time,
            attribute: &|_| None,
        };
        self.lines(&subject, &Sheet::default())
    }

    /// Forgets the lines; their memory is kept for the next batch, up to a point.
    pub(crate) fn clear(&mut self) {
        let kept: usize = self.pages.iter().map(|page| page.lines.capacity()).sum();
        if self.pages.len() > KEPT_PAGES || (self.pages.len() > 1 && kept > KEPT_BYTES) {
            self.pages.clear();
            self.by_path.clear();
        }
        for page in self.used.drain(..) {
            if let Some(page) = self.pages.get_mut(page) {
                page.clear();
            }
        }
    }

    /// What would be written, by the paths of the files.
    #[cfg(test)]
    pub(crate) fn files(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        self.each(|page| {
            let path = String::from_utf8_lossy(&page.path).into_owned();
            files.push((path, [&page.head, &*page.lines.bytes].concat()));
        });
        files
    }

    /// Calls `each` with the pages that have lines.
    pub(super) fn each(&mut self, mut each: impl FnMut(&mut Page)) {
        for page in &self.used {
            if let Some(page) = self.pages.get_mut(*page) {
                each(page);
            }
        }
    }

    fn lines(&mut self, subject: &Subject<'_>, sheet: &Sheet) -> &mut Lines {
        let index = self.find(subject).unwrap_or_else(|| self.add(sheet));
        let Some(page) = self.pages.get_mut(index) else {
            return &mut self.none;
        };
        if !page.is_used {
            page.is_used = true;
            self.used.push(index);
        }
        &mut page.lines
    }

    /// The page of `subject`; where there is none, its path is ready.
    fn find(&mut self, subject: &Subject<'_>) -> Option<usize> {
        if self.is_single && !self.pages.is_empty() {
            return Some(0);
        }
        self.path.clear();
        if let Target::Files(template) = &self.target {
            template.write(subject, &mut self.path);
        }
        self.by_path.get(&*self.path).copied()
    }

    fn add(&mut self, sheet: &Sheet) -> usize {
        let index = self.pages.len();
        self.by_path.insert(self.path.as_slice().into(), index);
        self.pages.push(Page {
            path: self.path.as_slice().into(),
            head: Arc::clone(&sheet.head),
            ..Page::default()
        });
        index
    }
}

impl Page {
    fn clear(&mut self) {
        self.lines.clear();
        self.is_used = false;
        self.written = 0;
        self.settled = 0;
        self.failure = None;
    }

    /// What is not written yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.lines.bytes.get(self.written..).unwrap_or_default()
    }

    /// How many events were written since the last time.
    pub(super) fn settle(&mut self) -> usize {
        let (complete, _) = self.lines.complete(self.written);
        complete - std::mem::replace(&mut self.settled, complete)
    }

    /// How many events are not accounted for; they will not be tried again.
    pub(super) fn give_up(&mut self) -> usize {
        self.written = self.lines.bytes.len();
        self.settle()
    }
}

impl Outlet for Pages {
    fn of_event(&mut self, row: &RowView<'_>, sheet: &Sheet) -> &mut Lines {
        let subject = Subject {
            event: row.schema().name.name(),
            version: sheet.version,
            signal: EVENTS,
            time: row.time(),
            attribute: &|name| row.get(name),
        };
        self.lines(&subject, sheet)
    }

    fn of_point(&mut self, point: &Point, time: WallNanos) -> &mut Lines {
        let container = point.container.as_ref();
        let subject = Subject {
            event: point.metric.name.name(),
            version: 1,
            signal: METRICS,
            time,
            attribute: &|name| {
                let own = point.attributes.get(name);
                own.or_else(|| container?.attributes.get(name))
            },
        };
        self.lines(&subject, &Sheet::default())
    }
}
