//! A topology from its start to its end: signals, the deadline for draining,
//! the account.

use std::fs;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use eunomia_core::account::Accounts;
use eunomia_core::component::{FailureKind, ReopenSource};
use eunomia_core::pipeline::{Ended, Running, Topology};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::config::LogFormat;
use crate::exit::Exit;
use crate::logging::show_accounts;
use crate::reload::Reload;
use crate::telemetry::{OwnTelemetry, Span, Spans};

/// How a topology is kept running.
#[derive(Debug)]
pub struct Keeping {
    /// How long draining may take.
    pub drain_timeout: Duration,
    /// When to end by itself.
    pub duration: Option<Duration>,
    /// The form of the account.
    pub log_format: LogFormat,
    /// Where the account comes from.
    pub accounts: Accounts,
    /// Tells exporters to open their files anew.
    pub reopen: ReopenSource,
    /// What is told of it to somebody else, ended last.
    pub telemetry: Option<OwnTelemetry>,
}

/// A signal so soon after the first is the same request: timeout(1) signals its
/// command and then the group that the command is in.
const SAME_REQUEST: Duration = Duration::from_millis(500);

/// What SIGHUP asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// Reading the configuration again.
    Reload,
    /// The end, for there is no configuration to read; unless it was ignored
    /// from the beginning, as nohup(1) has it.
    End,
}

/// The signals that the program listens to.
#[derive(Debug)]
pub struct Signals {
    /// Those that ask it to end.
    pub stop: StopSignals,
    /// The one that asks for the account.
    account: Signal,
    /// The one that asks for the configuration to be read again.
    reload: Option<Signal>,
    /// The one that asks for files to be opened anew.
    reopen: Signal,
}

/// SIGTERM and SIGINT, and SIGHUP where it ends the program.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn new(hang_up: HangUp) -> io::Result<Self> {
        let (reload, ends) = match hang_up {
            HangUp::Reload => (Some(signal(SignalKind::hangup())?), None),
            HangUp::End => (None, hang_up_that_ends()?),
        };
        let stop = StopSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: ends,
        };
        Ok(Self {
            stop,
            account: signal(SignalKind::user_defined2())?,
            reload,
            reopen: signal(SignalKind::user_defined1())?,
        })
    }
}

impl StopSignals {
    /// Waits for one of them, and says which.
    pub async fn requested(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            () = come(&mut self.hang_up) => SignalKind::hangup(),
        }
    }
}

/// Why a topology does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// A component could not start, for a reason that is logged.
    Failed(Exit),
    /// The program was told to end.
    Stopped(SignalKind),
}

/// Waits for a signal, for ever if it is none of ours.
pub(crate) async fn come(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// SIGHUP as a request to end; none if whoever started the program had it
/// ignored.
///
/// # Errors
/// If the kernel refuses.
pub(crate) fn hang_up_that_ends() -> io::Result<Option<Signal>> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = SignalKind::hangup().as_raw_value() - 1;
    let is_ignored = ignored.is_some_and(|mask| mask >> bit & 1 == 1);
    (!is_ignored)
        .then(|| signal(SignalKind::hangup()))
        .transpose()
}

/// Starts a topology, unless a signal comes first: what a component waits for
/// while it starts, a reader of a pipe perhaps, may never come.
///
/// # Errors
/// Which of the two kept it from running.
pub async fn start(topology: Topology, signals: &mut Signals) -> Result<Running, NotStarted> {
    // On a thread of its own: a component may block it.
    let starting = tokio::spawn(start_all(topology));
    tokio::select! {
        started = starting => started.unwrap_or_else(|error| {
            tracing::error!(%error, "starting broke down");
            Err(NotStarted::Failed(Exit::Failed))
        }),
        signal = signals.stop.requested() => Err(NotStarted::Stopped(signal)),
    }
}

async fn start_all(topology: Topology) -> Result<Running, NotStarted> {
    topology
        .start()
        .await
        .map_err(|ended| NotStarted::Failed(failure(&ended).unwrap_or(Exit::Failed)))
}

