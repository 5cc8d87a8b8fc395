//! Attempts beyond the sockets that are followed at a time.

use std::env::current_exe;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use eunomia_integration::{Error, Result};

use super::busy::{Busy, refused, waiting};
use super::held::{OTHERS, hold, raise_limit};
use crate::options::Options;

/// `tcp-beyond sockets=N waiting=M spare=S`: N sockets, all but one of them connected and the last an
/// attempt that waits; then M more that wait. An attempt is refused before the last of the N, behind
/// it, before the last S of the M, and behind them.
pub(crate) fn beyond(options: &mut Options) -> Result<()> {
    let sockets: u64 = options.value("sockets", 2)?;
    let count: u64 = options.value("waiting", 0)?;
    let spare: u64 = options.value("spare", 0)?;
    raise_limit(sockets + OTHERS)?;
    let busy = Busy::new()?;
    let _held = hold(sockets / 2 - 1)?;
    refused()?;
    let _last = waiting(busy.address)?;
    refused()?;
    // In a process of its own: all together are more descriptors than one may have.
    let this = current_exe().map_err(Error::io("find", "this program"))?;
    let status = Command::new(this)
        .arg("tcp-waiting")
        .arg(format!("at={}", busy.address))
        .args([format!("count={count}"), format!("spare={spare}")])
        .status()
        .map_err(Error::io("start", "who waits"))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::program("tcp-waiting", status.to_string()))
}

/// `tcp-waiting at=ADDRESS count=M spare=S`: those of them that wait; started by the other.
pub(crate) fn all_waiting(options: &mut Options) -> Result<()> {
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let at = options.value("at", nowhere)?;
    let count: u64 = options.value("count", 0)?;
    let spare: u64 = options.value("spare", 0)?;
    raise_limit(count + OTHERS)?;
    let mut attempts = Vec::new();
    for number in 0..count {
        if number + spare == count {
            refused()?;
        }
        attempts.push(waiting(at)?);
    }
    refused()
}
