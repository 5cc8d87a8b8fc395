use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use eunomia_core::account::{Account, ExporterAccount};
use eunomia_core::build::QueueSettings;
use eunomia_core::component::{ComponentError, FailureKind};
use eunomia_core::queue::{WhenFull, queue};
use eunomia_core::signal::{Carries, Signal};
use rustix::pipe::pipe;

use super::{Lines, Sink, Target};
use crate::support;

/// Two batches of eight lines, and what became of them.
async fn deliver(mut sink: Sink) -> (ExporterAccount, Result<(), ComponentError>) {
    let limits = QueueSettings::default().limits(WhenFull::Block);
    let (writer, mut reader, account) = queue("test", limits, Carries::ALL);
    for _ in 0..2 {
        let signal = Arc::new(Signal::Events(support::sample()));
        writer.push(&signal).await;
    }
    drop(writer);
    let mut result = Ok(());
    while let Some(delivery) = reader.next().await {
        let mut lines = Lines::default();
        for number in 0..delivery.signal().len() {
            lines.bytes.extend(format!("line {number}\n").bytes());
            lines.end_item();
        }
        if let Err(error) = sink.deliver(delivery, lines).await {
            result = Err(error);
            break;
        }
    }
    drop(reader);
    let Account::Exporter(account) = account.accounts().remove(0) else {
        panic!("not an exporter's account");
    };
    (account, result)
}

fn dropped(account: &ExporterAccount) -> Vec<(&str, u64)> {
    let by = account.dropped_by.iter();
    by.map(|(reason, count)| (&**reason, *count)).collect()
}

/// Lines are appended to what is there; the file is not for everybody.
#[tokio::test]
async fn lines_are_appended_to_a_file() {
    let folder = support::Folder::new("append");
    let path = folder.path().join("out");
    let target = Target::new(path.to_str().unwrap());
    for _ in 0..2 {
        let (account, result) = deliver(Sink::open(&target).unwrap()).await;
        assert_eq!((account.delivered, result.is_ok()), (16, true));
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 32);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777 & !0o640, 0, "{mode:o}");
}

/// A full disk costs lines, counted, and does not end the exporter.
#[tokio::test]
async fn a_full_disk_is_counted() {
    let sink = Sink::open(&Target::new("/dev/full")).unwrap();
    let (account, result) = deliver(sink).await;
    assert_eq!((account.delivered, result.is_ok()), (0, true));
    assert_eq!(dropped(&account), [("disk_full", 16)]);
}

/// A reader that is gone ends the exporter, and is no failure.
#[tokio::test]
async fn a_closed_pipe_ends_the_exporter() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let sink = Sink::start("a pipe".into(), writer.into()).unwrap();
    let (account, result) = deliver(sink).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind, FailureKind::OutputClosed);
    assert_eq!(error.to_string(), "nobody reads a pipe any more");
    let reasons = [("exporter_gone", 8), ("output_closed", 8)];
    assert_eq!(dropped(&account), reasons);
}

/// Standard output may be non-blocking: nothing is lost when it is full.
#[tokio::test]
async fn a_pipe_that_does_not_block_is_waited_for() {
    let (reader, writer) = pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let mut sink = Sink::start("a pipe".into(), writer.into()).unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).unwrap();
        text.len()
    });
    let mut lines = Lines::default();
    lines.bytes = vec![b'x'; 1 << 20];
    sink.write_heading(lines).await.unwrap();
    drop(sink);
    assert_eq!(reading.join().unwrap(), 1 << 20);
}

/// A file that cannot be opened is named, with the reason.
#[test]
fn what_cannot_be_opened_is_named() {
    let error = Sink::open(&Target::new("/nowhere/out")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "open /nowhere/out: No such file or directory (os error 2)"
    );
}