/// Keeps a topology running until it ends by itself, by a signal or by the
/// time, and drains it.
///
/// With `reload` SIGHUP changes it to another one. A `guest` is what the
/// topology is kept for: while it lives, it and not the topology is told to end,
/// and its end is the topology's.
pub async fn keep(
    running: Running,
    signals: &mut Signals,
    keeping: &Keeping,
    mut reload: Option<Reload>,
    guest: Option<Pin<&mut (dyn Future<Output = ()> + Send)>>,
) -> Exit {
    let mut watch = Watch {
        running,
        exit: Exit::Done,
        deadline: None,
        spans: OwnTelemetry::spans(keeping.telemetry.as_ref()),
        draining: None,
        keeping,
    };
    let until = keeping.duration.map(|duration| Instant::now() + duration);
    let mut guest = guest;
    loop {
        tokio::select! {
            ended = watch.running.next_ended() => match ended {
                Some(ended) => watch.ended(&ended),
                None => break,
            },
            () = end_of(&mut guest) => {
                guest = None;
                watch.stop();
            }
            _ = signals.stop.requested() => if guest.is_none() && watch.stop_or_abort() { break },
            _ = signals.account.recv() => show_accounts(&keeping.accounts, keeping.log_format),
            () = come(&mut signals.reload), if watch.deadline.is_none() => {
                watch.reload(reload.as_mut(), &mut signals.stop).await;
            }
            _ = signals.reopen.recv() => keeping.reopen.request(),
            () = at(until), if watch.deadline.is_none() => watch.stop(),
            () = at(watch.deadline) => {
                tracing::error!("draining takes longer than the drain timeout, giving up what is left");
                watch.exit = Exit::DrainIncomplete;
                break;
            }
        }
    }
    let (exit, deadline) = (watch.exit, watch.deadline);
    if let (Some(draining), Exit::DrainIncomplete) = (&mut watch.draining, exit) {
        draining.failed("the drain timeout was over");
    }
    drop(watch.draining);
    watch.running.give_up().await;
    show_accounts(&keeping.accounts, keeping.log_format);
    if let Some(telemetry) = &keeping.telemetry {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let limit = deadline.map_or(keeping.drain_timeout, left);
        telemetry.finish(limit).await;
    }
    exit
}

struct Watch<'k> {
    running: Running,
    exit: Exit,
    deadline: Option<Instant>,
    spans: Spans,
    draining: Option<Span>,
    keeping: &'k Keeping,
}

impl Watch<'_> {
    fn stop(&mut self) {
        self.running.stop();
        self.deadline
            .get_or_insert_with(|| Instant::now() + self.keeping.drain_timeout);
        self.draining
            .get_or_insert_with(|| self.spans.begin("drain"));
    }

    /// The first signal asks to stop; a second one, later, says that it takes
    /// too long: true then.
    fn stop_or_abort(&mut self) -> bool {
        let latest = Instant::now() + self.keeping.drain_timeout;
        let is_second = self
            .deadline
            .is_some_and(|deadline| latest > deadline + SAME_REQUEST);
        if is_second {
            tracing::warn!("told to stop a second time, giving up what is left");
            self.exit = Exit::DrainIncomplete;
        }
        self.stop();
        is_second
    }

    /// Changes to the configuration as it stands now, unless a request to end
    /// comes before that is done.
    async fn reload(&mut self, reload: Option<&mut Reload>, stop: &mut StopSignals) {
        let Some(reload) = reload else { return };
        let mut span = self.spans.begin("reload");
        let grace = self.keeping.drain_timeout;
        let done = tokio::select! {
            result = reload.reload(&mut self.running, grace, &mut span) => Some(result),
            _ = stop.requested() => None,
        };
        match done {
            Some(Ok(())) => {}
            Some(Err(exit)) => {
                self.exit = exit;
                self.stop();
            }
            None => self.stop(),
        }
    }

    /// One component that fails ends them all, after draining.
    fn ended(&mut self, ended: &Ended) {
        if ended.is_retired {
            if let Err(error) = &ended.result {
                tracing::warn!(component = %ended.id, "{error}");
            }
            return;
        }
        if let Some(exit) = failure(ended) {
            if self.exit == Exit::Done {
                self.exit = exit;
            }
            self.stop();
        }
    }
}

/// How the program ends because of a component, if it does; the reason is
/// logged.
fn failure(ended: &Ended) -> Option<Exit> {
    let error = ended.result.as_ref().err()?;
    match error.kind {
        FailureKind::OutputClosed => tracing::debug!(component = %ended.id, "{error}"),
        FailureKind::Unsupported | FailureKind::Failed => {
            tracing::error!(component = %ended.id, "{error}")
        }
    }
    Some(error.kind.into())
}

async fn end_of(guest: &mut Option<Pin<&mut (dyn Future<Output = ()> + Send)>>) {
    match guest {
        Some(guest) => guest.await,
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
