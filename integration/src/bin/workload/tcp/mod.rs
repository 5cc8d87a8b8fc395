//! TCP connections over loopback, each with its own family, amounts and end.
//!
//! The parent serves and a child connects, one connection at a time. Both know from its number
//! what a connection is to be, so that nothing but the amounts goes over the wire.

mod apart;
mod beyond;
mod busy;
mod client;
mod end;
mod held;
mod plan;
mod server;

pub(crate) use apart::apart;
pub(crate) use beyond::{all_waiting, beyond};
pub(crate) use client::client;
pub(crate) use held::connections;
pub(crate) use server::run;

use end::{End, bound, failed};
