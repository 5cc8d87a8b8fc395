//! Command lines in, what was typed or a complaint out.

use std::{ffi::OsString, iter};

use clap::error::ErrorKind;
use serde_json::json;

use super::{Cli, Command, EventFormat, OptionInfo, ProbeInfo, RunArgs, parse, usage_error};

/// Two probes with an option in common.
fn probes() -> Vec<ProbeInfo> {
    let option = |key: &str, is_flag| OptionInfo {
        key: key.to_owned(),
        about: format!("sets {key}"),
        is_flag,
    };
    let probe = |name: &str, options: Vec<OptionInfo>| ProbeInfo {
        name: name.to_owned(),
        options,
    };
    vec![
        probe(
            "fish",
            vec![option("failed_only", true), option("depth", false)],
        ),
        probe("bird", vec![option("depth", false), option("pid", false)]),
    ]
}

fn typed(line: &str) -> Result<Cli, clap::Error> {
    let words = iter::once("eunomia-pipeline").chain(line.split_whitespace());
    parse(words.map(OsString::from), probes)
}

#[track_caller]
fn run(line: &str) -> RunArgs {
    match typed(line).unwrap().command {
        Some(Command::Run(run)) => *run,
        other => panic!("{other:?}"),
    }
}

/// Whatever is wrong ends with 2 and is said on stderr.
#[test]
fn whatever_is_wrong_is_a_usage_error() {
    for (line, words) in [
        ("", "the pipeline needs a configuration"),
        ("--log-level info", "the pipeline needs a configuration"),
        ("--set a=b", "the pipeline needs a configuration"),
        ("--confg a", "unexpected argument '--confg'"),
        ("frobnicate", "unrecognized subcommand 'frobnicate'"),
        ("validate", "`validate` needs a configuration"),
        ("print-config", "`print-config` needs a configuration"),
        ("validate --config a --format yaml", "invalid value 'yaml'"),
        (
            "components --config a",
            "`components` reads no configuration",
        ),
        ("schema --set a=b", "`schema` reads no configuration"),
        ("--config a --drain-timeout 5", "expected a length of time"),
        ("--config a --log-level loud", "invalid value 'loud'"),
        ("run", "required arguments were not provided"),
        ("run -- true", "required arguments were not provided"),
        ("run fish --", "expected a command behind `--`"),
        ("run fsh", "did you mean `fish`? The probes: fish, bird"),
        ("run fish --config a", "`run` reads no configuration"),
        ("run fish --duration 5", "expected a length of time"),
        ("run fish --format csv", "invalid value 'csv'"),
        ("run fish --nope", "unexpected argument '--nope'"),
        (
            "run bird --failed-only",
            "an option of the probe `fish`, which is not named",
        ),
        ("run fish --depth", "a value is required"),
    ] {
        let error = typed(line)
            .err()
            .unwrap_or_else(|| panic!("{line} is accepted"));
        assert_eq!((error.exit_code(), error.use_stderr()), (2, true), "{line}");
        assert!(error.to_string().contains(words), "{line}: {error}");
    }
    assert_eq!(usage_error("x").exit_code(), 2);
}

/// Help and version are results.
#[test]
fn help_and_version_go_to_stdout() {
    for (line, kind) in [
        ("--help", ErrorKind::DisplayHelp),
        ("run --help", ErrorKind::DisplayHelp),
        ("--version", ErrorKind::DisplayVersion),
    ] {
        let error = typed(line).unwrap_err();
        assert_eq!(
            (error.kind(), error.exit_code(), error.use_stderr()),
            (kind, 0, false),
            "{line}"
        );
    }
    let help = typed("run --help").unwrap_err().to_string();
    for words in [
        "--failed-only",
        "sets depth [fish, bird]",
        "Probes: fish, bird",
        "--pid-tree",
    ] {
        assert!(help.contains(words), "{words} in {help}");
    }
}

/// The pipeline itself, and the commands with their answers' form.
#[test]
fn commands_are_read() {
    let cli =
        typed("--config a.yaml --config b.yaml --set x=1 --set y=[2] --log-format json").unwrap();
    assert!(cli.command.is_none());
    assert_eq!(cli.sources.files.len(), 2);
    assert_eq!(cli.sources.sets, ["x=1", "y=[2]"]);
    for line in [
        "validate --config a --format json",
        "--config a validate",
        "print-config --config a --format yaml",
        "components --format json",
        "schema",
        "doctor",
        "doctor --config a",
        "version --format json --log-level off",
    ] {
        assert!(typed(line).unwrap().command.is_some(), "{line}");
    }
    assert_eq!(typed("--config a validate").unwrap().sources.files.len(), 1);
}

/// Probes, filters, options and a command are told apart.
#[test]
fn run_tells_its_words_apart() {
    let args = run(
        "run --failed-only fish bird --pid 1,2 --pid 3 --depth=4 --duration 10s -o out --format ndjson \
         -- sh --pid 9 --failed-only",
    );
    assert_eq!(args.probes, ["fish", "bird"]);
    assert_eq!(args.filters.pid, ["1", "2", "3"]);
    assert_eq!(args.command, ["sh", "--pid", "9", "--failed-only"]);
    assert_eq!(args.format, EventFormat::Ndjson);
    let options: Vec<_> = args
        .options
        .iter()
        .map(|given| {
            (
                given.probe.as_str(),
                given.key.as_str(),
                given.value.as_str(),
            )
        })
        .collect();
    assert_eq!(
        options,
        [
            ("fish", "failed_only", "true"),
            ("fish", "depth", "4"),
            ("bird", "depth", "4")
        ]
    );
    for (line, value) in [
        ("run fish --failed-only false", "false"),
        ("run --failed_only=true fish", "true"),
        ("run --failed-only fish", "true"),
    ] {
        let args = run(line);
        assert_eq!(
            (args.probes.len(), args.options[0].value.as_str()),
            (1, value),
            "{line}"
        );
    }
}

/// `run` is a configuration like any other.
#[test]
fn run_becomes_a_configuration() {
    let node = run("run fish --depth 7 --uid 0 --comm a,b --containers-only -o /tmp/x").to_node();
    let expected = json!({
        "version": 1,
        "receivers": { "ebpf": {
            "probes": { "fish": { "depth": "7" } },
            "filter": { "uid": ["0"], "comm": ["a,b"], "containers_only": true },
        } },
        "processors": { "process": {}, "container": {} },
        "exporters": { "console": { "queue": { "when_full": "block" }, "path": "/tmp/x" } },
        "service": { "pipelines": { "run": {
            "receivers": ["ebpf"], "processors": ["process", "container"], "exporters": ["console"],
        } } },
    });
    assert_eq!(serde_json::to_value(&node).unwrap(), expected);
    let value = node.nearest(&["receivers", "ebpf", "filter", "uid", "0"]);
    assert_eq!(value.error("no").to_string(), "--uid: no");
    let bare = run("run bird --no-headers").to_node();
    let headers = bare.nearest(&["exporters", "console", "headers"]);
    assert!(!headers.decode::<bool>().unwrap());
    let ndjson = run("run bird --format ndjson --no-headers").to_node();
    assert!(
        ndjson
            .nearest(&["exporters", "json"])
            .get("headers")
            .is_none()
    );
    assert_eq!(
        ndjson
            .nearest(&["exporters", "json", "path"])
            .decode::<String>()
            .unwrap(),
        "-"
    );
}
