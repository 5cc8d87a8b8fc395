//! The writing thread and its other end.

use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, SystemTime};

use eunomia_core::component::{ComponentError, Reopen};
use eunomia_core::queue::Delivery;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::files::Files;
use super::pages::Page;
use super::{Fsync, FullDisk, Options, Pages, Target};
use crate::throttle::Throttle;

/// How long a full disk is left alone.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);
/// How often files are looked after that nothing is written to.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// Writes pages to their files and settles the deliveries that they came from.
#[derive(Debug)]
pub(crate) struct Sink {
    name: String,
    jobs: mpsc::Sender<Job>,
    full_disk: FullDisk,
    reopen: Reopen,
    /// Whether something happens to files by time alone.
    is_tended: bool,
    next_tend: Instant,
    log: Throttle,
}

/// What was written of some pages.
#[derive(Debug)]
pub(crate) struct Written {
    /// The buffers, to be used again.
    pub(crate) pages: Pages,
    /// Whether all of it was written.
    pub(crate) is_whole: bool,
}

/// What is to be done with files that nothing is written to.
pub(crate) struct Due(Job);

enum Job {
    /// Writes the pages and gives them back.
    Write(Pages, oneshot::Sender<Pages>),
    Tend,
    Reopen,
    /// Closes everything and says so.
    Finish(oneshot::Sender<()>),
}

impl Sink {
    /// Opens `target`: the file if it is one, else the folder of all.
    ///
    /// # Errors
    /// What kept it from being opened.
    pub(crate) fn open(
        target: &Target,
        options: Options,
        reopen: Reopen,
    ) -> Result<Self, ComponentError> {
        let name = target.name();
        let (jobs, queue) = mpsc::channel(1);
        let files = Files::new(target, options, SystemTime::now())
            .map_err(|error| ComponentError::failed(format!("open {name}: {error}")))?;
        thread::Builder::new()
            .name("write-files".into())
            .spawn(move || work(files, queue))
            .map_err(|error| ComponentError::failed(format!("start a writing thread: {error}")))?;
        Ok(Self {
            name,
            jobs,
            full_disk: options.full_disk,
            reopen,
            is_tended: options.rotate.is_some() || options.fsync == Fsync::Interval,
            next_tend: Instant::now() + TEND_EVERY,
            log: Throttle::default(),
        })
    }

    /// Writes `pages`, which are the events of `delivery`, and says what became
    /// of them. On a full disk it waits where it is told to. Gives the buffers
    /// back.
    ///
    /// # Errors
    /// That nobody reads the target any more.
    pub(crate) async fn deliver(
        &mut self,
        mut delivery: Delivery,
        mut pages: Pages,
    ) -> Result<Written, ComponentError> {
        let mut is_whole = true;
        loop {
            pages = self.write(pages).await?;
            let failures = self.settle(&mut delivery, &mut pages);
            if failures.is_closed {
                delivery.dropped(OUTPUT_CLOSED);
                return Err(ComponentError::output_closed(&self.name));
            }
            is_whole &= !failures.is_lossy;
            if !failures.is_waiting {
                return Ok(Written { pages, is_whole });
            }
            self.wait_for_room().await?;
        }
    }

    /// Writes what is no event, such as a heading.
    ///
    /// # Errors
    /// That nobody reads the target any more.
    pub(crate) async fn write_heading(&mut self, pages: Pages) -> Result<Pages, ComponentError> {
        let mut pages = self.write(pages).await?;
        let mut failure = None;
        pages.each(|page| failure = page.failure.take());
        match failure {
            Some(error) if error.kind() == ErrorKind::BrokenPipe => {
                return Err(ComponentError::output_closed(&self.name));
            }
            Some(error) => self.log(
                &self.name,
                &error,
                "what a file begins with could not be written yet",
            ),
            None => {}
        }
        Ok(pages)
    }

