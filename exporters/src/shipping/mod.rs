//! From the queue to a peer: deliveries collected into requests, several of
//! which are on their way at once, and what became of each booked.

mod parcel;
mod ship;
#[cfg(test)]
mod tests;

pub(crate) use parcel::{Parcel, Parts, Shared};
pub(crate) use ship::{Collect, Pace, ship};
