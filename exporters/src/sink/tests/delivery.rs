//! What becomes of deliveries: through the thread, with their accounts.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eunomia_core::account::{Account, ExporterAccount};
use eunomia_core::build::LocalQueue;
use eunomia_core::component::{ComponentError, FailureKind, Reopen};
use eunomia_core::queue::queue;
use eunomia_core::signal::{Carries, Signal};
use rustix::pipe::pipe;

use super::{fill, plain};
use crate::scratch::Folder;
use crate::sink::{FullDisk, Options, Pages, Sink, Target};
use crate::support;

fn open(target: &Target, options: Options) -> Sink {
    Sink::open(target, options, Reopen::default()).unwrap()
}

/// The file that a descriptor of ours is, by a path.
fn by_descriptor(file: &impl AsFd) -> Target {
    Target::new(&format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// Two batches of eight lines, and what became of them.
async fn deliver(target: &Target, mut sink: Sink) -> (ExporterAccount, Result<(), ComponentError>) {
    let limits = LocalQueue::default().limits();
    let (writer, mut reader, account) = queue("test", limits, Carries::ALL);
    for _ in 0..2 {
        let signal = Arc::new(Signal::Events(support::sample()));
        writer.push(&signal).await;
    }
    drop(writer);
    let mut result = Ok(());
    while let Some(delivery) = reader.next().await {
        let mut pages = Pages::new(target, &support::host());
        for number in 0..delivery.signal().len() {
            fill(pages.only(), &[&format!("line {number}")]);
        }
        if let Err(error) = sink.deliver(delivery, pages).await {
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

/// A heading has no event in it, and is appended to what is there all the same: nothing is set aside
/// where no rotation is asked for.
#[tokio::test]
async fn a_heading_is_appended_to_a_file() {
    let folder = Folder::new("heading");
    let path = folder.path().join("out");
    fs::write(&path, "old\n").unwrap();
    let target = Target::new(path.to_str().unwrap());
    let mut pages = Pages::new(&target, &support::host());
    pages.only().bytes.extend_from_slice(b"HEADING\n");
    let mut sink = open(&target, plain());
    sink.write_heading(pages).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\nHEADING\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Lines are appended to what is there; the file is not for everybody.
#[tokio::test]
async fn lines_are_appended_to_a_file() {
    let folder = Folder::new("append");
    let path = folder.path().join("out");
    let target = Target::new(path.to_str().unwrap());
    for _ in 0..2 {
        let (account, result) = deliver(&target, open(&target, plain())).await;
        assert_eq!((account.delivered, result.is_ok()), (16, true));
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 32);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777 & !0o640, 0, "{mode:o}");
}

/// Where lines may be dropped a full disk costs lines, counted, and does not
/// end the exporter.
#[tokio::test]
async fn a_full_disk_is_counted() {
    let target = Target::new("/dev/full");
    let (account, result) = deliver(&target, open(&target, plain())).await;
    assert_eq!((account.delivered, result.is_ok()), (0, true));
    assert_eq!(dropped(&account), [("disk_full", 16)]);
}

/// Where they may not, they wait: the same file, full and then not, has all.
#[tokio::test(start_paused = true)]
async fn a_full_disk_is_waited_for() {
    let folder = Folder::new("full");
    let path = folder.path().join("out");
    symlink("/dev/full", &path).unwrap();
    let target = Target::new(path.to_str().unwrap());
    let options = Options {
        full_disk: FullDisk::Wait,
        ..plain()
    };
    let (source, reopen) = Reopen::new();
    let sink = Sink::open(&target, options, reopen).unwrap();
    let delivering = deliver(&target, sink);
    tokio::pin!(delivering);
    let hour = tokio::time::sleep(Duration::from_secs(3600));
    tokio::select! {
        _ = &mut delivering => panic!("there is no room"),
        () = hour => {}
    }
    fs::remove_file(&path).unwrap();
    source.request();
    let (account, result) = delivering.await;
    assert_eq!((account.delivered, result.is_ok()), (16, true));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 16);
}

/// A reader that is gone ends the exporter, and is no failure.
#[tokio::test]
async fn a_closed_pipe_ends_the_exporter() {
    let (reader, writer) = pipe().unwrap();
    let target = by_descriptor(&writer);
    let sink = open(&target, plain());
    drop(reader);
    let (account, result) = deliver(&target, sink).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind, FailureKind::OutputClosed);
    let name = target.name();
    assert_eq!(error.to_string(), format!("nobody reads {name} any more"));
    let reasons = [("exporter_gone", 8), ("output_closed", 8)];
    assert_eq!(dropped(&account), reasons);
}

/// A pipe that takes little at a time gets all of it.
#[tokio::test]
async fn a_pipe_that_is_full_is_waited_for() {
    let (reader, writer) = pipe().unwrap();
    let target = by_descriptor(&writer);
    let mut sink = open(&target, plain());
    drop(writer);
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).unwrap();
        text.len()
    });
    let mut pages = Pages::new(&target, &support::host());
    pages.only().bytes = vec![b'x'; 1 << 20];
    sink.write_heading(pages).await.unwrap();
    drop(sink);
    assert_eq!(reading.join().unwrap(), 1 << 20);
}

/// A file that cannot be opened is named, with the reason.
#[test]
fn what_cannot_be_opened_is_named() {
    let target = Target::new("/nowhere/out");
    let error = Sink::open(&target, plain(), Reopen::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "open /nowhere/out: No such file or directory (os error 2)"
    );
    assert!(!Path::new("/nowhere").exists());
}
