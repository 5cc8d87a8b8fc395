//! Attempts whose outcome is known: a listener without room, a port without a listener.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use eunomia_integration::{Error, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::{self, Errno};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, listen, socket_with};

use super::{bound, failed};

/// Where nobody listens.
pub(super) const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);

/// A listener whose queue is full.
pub(super) struct Busy {
    _listener: OwnedFd,
    pub(super) address: SocketAddr,
    /// What fills the queue: connected, and never accepted.
    pub(super) first: OwnedFd,
}

impl Busy {
    pub(super) fn new() -> Result<Self> {
        let listener = socket(SocketFlags::empty())?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        bind(&listener, &any).map_err(failed("bind"))?;
        listen(&listener, 0).map_err(failed("listen on"))?;
        let address = bound(&listener)?;
        let first = socket(SocketFlags::empty())?;
        comes_to(connect(&first, &address), Ok(()))?;
        // It is in the queue later than it is connected: its last packet may be underway on another CPU.
        poll(&mut [PollFd::new(&listener, PollFlags::IN)], None).map_err(failed("poll"))?;
        Ok(Self {
            _listener: listener,
            address,
            first,
        })
    }
}

/// An attempt that finds no room, and waits.
pub(super) fn waiting(address: SocketAddr) -> Result<OwnedFd> {
    let waiting = socket(SocketFlags::NONBLOCK)?;
    comes_to(connect(&waiting, &address), Err(Errno::INPROGRESS))?;
    Ok(waiting)
}

/// An attempt that fails at once.
pub(super) fn refused() -> Result<()> {
    let refused = socket(SocketFlags::empty())?;
    comes_to(connect(&refused, &NOBODY), Err(Errno::CONNREFUSED))
}

pub(super) fn socket(flags: SocketFlags) -> Result<OwnedFd> {
    socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        flags | SocketFlags::CLOEXEC,
        None,
    )
    .map_err(failed("make"))
}

pub(super) fn comes_to(result: io::Result<()>, expected: io::Result<()>) -> Result<()> {
    if result == expected {
        return Ok(());
    }
    let told = format!("an attempt came to {result:?}, not {expected:?}");
    Err(Error::program("workload", told))
}
