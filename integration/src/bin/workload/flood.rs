//! One system call, as often and on as many threads as asked.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read as _, stdin};
use std::path::Path;
use std::process;
use std::thread;

use eunomia_integration::{Error, Record, Result};
use rustix::process::getppid;

use crate::options::Options;
use crate::say;

/// `flood call=getppid|open threads=T count=N path=P`: N calls on each of T threads.
pub(crate) fn run(options: &mut Options) -> Result<()> {
    let call: String = options.value("call", "getppid".to_owned())?;
    let threads: u64 = options.value("threads", 1)?;
    let count: u64 = options.value("count", 1000)?;
    let path: String = options.value("path", "/dev/null".to_owned())?;
    let path = Path::new(&path);
    let once: &(dyn Fn() -> Result<()> + Sync) = match call.as_str() {
        "getppid" => &|| {
            black_box(getppid());
            Ok(())
        },
        "open" => &|| File::open(path).map(drop).map_err(Error::io("open", path)),
        other => {
            return Err(Error::program(
                "workload",
                format!("unknown call {other:?}"),
            ));
        }
    };
    thread::scope(|scope| {
        let each: Vec<_> = (0..threads)
            .map(|_| scope.spawn(move || (0..count).try_for_each(|_| once())))
            .collect();
        each.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Error::program("workload", "a thread panicked")))
        })
    })?;
    say::record(&Record::Flood {
        pid: process::id(),
        threads,
        calls: threads * count,
    })
}

/// `idle`: until the standard input ends.
pub(crate) fn idle() -> Result<()> {
    let mut rest = Vec::new();
    stdin()
        .read_to_end(&mut rest)
        .map_err(Error::io("read", "standard input"))
        .map(drop)
}
