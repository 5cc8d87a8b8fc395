//! Saying what was done.

use std::error::Error as _;
use std::io::{Write as _, stderr, stdout};

use eunomia_integration::{Error, Record, Result, Said};
use rustix::io::Errno;

/// Writes one line in one call, so that lines of several processes do not mix.
pub(crate) fn record(record: &Record) -> Result<()> {
    let said = Said::now(record.clone());
    let mut line = serde_json::to_vec(&said).map_err(|source| Error::Json {
        line: format!("{record:?}"),
        source,
    })?;
    line.push(b'\n');
    stdout()
        .write_all(&line)
        .map_err(Error::io("write to", "standard output"))
}

/// Says why nothing more is done.
pub(crate) fn complain(error: &Error) {
    let cause = error.source().map(|cause| format!(": {cause}"));
    if writeln!(stderr(), "workload: {error}{}", cause.unwrap_or_default()).is_err() {
        // Nobody is left to be told.
    }
}

/// The name of an error that this program provokes.
pub(crate) fn name(errno: Errno) -> String {
    let known = [
        (Errno::ACCESS, "EACCES"),
        (Errno::BADF, "EBADF"),
        (Errno::CONNREFUSED, "ECONNREFUSED"),
        (Errno::CONNRESET, "ECONNRESET"),
        (Errno::EXIST, "EEXIST"),
        (Errno::FAULT, "EFAULT"),
        (Errno::INVAL, "EINVAL"),
        (Errno::ISDIR, "EISDIR"),
        (Errno::LOOP, "ELOOP"),
        (Errno::NAMETOOLONG, "ENAMETOOLONG"),
        (Errno::NETUNREACH, "ENETUNREACH"),
        (Errno::NOENT, "ENOENT"),
        (Errno::NOTDIR, "ENOTDIR"),
        (Errno::PERM, "EPERM"),
        (Errno::PIPE, "EPIPE"),
    ];
    let found = known.iter().find(|(number, _)| *number == errno);
    found.map_or_else(
        || errno.raw_os_error().to_string(),
        |(_, name)| (*name).to_owned(),
    )
}