    /// Waits until the files are to be looked after. Dropping the future loses
    /// nothing.
    pub(crate) async fn due(&mut self) -> Due {
        tokio::select! {
            () = self.reopen.requested() => Due(Job::Reopen),
            () = sleep_until(self.next_tend), if self.is_tended => {
                self.next_tend = Instant::now() + TEND_EVERY;
                Due(Job::Tend)
            }
        }
    }

    /// Looks after the files.
    ///
    /// # Errors
    /// That the writing thread is gone.
    pub(crate) async fn tend(&self, due: Due) -> Result<(), ComponentError> {
        self.send(due.0).await
    }

    /// Waits until everything is where it belongs.
    pub(crate) async fn finish(self) {
        let (done, finished) = oneshot::channel();
        if self.send(Job::Finish(done)).await.is_ok() {
            finished.await.unwrap_or_default();
        }
    }

    async fn write(&self, pages: Pages) -> Result<Pages, ComponentError> {
        let (reply, pages_back) = oneshot::channel();
        self.send(Job::Write(pages, reply)).await?;
        pages_back.await.ok().ok_or_else(|| self.gone())
    }

    async fn send(&self, job: Job) -> Result<(), ComponentError> {
        let sent = self.jobs.send(job).await;
        sent.ok().ok_or_else(|| self.gone())
    }

    fn gone(&self) -> ComponentError {
        ComponentError::failed(format!("write {}: its thread is gone", self.name))
    }

    /// A full disk may get room because files are removed that are open here.
    async fn wait_for_room(&mut self) -> Result<(), ComponentError> {
        tokio::select! {
            () = sleep(FULL_DISK_PAUSE) => Ok(()),
            () = self.reopen.requested() => self.send(Job::Reopen).await,
        }
    }

    /// Counts what was written and what never will be.
    fn settle(&self, delivery: &mut Delivery, pages: &mut Pages) -> Failures {
        let mut failures = Failures::default();
        pages.each(|page| {
            delivery.delivered_some(page.settle());
            let Some(error) = page.failure.take() else {
                return;
            };
            let reason = reason(&error);
            if reason == OUTPUT_CLOSED {
                failures.is_closed = true;
            } else if reason == DISK_FULL && self.full_disk == FullDisk::Wait {
                failures.is_waiting = true;
                self.log_page(page, &error, "events wait until there is room");
            } else {
                failures.is_lossy = true;
                delivery.dropped_some(page.give_up(), reason);
                self.log_page(page, &error, "events could not be written and are dropped");
            }
        });
        failures
    }

    fn log_page(&self, page: &Page, error: &io::Error, message: &str) {
        let path = String::from_utf8_lossy(&page.path);
        let file = if path.is_empty() { &self.name } else { &*path };
        self.log(file, error, message);
    }

    fn log(&self, file: &str, error: &io::Error, message: &str) {
        if self.log.passes() {
            tracing::warn!(file, %error, "{message}");
        }
    }
}

/// What kept pages from being written.
#[derive(Default)]
struct Failures {
    is_closed: bool,
    is_waiting: bool,
    is_lossy: bool,
}

/// Why events were dropped, as the account names it.
const OUTPUT_CLOSED: &str = "output_closed";
const DISK_FULL: &str = "disk_full";
const WRITE_FAILED: &str = "write_failed";

fn reason(error: &io::Error) -> &'static str {
    const FULL: [ErrorKind; 2] = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
    if error.kind() == ErrorKind::BrokenPipe {
        OUTPUT_CLOSED
    } else if FULL.contains(&error.kind()) {
        DISK_FULL
    } else {
        WRITE_FAILED
    }
}

fn work(mut files: Files, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        let now = SystemTime::now();
        match job {
            Job::Write(mut pages, reply) => {
                files.write(&mut pages, now);
                // Nobody waits for them when the exporter was ended meanwhile.
                drop(reply.send(pages));
            }
            Job::Tend => files.tend(now),
            Job::Reopen => files.reopen(),
            Job::Finish(done) => {
                files.reopen();
                done.send(()).unwrap_or_default();
            }
        }
    }
}
