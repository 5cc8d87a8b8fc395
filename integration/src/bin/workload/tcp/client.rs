//! The child: connects, one connection at a time.

use std::env::current_exe;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{self, Command};

use eunomia_integration::{Error, Record, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_linger, socket_error};
use rustix::net::{
    AddressFamily, RecvFlags, Shutdown, SocketFlags, SocketType, bind, connect, recv, shutdown,
    socket_with,
};
use rustix::process::{Signal, getpid, kill_process};

use std::time::Duration;

use super::plan::{Case, Family, Plan};
use super::{End, bound, failed};
use crate::options::Options;
use crate::{exec, say};

/// Where the server listens.
#[derive(Clone, Copy)]
struct Servers {
    v4: SocketAddr,
    v6: SocketAddr,
}

/// `tcp-client count=N v4=ADDRESS v6=ADDRESS`, or with `only=NUMBER` that one alone; started by
/// the server.
pub(crate) fn client(options: &mut Options) -> Result<()> {
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let v4 = options.value("v4", nowhere)?;
    let v6 = options.value("v6", nowhere)?;
    let servers = Servers { v4, v6 };
    let count: u64 = options.value("count", 0)?;
    let only: u64 = options.value("only", count)?;
    if only < count {
        return attempt(Plan::of(only), servers);
    }
    for number in 0..count {
        let plan = Plan::of(number);
        if plan.case == Case::Killed {
            doomed(number, count, servers)?;
        } else {
            attempt(plan, servers)?;
        }
    }
    Ok(())
}

/// Lets a process of its own make the connection that ends with its death.
fn doomed(number: u64, count: u64, servers: Servers) -> Result<()> {
    let this = current_exe().map_err(Error::io("find", "this program"))?;
    let mut child = Command::new(this)
        .arg("tcp-client")
        .args([format!("v4={}", servers.v4), format!("v6={}", servers.v6)])
        .args([format!("count={count}"), format!("only={number}")])
        .spawn()
        .map_err(Error::io("start", "a client"))?;
    let pid = child.id();
    let status = child.wait().map_err(Error::io("wait for", "a client"))?;
    if status.signal() != Some(Signal::KILL.as_raw()) {
        return Err(Error::program(
            "tcp-client",
            format!("{status} instead of being killed"),
        ));
    }
    say::record(&Record::Exit {
        pid,
        end: exec::end_said(status),
    })
}

fn attempt(plan: Plan, servers: Servers) -> Result<()> {
    let socket = new_socket(plan)?;
    // Holds the port on which nobody listens until the attempt is over.
    let mut held = None;
    let peer = if plan.case.is_refused() {
        let deaf = held.insert(new_socket(plan)?);
        bind(&*deaf, &loopback(plan.family)).map_err(failed("bind"))?;
        bound(&*deaf)?
    } else if plan.case == Case::Unreachable {
        nowhere(plan.family)
    } else {
        match plan.family {
            Family::V4 => servers.v4,
            Family::V6 => servers.v6,
            Family::Mapped => mapped(servers.v4),
        }
    };
    let outcome = reach(&socket, peer, plan.case);
    drop(held);
    let local = bound(&socket).ok().filter(|local| local.port() != 0);
    let error = outcome.err().map(say::name);
    let made = error.is_none();
    say::record(&Record::Connect {
        pid: process::id(),
        local,
        peer,
        error,
    })?;
    if made {
        talk(plan, End::of(socket, peer)?)
    } else {
        Ok(())
    }
}

fn new_socket(plan: Plan) -> Result<OwnedFd> {
    let family = match plan.family {
        Family::V4 => AddressFamily::INET,
        Family::V6 | Family::Mapped => AddressFamily::INET6,
    };
    let mut flags = SocketFlags::CLOEXEC;
    flags.set(SocketFlags::NONBLOCK, plan.case.is_non_blocking());
    let socket = socket_with(family, SocketType::STREAM, flags, None).map_err(failed("make"))?;
    if plan.family == Family::Mapped {
        set_ipv6_v6only(&socket, false).map_err(failed("open to both families"))?;
    }
    Ok(socket)
}

/// Connects, and waits for the outcome where the kernel does not.
fn reach(socket: &OwnedFd, peer: SocketAddr, case: Case) -> Result<(), Errno> {
    match (connect(socket, &peer), case.is_non_blocking()) {
        (Err(Errno::INPROGRESS), true) => {
            poll(&mut [PollFd::new(socket, PollFlags::OUT)], None)?;
            socket_error(socket)?
        }
        (outcome, _) => outcome,
    }
}

fn talk(plan: Plan, mut end: End) -> Result<()> {
    match plan.case {
        Case::ClientFirst | Case::NonBlocking => {
            // The amounts are what counts: from here on it waits like any other.
            let flags = fcntl_getfl(&end.socket).map_err(failed("read the flags of"))?;
            fcntl_setfl(&end.socket, flags - OFlags::NONBLOCK).map_err(failed("block"))?;
            end.send(plan.up)?;
            end.receive(plan.down)?;
        }
        Case::ServerFirst => {
            end.send(plan.up)?;
            end.receive_all()?;
        }
        Case::HalfClosed => {
            end.send(plan.up)?;
            shutdown(&end.socket, Shutdown::Write).map_err(failed("shut down"))?;
            end.receive_all()?;
        }
        Case::Reset => {
            end.send(plan.up)?;
            end.receive(plan.down)?;
            set_socket_linger(&end.socket, Some(Duration::ZERO)).map_err(failed("linger on"))?;
        }
        Case::Unread => {
            end.send(plan.up)?;
            look_at(&end, plan.down)?;
        }
        Case::Killed => {
            end.send(plan.up)?;
            say::record(&end.closing())?;
            return kill_process(getpid(), Signal::KILL).map_err(failed("die with"));
        }
        Case::Silent => {}
        Case::Refused | Case::RefusedNonBlocking | Case::Unreachable => {
            unreachable!("these are never made");
        }
    }
    end.close()
}

/// Waits until `count` bytes have arrived, and leaves them there.
fn look_at(end: &End, count: u64) -> Result<()> {
    let mut buffer = vec![0; usize::try_from(count).unwrap_or_default()];
    let flags = RecvFlags::PEEK | RecvFlags::WAITALL;
    recv(&end.socket, &mut *buffer, flags)
        .map(drop)
        .map_err(failed("look at"))
}

fn loopback(family: Family) -> SocketAddr {
    match family {
        Family::V4 => (Ipv4Addr::LOCALHOST, 0).into(),
        Family::V6 => (Ipv6Addr::LOCALHOST, 0).into(),
        Family::Mapped => mapped((Ipv4Addr::LOCALHOST, 0).into()),
    }
}

/// A multicast address: TCP goes to no such thing, whatever routes there are.
fn nowhere(family: Family) -> SocketAddr {
    let v4 = SocketAddr::from((Ipv4Addr::new(224, 0, 0, 1), 9));
    match family {
        Family::V4 => v4,
        Family::V6 => (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 9).into(),
        Family::Mapped => mapped(v4),
    }
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => (ip.to_ipv6_mapped(), address.port()).into(),
        IpAddr::V6(_) => address,
    }
}
