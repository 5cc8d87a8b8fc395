//! The parent: listens on both families, starts the client and serves one connection at a time.

use std::env::current_exe;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::{self, Child, Command};

use eunomia_integration::{Error, Record, Result};

use super::plan::{Case, Family, Plan};
use super::{End, bound};
use crate::options::Options;
use crate::{exec, say};

/// `tcp count=N`: N attempts to connect, in turn of every case and family.
pub(crate) fn run(options: &mut Options) -> Result<()> {
    let count: u64 = options.value("count", 400)?;
    let v4 = listen((Ipv4Addr::LOCALHOST, 0).into())?;
    let v6 = listen((Ipv6Addr::LOCALHOST, 0).into())?;
    let mut client = start_client(count, bound(&v4)?, bound(&v6)?)?;
    for plan in (0..count).map(Plan::of).filter(Plan::arrives) {
        let listener = match plan.family {
            Family::V4 | Family::Mapped => &v4,
            Family::V6 => &v6,
        };
        let (stream, peer) = listener
            .accept()
            .map_err(Error::io("accept from", "a socket"))?;
        serve(plan, End::of(stream.into(), peer)?)?;
    }
    let pid = client.id();
    let status = client.wait().map_err(Error::io("wait for", "the client"))?;
    if !status.success() {
        return Err(Error::program("tcp-client", status.to_string()));
    }
    say::record(&Record::Exit {
        pid,
        end: exec::end_said(status),
    })
}

fn listen(at: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(at).map_err(Error::io("listen on", at.to_string()))
}

fn start_client(count: u64, v4: SocketAddr, v6: SocketAddr) -> Result<Child> {
    let this = current_exe().map_err(Error::io("find", "this program"))?;
    Command::new(this)
        .arg("tcp-client")
        .args([
            format!("count={count}"),
            format!("v4={v4}"),
            format!("v6={v6}"),
        ])
        .spawn()
        .map_err(Error::io("start", "the client"))
}

fn serve(plan: Plan, mut end: End) -> Result<()> {
    say::record(&Record::Accept {
        pid: process::id(),
        local: end.local,
        peer: end.peer,
    })?;
    match plan.case {
        Case::ClientFirst | Case::NonBlocking | Case::Reset | Case::Unread => {
            end.receive(plan.up)?;
            end.send(plan.down)?;
            end.receive_all()?;
        }
        Case::ServerFirst => {
            end.receive(plan.up)?;
            end.send(plan.down)?;
        }
        Case::HalfClosed => {
            end.receive_all()?;
            end.send(plan.down)?;
        }
        Case::Killed | Case::Silent => end.receive_all()?,
        Case::Refused | Case::RefusedNonBlocking | Case::Unreachable => {
            unreachable!("these never arrive");
        }
    }
    end.close()
}
