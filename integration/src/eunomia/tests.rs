//! Reading a program's streams while it runs; a shell stands in for it.

use std::process::Command;

use super::pipeline::Pipeline;
use crate::{Error, Scratch};

/// Says two events and a line of log, then waits for SIGTERM and says its account.
const STAND_IN: &str = r#"
trap 'echo "{\"account\":\"exporter\",\"exporter\":\"json\",\"accepted\":2,\"delivered\":2,\"dropped\":0,\"dropped_by\":{},\"queued\":0}" >&2; exit 75' TERM
echo '{"event":"a"}'
echo 'up and running' >&2
echo '{"event":"b"}'
while :; do read -r never; done <>"$1"
"#;

/// A shell that runs `script` with a fifo as its argument, on which a read never ends.
fn shell(script: &str) -> Pipeline {
    let scratch = Scratch::new("stand-in").unwrap();
    let fifo = scratch.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(fifo);
    Pipeline::spawn(command, Some(scratch)).unwrap()
}

/// Events and log lines are there as soon as they are written, the account at the end.
#[test]
fn streams_are_read_while_the_program_runs() {
    let mut pipeline = shell(STAND_IN);
    let events = pipeline
        .wait_for("both events", |events| events.len() == 2)
        .unwrap();
    assert_eq!(events.last().unwrap().kind(), "b");
    pipeline.wait_for_log("running").unwrap();
    let finished = pipeline.stop().unwrap();
    assert_eq!(finished.status.code(), Some(75));
    assert_eq!(finished.events().unwrap().len(), 2);
    assert!(finished.accounts().first().unwrap().holds());
}

/// A program that ends early is reported at once, with what it said.
#[test]
fn early_end_is_reported_with_the_log() {
    let mut pipeline = shell("echo 'no BTF' >&2; exit 77");
    let error = pipeline
        .wait_for("an event", |events| !events.is_empty())
        .unwrap_err();
    assert!(
        matches!(&error, Error::Deadline { what, .. } if what.contains("no BTF")),
        "{error}"
    );
    assert_eq!(pipeline.finish().unwrap().status.code(), Some(77));
}
