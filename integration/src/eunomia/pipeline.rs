//! A running `eunomia-pipeline`.

use std::env::{current_exe, var_os};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::account::Account;
use super::event::Event;
use super::streams::Lines;
use crate::wait::LIMIT;
use crate::{Error, Result, Scratch, until};

/// The binary under test: `EUNOMIA_BIN`, else the one that cargo put beside the running test.
///
/// # Errors
/// There is none.
pub fn pipeline_binary() -> Result<PathBuf> {
    let binary = match var_os("EUNOMIA_BIN") {
        Some(path) => PathBuf::from(path),
        None => built("eunomia-pipeline")?,
    };
    if !binary.exists() {
        let advice = "not there; build it with `cargo build`, or set EUNOMIA_BIN";
        return Err(Error::program(binary.display().to_string(), advice));
    }
    Ok(binary)
}

/// Where cargo puts the binary `name` of the profile that the running test was built with.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let test = current_exe().map_err(Error::io("find", "the running test"))?;
    let profile = test.ancestors().nth(2).unwrap_or(&test);
    Ok(profile.join(name))
}

/// A running daemon or one-off command, killed on drop.
#[derive(Debug)]
pub struct Pipeline {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    readers: Vec<JoinHandle<()>>,
    /// Events read from the first lines of stdout.
    events: Vec<Event>,
    configuration: Option<Scratch>,
}

/// Lets a busy machine bring everything to its end, whatever the program would do by itself; less
/// than [`LIMIT`], so that one that hangs tells of itself.
pub(crate) const DRAINING: &str = "--drain-timeout=3m";

/// What the file of the configuration is called.
const FILE: &str = "pipeline.yaml";

/// What is left of a pipeline that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// The lines of its standard output.
    pub stdout: Vec<String>,
    /// The lines of its standard error.
    pub stderr: Vec<String>,
}

impl Pipeline {
    /// Starts the daemon with a configuration, and more arguments if need be; unless they say
    /// otherwise, draining may take its time.
    ///
    /// # Errors
    /// The binary is missing or cannot be started.
    pub fn start(configuration: &str, arguments: &[&str]) -> Result<Self> {
        let scratch = Scratch::new("pipeline")?;
        let file = scratch.write(FILE, configuration)?;
        let mut command = Self::binary()?;
        command
            .arg("--config")
            .arg(file)
            .args(["--log-format", "json"])
            .args(arguments);
        if !arguments.contains(&"--drain-timeout") {
            command.arg(DRAINING);
        }
        Self::spawn(command, Some(scratch))
    }

    /// Starts the binary with arguments of any kind.
    ///
    /// # Errors
    /// The binary is missing or cannot be started.
    pub fn with_arguments<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Result<Self> {
        let mut command = Self::binary()?;
        command.args(arguments);
        Self::command(command)
    }

    /// Starts a command that ends up in the binary, such as one in a namespace of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn command(command: Command) -> Result<Self> {
        Self::spawn(command, None)
    }

    fn binary() -> Result<Command> {
        pipeline_binary().map(Command::new)
    }

    pub(super) fn spawn(mut command: Command, configuration: Option<Scratch>) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(Error::io("start", command.get_program()))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            unreachable!("both were asked to be pipes");
        };
        let (stdout, first) = Lines::of(stdout);
        let (stderr, second) = Lines::of(stderr);
        let readers = vec![first, second];
        Ok(Self {
            child,
            stdout,
            stderr,
            readers,
            events: Vec::new(),
            configuration,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the events written to stdout so far satisfy `enough`, and returns them.
    ///
    /// # Errors
    /// They never did, or the program ended before; a line was no JSON.
    pub fn wait_for(
        &mut self,
        what: &str,
        mut enough: impl FnMut(&[Event]) -> bool,
    ) -> Result<&[Event]> {
        let mut outcome = Ok(());
        let events = &mut self.events;
        let came = self.stdout.wait(LIMIT, |lines| {
            outcome = lines.iter().skip(events.len()).try_for_each(|line| {
                events.push(Event::read(line)?);
                Ok(())
            });
            outcome.is_err() || enough(events)
        });
        outcome?;
        if came {
            Ok(&self.events)
        } else {
            Err(self.too_late(what))
        }
    }

    /// Waits for a line on stderr that holds `text`.
    ///
    /// # Errors
    /// None ever came, or the program ended before.
    pub fn wait_for_log(&self, text: &str) -> Result<()> {
        self.wait_for_logs(text, 1)
    }

    /// Waits until `count` lines on stderr hold `text`.
    ///
    /// # Errors
    /// They never came, or the program ended before.
    pub fn wait_for_logs(&self, text: &str, count: usize) -> Result<()> {
        let holds = |line: &&String| line.contains(text);
        let found = |lines: &[String]| lines.iter().filter(holds).count() >= count;
        if self.stderr.wait(LIMIT, found) {
            return Ok(());
        }
        Err(self.too_late(&format!("{count} times {text:?} in the log")))
    }

    fn too_late(&self, what: &str) -> Error {
        // What ended says why on the other stream, which may not have been read up yet.
        if self.stdout.lock().ended {
            self.stderr.wait(LIMIT, |_| false);
        }
        let log = self.stderr.lock().lines.join("\n");
        let count = self.stdout.lock().lines.len();
        let what = format!("{what}; {count} lines on stdout; on stderr:\n{log}");
        Error::Deadline {
            what,
            seconds: LIMIT.as_secs(),
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It has ended already and was waited for.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|errno| Error::io("signal", "eunomia-pipeline")(errno.into()))
    }

    /// Writes another configuration over the one it was started with, and asks it to read it.
    ///
    /// # Errors
    /// It was started without one, or has ended.
    pub fn reconfigure(&self, configuration: &str) -> Result<()> {
        let Some(scratch) = &self.configuration else {
            return Err(Error::program("eunomia-pipeline", "has no configuration"));
        };
        scratch.write(FILE, configuration)?;
        self.signal(Signal::HUP)
    }

    /// Asks it to end with SIGTERM and waits until it has.
    ///
    /// # Errors
    /// It never ended.
    pub fn stop(self) -> Result<Finished> {
        self.signal(Signal::TERM)?;
        self.finish()
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It never ended.
    pub fn finish(mut self) -> Result<Finished> {
        let status = until("eunomia-pipeline ends", || {
            self.child
                .try_wait()
                .map_err(Error::io("wait for", "eunomia-pipeline"))
        })?;
        // Whoever inherited the streams, such as a command it started, may hold them open.
        for reader in self.readers.drain(..) {
            if reader.join().is_err() {
                return Err(Error::program(
                    "eunomia-pipeline",
                    "a reader of its output panicked",
                ));
            }
        }
        let take = |lines: &Lines| lines.lock().lines.drain(..).collect();
        Ok(Finished {
            status,
            stdout: take(&self.stdout),
            stderr: take(&self.stderr),
        })
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        if self.child.kill().is_ok() && self.child.wait().is_err() {}
    }
}

impl Finished {
    /// The events of its standard output.
    ///
    /// # Errors
    /// A line is no JSON object.
    pub fn events(&self) -> Result<Vec<Event>> {
        self.stdout.iter().map(|line| Event::read(line)).collect()
    }

    /// The lines of the account in its log, in the order they were written.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.stderr
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}
