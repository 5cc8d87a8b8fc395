//! Receivers: where signals come from.

pub mod ebpf;
pub mod object;
