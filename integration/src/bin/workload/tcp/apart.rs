//! Sockets that are taken apart and connect again: each attempt has its own outcome.

use std::net::{Ipv4Addr, SocketAddrV4};

use eunomia_integration::Result;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, connect, connect_unspec};

use super::busy::{Busy, NOBODY, comes_to, socket, waiting};
use super::failed;

/// Where no connection of TCP leads: a group.
const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 1), 7);

/// `tcp-apart`: what its attempts come to is `eunomia_integration::APART`.
pub(crate) fn apart() -> Result<()> {
    let busy = Busy::new()?;
    again(&waiting(busy.address)?)?;

    let refused = socket(SocketFlags::NONBLOCK)?;
    comes_to(connect(&refused, &NOBODY), Err(Errno::INPROGRESS))?;
    // Taken apart before the answer is there it would have given up, not been refused.
    poll(&mut [PollFd::new(&refused, PollFlags::OUT)], None).map_err(failed("poll"))?;
    again(&refused)?;

    again(&busy.first)
}

/// Takes a socket apart, and has it connect to where it can't.
fn again(socket: &OwnedFd) -> Result<()> {
    connect_unspec(socket).map_err(failed("take apart"))?;
    comes_to(connect(socket, &NOWHERE), Err(Errno::NETUNREACH))
}
