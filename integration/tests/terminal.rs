//! The table on a terminal: `script` makes one, `stty` says how wide it is.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::process::{Command, Stdio};

use eunomia_integration::pipeline_binary;

/// What a terminal of so many columns gets of an argument that is longer; none is a pipe.
#[track_caller]
fn shown(columns: Option<usize>, environment: &[(&str, &str)]) -> String {
    let run = format!(
        // The log is no part of the table.
        "exec '{}' run process -- /bin/true {} 2>/dev/null",
        pipeline_binary().unwrap().display(),
        "a".repeat(200)
    );
    let mut command = match columns {
        Some(columns) => {
            let mut script = Command::new("script");
            script.args(["--quiet", "--return", "--command"]);
            script.arg(format!("stty cols {columns}; {run}"));
            script.arg("/dev/null");
            script
        }
        None => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &run]);
            shell
        }
    };
    command
        .stdin(Stdio::null())
        // Which shell `script` starts.
        .env("SHELL", "/bin/sh")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = str::from_utf8(&output.stdout).unwrap().to_owned();
    assert!(output.status.success(), "{}: {text}", output.status);
    assert!(text.contains("process.exit"), "{text}");
    text
}

/// A terminal gets colours unless somebody is against them; a variable that is empty is not.
#[test]
fn colours_are_for_terminals_that_want_them() {
    for (columns, environment, has_colours) in [
        (Some(80), &[][..], true),
        (Some(80), &[("NO_COLOR", "1")], false),
        (Some(80), &[("NO_COLOR", "")], true),
        (Some(80), &[("TERM", "dumb")], false),
        (None, &[], false),
    ] {
        let text = shown(columns, environment);
        let described = format!("{columns:?} {environment:?}: {text}");
        assert_eq!(text.contains('\u{1b}'), has_colours, "{described}");
    }
}

/// Lines are as wide as the terminal, and no wider; where nobody knows a width, as long as they
/// are.
#[test]
fn lines_are_as_wide_as_the_terminal() {
    for (columns, expected) in [
        (Some(60), 60..=60),
        (Some(97), 97..=97),
        (Some(0), 200..=usize::MAX),
        (None, 200..=usize::MAX),
    ] {
        let text = shown(columns, &[("NO_COLOR", "1")]);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(
            widest.is_some_and(|widest| expected.contains(&widest)),
            "{widest:?} of {columns:?}: {text}"
        );
    }
}
