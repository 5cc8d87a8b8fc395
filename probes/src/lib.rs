//! The built-in probes: objects that `build.rs` compiled from the C files beside this one.
//!
//! Nothing here knows what is in them. A loader reads their events, options and hooks from the
//! object, as it does with one that a user brings.

/// A probe that is part of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Name of its C file without `.bpf.c`; what a configuration calls it.
    pub name: &'static str,
    /// ELF object for the BPF target with BTF, aligned to 8 bytes as parsers of ELF want it.
    pub object: &'static [u8],
}

/// Every built-in probe, sorted by name.
pub static PROBES: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/probes.rs"));

/// An object with a program that does nothing for each kind of hook of which only attaching tells
/// whether it is there, called like it.
pub static IDLE: &[u8] = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/idle.bpf.o"))).0;

#[repr(C, align(8))]
struct Aligned<T>(T);
