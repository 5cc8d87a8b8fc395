//! The readers, one a format.

pub(crate) mod console;
pub(crate) mod csv;
pub(crate) mod line_protocol;
pub(crate) mod ndjson;
pub(crate) mod otlp;
pub(crate) mod prometheus;
pub(crate) mod record;
pub(crate) mod remote_write;
