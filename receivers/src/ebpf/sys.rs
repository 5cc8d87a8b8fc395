//! What has no safe wrapper: the one module with `unsafe` code.
//!
//! The loader library reads maps into types of a fixed size; a metric map has
//! the sizes that its C file gave it. Glibc keeps what was freed unless it is
//! asked to give it back. And a thread of a process with others that shares no
//! mounts with them has to promise that it shares its files.
#![expect(
    unsafe_code,
    reason = "bpf(2) with sizes known at run time, malloc_trim(3) and unshare(2) have no safe wrapper"
)]

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::thread::{UnshareFlags, unshare_unsafe};

const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
const BPF_MAP_GET_NEXT_KEY: libc::c_int = 4;

/// Gives memory that was freed back to the kernel: reading the kernel's types
/// takes some 30 MB once.
pub(super) fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function takes a number and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives the calling thread a copy of the mounts, which it may change unseen.
///
/// # Errors
/// Without the privilege for it (`CAP_SYS_ADMIN`).
pub(super) fn own_mount_namespace() -> io::Result<()> {
    // SAFETY: only with `UnshareFlags::FILES` could descriptors of other threads go wrong.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    Ok(())
}

/// The part of `union bpf_attr` that elements of maps use.
#[repr(C)]
#[derive(Default)]
struct ElementAttr {
    map_fd: u32,
    pad: u32,
    key: u64,
    value_or_next_key: u64,
    flags: u64,
}

/// A map as bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawMap<'fd> {
    fd: BorrowedFd<'fd>,
    key_size: usize,
    value_size: usize,
}

impl<'fd> RawMap<'fd> {
    /// The map behind `fd`. The sizes must be those that the kernel has for it;
    /// of a per-CPU map the value of all CPUs, each rounded up to eight bytes.
    ///
    /// # Errors
    /// If the kernel has other sizes: reading would then write past the buffers.
    pub(super) fn new(
        fd: BorrowedFd<'fd>,
        key_size: usize,
        cpu_values: (usize, usize),
    ) -> io::Result<Self> {
        let (value_size, cpus) = cpu_values;
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
        let field = |name| {
            let line = info.lines().find_map(|line: &str| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse::<usize>().ok())
        };
        if field("key_size:") != Some(key_size) || field("value_size:") != Some(value_size) {
            return Err(io::Error::other(
                "the kernel has other sizes for this map than the object",
            ));
        }
        let value_size = if cpus == 0 {
            value_size
        } else {
            value_size.next_multiple_of(8) * cpus
        };
        Ok(Self {
            fd,
            key_size,
            value_size,
        })
    }

    /// Puts the key that follows `key` into `next`; the first one follows
    /// `None`. False when there is none.
    pub(super) fn next_key(&self, key: Option<&[u8]>, next: &mut Vec<u8>) -> io::Result<bool> {
        next.resize(self.key_size, 0);
        if key.is_some_and(|key| key.len() != self.key_size) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let key = key.map_or(0, |key| key.as_ptr() as u64);
        self.found(BPF_MAP_GET_NEXT_KEY, key, next.as_mut_ptr() as u64)
    }

    /// Puts the value of `key` into `value`. False when there is none.
    pub(super) fn lookup(&self, key: &[u8], value: &mut Vec<u8>) -> io::Result<bool> {
        value.resize(self.value_size, 0);
        if key.len() != self.key_size {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.found(
            BPF_MAP_LOOKUP_ELEM,
            key.as_ptr() as u64,
            value.as_mut_ptr() as u64,
        )
    }

    fn found(&self, command: libc::c_int, key: u64, out: u64) -> io::Result<bool> {
        let fd = u32::try_from(self.fd.as_raw_fd()).map_err(io::Error::other)?;
        let mut attr = ElementAttr {
            map_fd: fd,
            key,
            value_or_next_key: out,
            ..ElementAttr::default()
        };
        // SAFETY: `attr` is a prefix of `union bpf_attr` with its size given. `key` is null or
        // points to `key_size` readable bytes and `out` to as many writable bytes as the kernel
        // writes: `new` compared the sizes with the kernel's own. The descriptor is borrowed.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                command,
                &raw mut attr,
                size_of::<ElementAttr>(),
            )
        };
        if result == 0 {
            return Ok(true);
        }
        match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            error => Err(error),
        }
    }
}
