//! One end of a connection.

use std::net::SocketAddr;
use std::process;

use eunomia_integration::{Error, Record, Result};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, read, retry_on_intr, write};
use rustix::net::getsockname;

use crate::say;

/// One end of an established connection and what went through it.
pub(super) struct End {
    pub(super) socket: OwnedFd,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) reset: bool,
}

impl End {
    pub(super) fn of(socket: OwnedFd, peer: SocketAddr) -> Result<Self> {
        let local = bound(&socket)?;
        Ok(Self {
            socket,
            local,
            peer,
            sent: 0,
            received: 0,
            reset: false,
        })
    }

    /// Hands over `count` bytes; stops early when the other end has gone.
    pub(super) fn send(&mut self, count: u64) -> Result<()> {
        let chunk = vec![b'e'; 65_536];
        let mut left = count;
        while left > 0 && !self.reset {
            let next = usize::try_from(left)
                .unwrap_or(chunk.len())
                .min(chunk.len());
            let handed = retry_on_intr(|| write(&self.socket, chunk.split_at(next).0));
            let handed = self.settle("send to", handed)? as u64;
            self.sent += handed;
            left -= handed;
        }
        Ok(())
    }

    /// Takes `count` bytes, or what comes until the other end closes.
    pub(super) fn receive(&mut self, count: u64) -> Result<()> {
        let mut chunk = vec![0; 65_536];
        let end = self.received.saturating_add(count);
        while self.received < end && !self.reset {
            let left = usize::try_from(end - self.received).unwrap_or(usize::MAX);
            let room = left.min(chunk.len());
            let (buffer, _) = chunk.split_at_mut(room);
            let taken = retry_on_intr(|| read(&self.socket, &mut *buffer));
            match self.settle("receive from", taken)? {
                0 => return Ok(()),
                taken => self.received += taken as u64,
            }
        }
        Ok(())
    }

    /// Takes everything until the other end closes.
    pub(super) fn receive_all(&mut self) -> Result<()> {
        self.receive(u64::MAX)
    }

    /// A reset is an end like any other; a socket that is not ready is waited for.
    fn settle(&mut self, action: &'static str, moved: Result<usize, Errno>) -> Result<usize> {
        match moved {
            Ok(moved) => Ok(moved),
            Err(Errno::CONNRESET | Errno::PIPE) => {
                self.reset = true;
                Ok(0)
            }
            Err(errno) => Err(failed(action)(errno)),
        }
    }

    /// What will be said once it is closed.
    pub(super) fn closing(&self) -> Record {
        Record::Close {
            pid: process::id(),
            local: self.local,
            peer: self.peer,
            sent: self.sent,
            received: self.received,
            reset: self.reset,
        }
    }

    /// Closes and says so.
    pub(super) fn close(self) -> Result<()> {
        let said = self.closing();
        drop(self.socket);
        say::record(&said)
    }
}

/// Where a socket is bound.
pub(super) fn bound(socket: impl AsFd) -> Result<SocketAddr> {
    let any = getsockname(socket).map_err(failed("read the address of"))?;
    SocketAddr::try_from(any).map_err(failed("understand the address of"))
}

pub(super) fn failed(action: &'static str) -> impl FnOnce(Errno) -> Error {
    let wrap = Error::io(action, "a socket");
    move |errno| wrap(errno.into())
}
