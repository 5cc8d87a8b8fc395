//! Sockets that are taken apart and connect again: each attempt has its own outcome.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use eunomia_integration::{Error, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::{self, Errno};
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, connect, connect_unspec, listen, socket_with,
};

use super::{bound, failed};

/// Where nobody listens.
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
/// Where no connection of TCP leads: a group.
const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 1), 7);

/// `tcp-apart`: what its attempts come to is `eunomia_integration::APART`.
pub(crate) fn apart() -> Result<()> {
    // The second finds no room in the listener's queue, and waits. The first is in that queue later
    // than it is connected: its last packet may be underway on another CPU.
    let listener = socket(SocketFlags::empty())?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    bind(&listener, &any).map_err(failed("bind"))?;
    listen(&listener, 0).map_err(failed("listen on"))?;
    let address = bound(&listener)?;
    let first = socket(SocketFlags::empty())?;
    comes_to(connect(&first, &address), Ok(()))?;
    poll(&mut [PollFd::new(&listener, PollFlags::IN)], None).map_err(failed("poll"))?;
    let waiting = socket(SocketFlags::NONBLOCK)?;
    comes_to(connect(&waiting, &address), Err(Errno::INPROGRESS))?;
    again(&waiting)?;

    let refused = socket(SocketFlags::NONBLOCK)?;
    comes_to(connect(&refused, &NOBODY), Err(Errno::INPROGRESS))?;
    again(&refused)?;

    again(&first)
}

fn socket(flags: SocketFlags) -> Result<OwnedFd> {
    socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).map_err(failed("make"))
}

/// Takes a socket apart, and has it connect to where it can't.
fn again(socket: &OwnedFd) -> Result<()> {
    connect_unspec(socket).map_err(failed("take apart"))?;
    comes_to(connect(socket, &NOWHERE), Err(Errno::NETUNREACH))
}

fn comes_to(result: io::Result<()>, expected: io::Result<()>) -> Result<()> {
    if result == expected {
        return Ok(());
    }
    let told = format!("an attempt came to {result:?}, not {expected:?}");
    Err(Error::program("workload", told))
}
