//! The receiver without a kernel.

mod draining;
mod headers;
mod shown;
