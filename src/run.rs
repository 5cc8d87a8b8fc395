//! Runs a pipeline: from a configuration file, or as `run` describes it.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use eunomia_core::account::Accounts;
use eunomia_core::component::Reopen;
use eunomia_core::config::{Entry, Node, Span, Value};
use eunomia_core::pipeline::Running;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Cli, RunArgs, usage_error};
use crate::commands::{self, complain};
use crate::components::{Configuration, REGISTRY};
use crate::config::{self, LogFormat, Report};
use crate::daemon::{self, HangUp, Keeping, NotStarted, Signals};
use crate::exit::Exit;
use crate::graph::{self, Surroundings};
use crate::own_metrics::OwnMetrics;
use crate::reload::Reload;
use crate::telemetry::OwnTelemetry;
use crate::{host, logging, watch};

/// Threads for all that waits; the work on events is done by few.
const MAX_THREADS: usize = 4;

/// What is to be run.
struct Job {
    configuration: Configuration,
    warnings: String,
    command: Vec<OsString>,
    duration: Option<Duration>,
    /// What SIGHUP does: a file can be read again, a command line cannot.
    hang_up: HangUp,
}

/// The pipeline of the configuration file.
pub fn pipeline(cli: &Cli) -> Exit {
    match commands::load(&cli.sources) {
        Ok((configuration, report)) => run(
            cli,
            Job {
                configuration,
                warnings: report.to_text(),
                command: Vec::new(),
                duration: None,
                hang_up: HangUp::Reload,
            },
        ),
        Err(report) => refuse(&report, Exit::Configuration),
    }
}

/// `run PROBE...`.
pub fn probes(cli: &Cli, arguments: &RunArgs) -> Exit {
    let mut root = arguments.to_node();
    if !arguments.command.is_empty() {
        if !arguments.filters.pid_tree.is_empty() {
            complain(&format!(
                "{}",
                usage_error(
                    "--pid-tree cannot be given together with a command: its own tree is watched"
                )
            ));
            return Exit::Usage;
        }
        watch_own_tree(&mut root);
    }
    match config::check(&root, &REGISTRY, Report::default()) {
        Ok((configuration, report)) => run(
            cli,
            Job {
                configuration,
                warnings: report.to_text(),
                command: arguments.command.clone(),
                duration: arguments.duration.map(|duration| duration.0),
                hang_up: HangUp::End,
            },
        ),
        Err(report) => refuse(&report, Exit::Usage),
    }
}

fn refuse(report: &Report, exit: Exit) -> Exit {
    complain(&report.to_text());
    exit
}

/// Narrows the receivers to this process and what descends from it: the command
/// will.
fn watch_own_tree(root: &mut Node) {
    let place = Span::whole("run");
    let own = Node::new(Value::Integer(std::process::id().into()), place.clone());
    let Value::Map(sections) = &mut root.value else {
        return;
    };
    let receivers = sections
        .iter_mut()
        .filter(|section| section.key == "receivers");
    for receiver in receivers.flat_map(|section| entries(&mut section.node)) {
        for filter in entries(&mut receiver.node)
            .iter_mut()
            .filter(|entry| entry.key == "filter")
        {
            filter.node.insert(
                "pid_tree",
                Node::new(Value::List(vec![own.clone()]), place.clone()),
            );
        }
    }
    root.set_paths("");
}

fn entries(node: &mut Node) -> &mut [Entry] {
    match &mut node.value {
        Value::Map(entries) => entries,
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Untyped(_)
        | Value::List(_)
        | Value::Refused => &mut [],
    }
}

fn run(cli: &Cli, job: Job) -> Exit {
    let telemetry = &job.configuration.service.telemetry;
    let log_format = cli.log_format.unwrap_or(telemetry.log_format);
    logging::start(cli.log_level.unwrap_or(telemetry.log_level), log_format);
    complain(&job.warnings);
    match runtime() {
        Ok(runtime) => {
            let exit = runtime.block_on(run_in(cli, job, log_format));
            // What still blocks a thread was given up: it is not waited for.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            tracing::error!(%error, "the runtime could not be started");
            Exit::Failed
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
}

async fn run_in(cli: &Cli, job: Job, log_format: LogFormat) -> Exit {
    let (reopen_source, reopen) = Reopen::new();
    let surroundings = Surroundings {
        host: Arc::new(host::read()),
        accounts: Accounts::default(),
        reopen,
    };
    let accounts = surroundings.accounts.clone();
    // Held until the end: accounts that nobody holds are closed.
    let own_metrics = Arc::new(OwnMetrics::new());
    accounts.register(Arc::<OwnMetrics>::clone(&own_metrics));
    let Job { hang_up, .. } = job;
    let root = job.configuration.root.clone();
    let telemetry = job.configuration.service.telemetry.clone();
    let topology = match graph::build(job.configuration, &surroundings, &Running::default()) {
        Ok(topology) => topology,
        Err(errors) => {
            complain(&format!("{errors}\n"));
            // What is wrong is the file's fault, or the command line's.
            return match hang_up {
                HangUp::Reload => Exit::Configuration,
                HangUp::End => Exit::Usage,
            };
        }
    };
    // Before anything starts: a signal that comes meanwhile is not to kill what has to be undone.
    let mut signals = match Signals::new(hang_up) {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "signals could not be taken over");
            return Exit::Failed;
        }
    };
    let own = match OwnTelemetry::start(&telemetry, &surroundings.host, &accounts) {
        Ok(own) => own,
        Err(error) => {
            tracing::error!(error, "own telemetry could not be started");
            return Exit::Failed;
        }
    };
    let mut span = OwnTelemetry::spans(own.as_ref()).begin("start");
    let reload = (hang_up == HangUp::Reload)
        .then(|| Reload::new(&cli.sources, root, telemetry, surroundings));
    let running = match daemon::start(topology, &mut signals).await {
        Ok(running) => running,
        Err(reason) => {
            span.failed(match reason {
                NotStarted::Failed(_) => "a component could not start",
                NotStarted::Stopped(_) => "told to end",
            });
            drop(span);
            if let Some(own) = own {
                own.finish(cli.drain_timeout.0).await;
            }
            return match reason {
                NotStarted::Failed(exit) => exit,
                NotStarted::Stopped(_) if job.command.is_empty() => Exit::Done,
                NotStarted::Stopped(signal) => watch::never_begun(signal),
            };
        }
    };
    drop(span);
    let keeping = Keeping {
        drain_timeout: cli.drain_timeout.0,
        duration: job.duration,
        log_format,
        accounts,
        reopen: reopen_source,
        telemetry: own,
    };
    if job.command.is_empty() {
        tracing::info!("started");
        daemon::keep(running, &mut signals, &keeping, reload, None).await
    } else {
        watch::watch(&job.command, running, &mut signals, &keeping).await
    }
}
