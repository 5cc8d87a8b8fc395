//! The writing thread and its other end.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::thread;

use eunomia_core::component::ComponentError;
use eunomia_core::queue::Delivery;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot};

use super::{Lines, Target};
use crate::throttle::Throttle;

/// Writes lines to a target and settles the deliveries that they came from.
#[derive(Debug)]
pub(crate) struct Sink {
    name: String,
    jobs: mpsc::Sender<Job>,
    log: Throttle,
}

/// What was written of some lines.
#[derive(Debug)]
pub(crate) struct Written {
    /// The buffer, to be used again.
    pub(crate) lines: Lines,
    /// Whether all of it was written.
    pub(crate) is_whole: bool,
}

struct Job {
    lines: Lines,
    reply: oneshot::Sender<Outcome>,
}

struct Outcome {
    lines: Lines,
    failure: Option<Failure>,
}

/// A write that did not reach its end.
struct Failure {
    written: usize,
    error: io::Error,
}

impl Sink {
    /// Opens `target`.
    ///
    /// # Errors
    /// What kept it from being opened.
    pub(crate) fn open(target: &Target) -> Result<Self, ComponentError> {
        Self::start_with(target.name(), target.open())
    }

    /// Opens `target`; what is in it goes.
    ///
    /// # Errors
    /// What kept it from being opened.
    pub(crate) fn open_anew(target: &Target) -> Result<Self, ComponentError> {
        Self::start_with(target.name(), target.open_anew())
    }

    fn start_with(name: String, file: io::Result<File>) -> Result<Self, ComponentError> {
        match file {
            Ok(file) => Self::start(name, file),
            Err(error) => Err(ComponentError::failed(format!("open {name}: {error}"))),
        }
    }

    /// Writes to `file`, called `name` in messages.
    pub(crate) fn start(name: String, file: File) -> Result<Self, ComponentError> {
        let (jobs, queue) = mpsc::channel(1);
        thread::Builder::new()
            .name("write-lines".into())
            .spawn(move || write_all_jobs(&file, queue))
            .map_err(|error| ComponentError::failed(format!("start a writing thread: {error}")))?;
        Ok(Self {
            name,
            jobs,
            log: Throttle::default(),
        })
    }

    /// Writes `lines`, which are the events of `delivery` in their order, and
    /// says what became of it. Gives the buffer back.
    ///
    /// # Errors
    /// That nobody reads the target any more.
    pub(crate) async fn deliver(
        &mut self,
        mut delivery: Delivery,
        lines: Lines,
    ) -> Result<Written, ComponentError> {
        let Outcome { lines, failure } = self.write(lines).await?;
        let Some(failure) = failure else {
            delivery.delivered();
            return Ok(Written {
                lines,
                is_whole: true,
            });
        };
        let (complete, _) = lines.complete(failure.written);
        delivery.delivered_some(complete);
        delivery.dropped(reason(&failure.error));
        if failure.error.kind() == ErrorKind::BrokenPipe {
            return Err(ComponentError::output_closed(&self.name));
        }
        self.log(&failure.error);
        Ok(Written {
            lines,
            is_whole: false,
        })
    }

    /// Writes what is no event, such as a heading.
    ///
    /// # Errors
    /// That nobody reads the target any more.
    pub(crate) async fn write_heading(&mut self, lines: Lines) -> Result<Lines, ComponentError> {
        let outcome = self.write(lines).await?;
        match outcome.failure {
            Some(failure) if failure.error.kind() == ErrorKind::BrokenPipe => {
                Err(ComponentError::output_closed(&self.name))
            }
            Some(failure) => {
                self.log(&failure.error);
                Ok(outcome.lines)
            }
            None => Ok(outcome.lines),
        }
    }

    async fn write(&self, lines: Lines) -> Result<Outcome, ComponentError> {
        let (reply, outcome) = oneshot::channel();
        let gone = || ComponentError::failed(format!("write {}: its thread is gone", self.name));
        if self.jobs.send(Job { lines, reply }).await.is_err() {
            return Err(gone());
        }
        outcome.await.ok().ok_or_else(gone)
    }

    fn log(&self, error: &io::Error) {
        if self.log.passes() {
            let target = &self.name;
            tracing::warn!(target, %error, "events could not be written and are dropped");
        }
    }
}

/// Why events were dropped, as the account names it.
fn reason(error: &io::Error) -> &'static str {
    const FULL: [ErrorKind; 2] = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
    if error.kind() == ErrorKind::BrokenPipe {
        "output_closed"
    } else if FULL.contains(&error.kind()) {
        "disk_full"
    } else {
        "write_failed"
    }
}

fn write_all_jobs(file: &File, mut queue: mpsc::Receiver<Job>) {
    while let Some(Job { lines, reply }) = queue.blocking_recv() {
        let failure = write(file, &lines.bytes).err();
        if let Some(failure) = &failure {
            cut_torn_line(file, &lines, failure.written);
        }
        // Nobody waits for the outcome when the exporter was ended meanwhile.
        drop(reply.send(Outcome { lines, failure }));
    }
}

fn write(mut file: &File, bytes: &[u8]) -> Result<(), Failure> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        #[expect(
            clippy::disallowed_methods,
            reason = "how much was written decides how many events are lost"
        )]
        let result = file.write(rest);
        match result {
            Ok(0) => {
                let error = ErrorKind::WriteZero.into();
                return Err(Failure { written, error });
            }
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Standard output may have been made non-blocking by someone who shares it.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                wait_until_writable(file).map_err(|error| Failure { written, error })?;
            }
            Err(error) => return Err(Failure { written, error }),
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

/// Takes back the part of a line that was written before the disk was full, so
/// that the next line begins at a beginning.
fn cut_torn_line(file: &File, lines: &Lines, written: usize) {
    let (_, end) = lines.complete(written);
    let torn = (written - end) as u64;
    let Ok(metadata) = file.metadata() else {
        return;
    };
    if torn > 0
        && metadata.is_file()
        && let Err(error) = file.set_len(metadata.len().saturating_sub(torn))
    {
        tracing::warn!(%error, "a line that was cut could not be taken back");
    }
}
