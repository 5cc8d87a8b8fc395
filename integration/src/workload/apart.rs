//! What `workload tcp-apart` does.

/// What the attempts of `workload tcp-apart` come to, in their order: the socket is connected, waits
/// and is taken apart, can't, is refused, can't, and the first of them can't a second time.
pub const APART: [Option<&str>; 6] = [
    None,
    Some("ECONNABORTED"),
    Some("ENETUNREACH"),
    Some("ECONNREFUSED"),
    Some("ENETUNREACH"),
    Some("ENETUNREACH"),
];
