//! The options of probes on the command line of `run`: declared in C files, so the arguments are made at run time.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use clap::{Arg, ArgAction, ArgMatches, Command as Clap};
use eunomia_core::config::did_you_mean;

use super::RunArgs;

/// What distinguishes the ids of these arguments from those that `run` has itself.
const ID: &str = "probe option ";

/// Every option by its key, with the probes that declare it.
pub(super) type Options<'a> = BTreeMap<String, Vec<(&'a str, &'a OptionInfo)>>;

/// A probe that `run` knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeInfo {
    /// Its name.
    pub name: String,
    /// The options its C file declares.
    pub options: Vec<OptionInfo>,
}

/// An option that a probe declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// Its key in the configuration.
    pub key: String,
    /// What it does.
    pub about: String,
    /// Whether it is true or false, so that `--KEY` alone means true.
    pub is_flag: bool,
}

/// An option of a probe as it was given to `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenOption {
    /// The probe that declares it.
    pub probe: String,
    /// Its key in the configuration.
    pub key: String,
    /// What was typed.
    pub value: String,
}

/// Every option of the probes by its key, with the probes that declare it; not those that `run` has itself.
pub(super) fn options_by_key<'a>(probes: &'a [ProbeInfo], clap: &Clap) -> Options<'a> {
    let own = |name: &str| {
        let run = clap.find_subcommand("run").into_iter();
        run.chain([clap])
            .flat_map(Clap::get_arguments)
            .any(|argument| argument.get_long() == Some(name))
    };
    let mut options = Options::new();
    for probe in probes {
        for option in probe
            .options
            .iter()
            .filter(|option| !own(&long_name(&option.key)))
        {
            options
                .entry(option.key.clone())
                .or_default()
                .push((probe.name.as_str(), option));
        }
    }
    options
}

/// A key as it is typed: `failed_only` is `--failed-only`.
pub(super) fn long_name(key: &str) -> String {
    key.replace('_', "-")
}

/// Adds the options of the probes to the arguments of `run`, and the probes to its help.
pub(super) fn add_options(run: Clap, probes: &[ProbeInfo], options: &Options<'_>) -> Clap {
    let names: Vec<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
    let mut run = run.after_help(format!("Probes: {}", names.join(", ")));
    for (key, declared) in options {
        let names: Vec<&str> = declared.iter().map(|(probe, _)| *probe).collect();
        let about = declared.first().map_or("", |(_, option)| &option.about);
        let mut argument = Arg::new(format!("{ID}{key}"))
            .long(long_name(key))
            .alias(key.clone())
            .value_name("VALUE")
            .action(ArgAction::Append)
            .help(format!("{about} [{}]", names.join(", ")))
            .help_heading("Options of probes");
        if is_flag(declared) {
            argument = argument
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true");
        }
        run = run.arg(argument);
    }
    run
}

fn is_flag(declared: &[(&str, &OptionInfo)]) -> bool {
    declared.iter().all(|(_, option)| option.is_flag)
}

/// Joins `--FLAG true` and `--FLAG false` by `=`: otherwise the word would be taken for a probe.
pub(super) fn join_flags(arguments: Vec<OsString>, options: &Options<'_>) -> Vec<OsString> {
    let flag = |argument: &OsStr| {
        let name = argument
            .to_str()
            .and_then(|argument| argument.strip_prefix("--"));
        name.is_some_and(|name| {
            options
                .get(&name.replace('-', "_"))
                .is_some_and(|declared| is_flag(declared))
        })
    };
    let mut joined: Vec<OsString> = Vec::with_capacity(arguments.len());
    let mut arguments = arguments.into_iter();
    for argument in arguments.by_ref() {
        match joined.last_mut() {
            _ if argument == "--" => {
                joined.push(argument);
                break;
            }
            Some(last) if flag(last) && (argument == "true" || argument == "false") => {
                last.push("=");
                last.push(argument);
            }
            _ => joined.push(argument),
        }
    }
    joined.extend(arguments);
    joined
}

/// Checks the names of the probes and fills in their options, or says what is wrong.
pub(super) fn complete_run(
    run: &mut RunArgs,
    given: Option<&ArgMatches>,
    known: &[ProbeInfo],
) -> Result<(), String> {
    let names: Vec<&str> = known.iter().map(|probe| probe.name.as_str()).collect();
    for name in &run.probes {
        if names.contains(&name.as_str()) {
            continue;
        }
        let list = names.join(", ");
        return Err(match did_you_mean(name, names.iter().copied()) {
            Some(likely) => {
                format!("unknown probe `{name}`; did you mean `{likely}`? The probes: {list}")
            }
            None => format!("unknown probe `{name}`; the probes: {list}"),
        });
    }
    for probe in known {
        for option in &probe.options {
            let values = given.and_then(|given| {
                given
                    .try_get_many::<String>(&format!("{ID}{}", option.key))
                    .ok()
                    .flatten()
            });
            for value in values.into_iter().flatten() {
                let (probe, key, value) = (probe.name.clone(), option.key.clone(), value.clone());
                run.options.push(GivenOption { probe, key, value });
            }
        }
    }
    drop_options_of_others(run)
}

/// Keeps the options of the probes that run; an option that none of them has is refused.
fn drop_options_of_others(run: &mut RunArgs) -> Result<(), String> {
    let runs = |option: &GivenOption| run.probes.contains(&option.probe);
    for option in &run.options {
        if !run
            .options
            .iter()
            .any(|other| other.key == option.key && runs(other))
        {
            let name = long_name(&option.key);
            return Err(format!(
                "`--{name}` is an option of the probe `{}`, which is not named",
                option.probe
            ));
        }
    }
    let probes = run.probes.clone();
    run.options.retain(|option| probes.contains(&option.probe));
    Ok(())
}
