//! The same process id twice within a moment.

use std::fs;

use eunomia_integration::{Error, Result};

use crate::exec;
use crate::options::Options;

/// The last process id that was given out in this pid namespace; writable by root.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

/// `pid-reuse count=N`: pairs of programs, the second under the id that the first one had. Another
/// process of the same pid namespace may take the id in between, so a test compares the ids said.
pub(crate) fn run(options: &mut Options) -> Result<()> {
    let count: u32 = options.value("count", 1)?;
    for pair in 0..count {
        // The next id is one above the last.
        let before = fs::read_to_string(LAST_PID).map_err(Error::io("read", LAST_PID))?;
        exec::spawn(None, &[format!("first of {pair}").into()], 1)?;
        fs::write(LAST_PID, before.trim_end()).map_err(Error::io("write", LAST_PID))?;
        exec::spawn(None, &[format!("second of {pair}").into()], 2)?;
    }
    Ok(())
}
