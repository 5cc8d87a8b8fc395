//! Many connections that are open at the same time.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process;

use eunomia_integration::{Error, Record, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::options::Options;
use crate::say;

/// Descriptors beside those of the connections.
pub(super) const OTHERS: u64 = 64;

/// `connections count=N`: N connections to itself, both ends open until the last one is there.
pub(crate) fn connections(options: &mut Options) -> Result<()> {
    let count: u64 = options.value("count", 100)?;
    raise_limit(2 * count + OTHERS)?;
    drop(hold(count)?);
    say::record(&Record::Flood {
        pid: process::id(),
        threads: 1,
        calls: count,
    })
}

/// Both ends of so many connections.
pub(super) fn hold(count: u64) -> Result<Vec<TcpStream>> {
    let failed = |action| Error::io(action, "a socket");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("bind"))?;
    let address = listener.local_addr().map_err(failed("name"))?;
    let mut ends = Vec::new();
    for _ in 0..count {
        ends.push(TcpStream::connect(address).map_err(failed("connect"))?);
        let (accepted, _) = listener.accept().map_err(failed("accept on"))?;
        ends.push(accepted);
    }
    Ok(ends)
}

/// Makes room for so many descriptors.
pub(super) fn raise_limit(wanted: u64) -> Result<()> {
    let now = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.map(|limit| limit.max(wanted));
    let raised = Rlimit {
        current: enough(now.current),
        maximum: enough(now.maximum),
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|errno| Error::io("raise the limit of", "descriptors")(errno.into()))
}
