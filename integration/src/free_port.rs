//! Ports for servers that cannot say themselves which one they got.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Result};

/// Below those that the kernel gives out by itself: until its server is there no connection and no
/// other test gets one of these by chance.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;
/// From which port on a process looks, so that two at the same time are apart.
const STEP: u32 = 101;

/// A TCP port of 127.0.0.1 on which nobody listens at the moment, each time another one.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = process::id().wrapping_mul(STEP);
    for _ in 0..COUNT {
        let number = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let below = u16::try_from(number % u32::from(COUNT)).unwrap_or_default();
        let port = FIRST + below;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::program("free_port", "every port is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One port after another, and none on which somebody listens, whoever that is.
    #[test]
    fn a_port_is_free_and_another_one_each_time() {
        let first = free_port().unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first + 1));
        let second = free_port().unwrap();
        assert!(![first, first + 1].contains(&second), "{second}");
        drop(taken);
    }
}
