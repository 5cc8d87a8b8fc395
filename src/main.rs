//! Eunomia.
fn main() {}
