//! What was typed.

use std::{ffi::OsString, fmt};

use clap::{CommandFactory as _, Error, FromArgMatches as _, error::ErrorKind};

use super::arguments::{Cli, Command, ConfigSources};
use super::options::{ProbeInfo, add_options, complete_run, join_flags, options_by_key};

/// Reads the command line. `probes` is asked for only where `run` needs it.
///
/// # Errors
/// Help and version, which are for stdout and exit code 0, and everything that is wrong, for stderr and 2: let
/// [`clap::Error::print`] and [`clap::Error::exit_code`] decide.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    probes: impl FnOnce() -> Vec<ProbeInfo>,
) -> Result<Cli, Error> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut clap = Cli::command();
    let mut known = Vec::new();
    if arguments.iter().any(|argument| argument == "run") {
        known = probes();
        let options = options_by_key(&known, &clap);
        arguments = join_flags(arguments, &options);
        clap = clap.mut_subcommand("run", |run| add_options(run, &known, &options));
    }
    let ends_open = arguments.last().is_some_and(|last| last == "--");
    let matches = clap.try_get_matches_from_mut(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut clap))?;
    let complaint = match &mut cli.command {
        // Whoever writes `--` wants one command watched, not the whole machine.
        Some(Command::Run(run)) if ends_open && run.command.is_empty() => {
            Some("expected a command behind `--`; leave `--` out to watch without one".to_owned())
        }
        Some(Command::Run(run)) => {
            let given = matches.subcommand_matches("run");
            complete_run(run, given, &known).err()
        }
        _ => None,
    };
    match complaint.or_else(|| misplaced_sources(&cli)) {
        Some(complaint) => Err(clap.error(ErrorKind::ValueValidation, complaint)),
        None => Ok(cli),
    }
}

/// The message of a command line that is wrong, for what is found after it was read.
pub fn usage_error(message: impl fmt::Display) -> Error {
    Cli::command().error(ErrorKind::ValueValidation, message)
}

/// What is wrong with where a configuration was given, or not.
fn misplaced_sources(cli: &Cli) -> Option<String> {
    let ConfigSources { files, sets } = &cli.sources;
    let (needed, name) = match &cli.command {
        None => (true, "the pipeline"),
        Some(Command::Validate(_)) => (true, "`validate`"),
        Some(Command::PrintConfig(_)) => (true, "`print-config`"),
        Some(Command::Doctor(_)) => return None,
        Some(Command::Run(_)) => (false, "`run`"),
        Some(Command::Components(_)) => (false, "`components`"),
        Some(Command::Schema(_)) => (false, "`schema`"),
        Some(Command::Version(_)) => (false, "`version`"),
    };
    if needed && files.is_empty() {
        let or_command = if cli.command.is_none() {
            ", or use a command"
        } else {
            ""
        };
        return Some(format!(
            "{name} needs a configuration: add `--config FILE`{or_command}"
        ));
    }
    let given = !files.is_empty() || !sets.is_empty();
    (!needed && given)
        .then(|| format!("{name} reads no configuration: leave out `--config` and `--set`"))
}
