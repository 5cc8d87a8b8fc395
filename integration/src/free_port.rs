//! Ports for servers that cannot say themselves which one they got.

use std::net::{Ipv4Addr, TcpListener};

use crate::{Error, Result};

/// A TCP port of 127.0.0.1 on which nobody listens at the moment.
///
/// # Errors
/// No socket can be bound.
pub fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("bind", "127.0.0.1:0"))?;
    let address = listener
        .local_addr()
        .map_err(Error::io("read the address of", "127.0.0.1:0"))?;
    Ok(address.port())
}
